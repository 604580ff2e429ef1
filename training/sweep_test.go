package training

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func axis(name string, values ...any) Axis {
	var texts []string
	for _, v := range values {
		texts = append(texts, fmt.Sprint(v))
	}
	a, err := NewAxis(name, texts...)
	if err != nil {
		panic(err)
	}
	return a
}

func sigmas(v ...any) Axis  { return axis("sigma", v...) }
func losses(v ...any) Axis  { return axis("loss", v...) }
func methods(v ...any) Axis { return axis("method", v...) }
func draws(v ...any) Axis   { return axis("draws", v...) }

// TestFields: each field is set from text, and is what it was set to.
func TestFields(t *testing.T) {
	texts := map[string]string{"string": "aol", "int": "3", "uint64": "4", "float64": "0.25",
		"bool": "true"}
	changed := map[Config]bool{}
	for _, f := range Fields {
		var c Config
		if err := f.Set(&c, texts[f.Kind()]); err != nil || f.Text(&c) != texts[f.Kind()] {
			t.Errorf("%s: %q, %v", f.Name, f.Text(&c), err)
		}
		changed[c] = true
		if f.Kind() != "string" {
			mustFail(t, f.Set(&c, "many"), "many")
		}
	}
	if len(changed) != len(Fields) {
		t.Errorf("%d fields change %d", len(Fields), len(changed))
	}
	if a := axis("width", "XS", "0x10"); fmt.Sprint(a.Values) != "[8 16]" {
		t.Error(a.Values)
	}
	_, err := NewAxis("wide", "1")
	mustFail(t, err, `training: no field "wide"; known: arch, conv`)
	_, err = NewAxis("lr", "x")
	mustFail(t, err, "training: lr: ")
}

func TestSweep(t *testing.T) {
	given := Default()
	given.Draws = 3
	for _, c := range []struct {
		base Config
		axes []Axis
		want string // names and values
	}{
		{Default(), []Axis{losses("offset", "emma"), sigmas(0, 0.25)},
			"loss-offset_sigma-0[offset 0] loss-offset_sigma-0.25[offset 0.25] " +
				"loss-emma_sigma-0[emma 0] loss-emma_sigma-0.25[emma 0.25]"},
		{Default(), []Axis{sigmas(1e-7, 20)}, "sigma-1e-07[1e-07] sigma-20[20]"},
		// Gaussian training takes no draws: one point, not two.
		{Default(), []Axis{methods("gaussian", "macer"), draws(2, 4)},
			"method-gaussian[gaussian ] method-macer_draws-2[macer 2] " +
				"method-macer_draws-4[macer 4]"},
		{given, []Axis{methods("gaussian", "macer")},
			"method-gaussian[gaussian] method-macer[macer]"},
		{Default(), nil, "point[]"},
	} {
		points, err := Sweep(c.base, c.axes...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range points {
			got = append(got, p.Name+fmt.Sprint(p.Values))
			if p.Config != p.Config.Complete() || p.Config.Validate() != nil {
				t.Errorf("%s: %+v", p.Name, p.Config)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s, want %s", s, c.want)
		}
	}
	points, _ := Sweep(given, methods("gaussian", "macer"), sigmas(0.25, 1))
	if c := points[0].Config; c != func() Config { c := Default(); c.Sigma = 0.25; return c }() {
		t.Errorf("%+v isn't a training with Gaussian noise", c)
	}
	if c := points[3].Config; c.Draws != 3 || c.Method != "macer" || c.Sigma != 1 {
		t.Errorf("%+v", c)
	}
	for want, axes := range map[string][]Axis{
		"training: sigma 0.5 is given twice": {sigmas(0.5, 1, 0.5)},
		"training: loss: an empty value":     {losses("emma", "")},
		"training: sigma must be finite":     {sigmas(0.5, math.NaN())},
		"training: sigma must be positive with method macer": {methods("gaussian",
			"macer"), sigmas(0.5, 0)},
		`training: no loss "focal"; known: offset`: {losses("emma",
			"focal")},
		`training: no training method "trades"; known: gaussian`: {methods("macer",
			"trades")},
		"training: draws: method gaussian takes none; those that do: sta": {draws(2, 4)},
	} {
		_, err := Sweep(Default(), axes...)
		mustFail(t, err, want)
	}
}
