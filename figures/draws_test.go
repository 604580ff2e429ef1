package figures

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
)

// The table says each image's draws and what a fixed number of them certifies.
func TestDraws(t *testing.T) {
	in := input()
	adaptive := in.Beside[0].Run
	f, err := Draws([]*certify.Run{adaptive}, in.Runs[0], 0.001)
	if err != nil {
		t.Fatal(err)
	}
	c, err := in.Runs[0].Certify(in.config("twobound"))
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range f.Table.Rows {
		if e := adaptive.Rows[i]; row[1] != strconv.Itoa(e.Index) ||
			row[2] != strconv.Itoa(e.Estimation.Total()) || row[3] != "200" {
			t.Errorf("row %v of image %d", row, e.Index)
		}
		if r := c.Curves[0].Results[i]; r.Radius > 0 && row[4] != strconv.FormatFloat(r.Radius, 'g',
			6, 64) {
			t.Errorf("row %v, radius %g", row, r.Radius)
		}
	}
	if len(f.Table.Rows) != len(adaptive.Rows) ||
		!strings.Contains(f.Caption, "until radius>=0.3") ||
		!strings.Contains(f.Caption, "radii: of n = 200 draws") {
		t.Error(len(f.Table.Rows), f.Caption)
	}
	// Without a fixed run, radii are of the run itself, at its stops.
	own, err := Draws([]*certify.Run{adaptive}, nil, 0.001)
	if err != nil || slices.Equal(own.Table.Rows[0], f.Table.Rows[0]) && own.Caption == f.Caption {
		t.Error(err)
	}
	fewer := *in.Runs[0]
	fewer.Rows = fewer.Rows[1:]
	for want, try := range map[string]func() (*Figure, error){
		"isn't in the run of a fixed": func() (*Figure, error) {
			return Draws([]*certify.Run{adaptive}, &fewer, 0.001)
		},
		"a run without a rule": func() (*Figure, error) {
			return Draws(in.Runs[:1], nil, 0.001)
		},
		"no run to draw": func() (*Figure, error) { return Draws(nil, nil, 0.001) },
		"lipsmooth sample --until": func() (*Figure, error) {
			in.Beside = nil
			return drawDraws(in)
		},
		"no other run or public log: ": func() (*Figure, error) {
			in.Beside = nil
			return drawLogs(in)
		},
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A run at other noise asks another question.
func TestDrawsOfOtherNoise(t *testing.T) {
	in := input()
	other := *in.Beside[0].Run
	other.Run.Sigma = 1
	in.Beside[0].Run = &other
	if _, err := drawDraws(in); err == nil ||
		!strings.Contains(err.Error(), "no run whose draws end") {
		t.Error(err)
	}
}

func TestLogs(t *testing.T) {
	in := input()
	f, err := drawLogs(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"MNIST, dense4, σ = 0.25, mono",
		"MNIST, dense4, σ = 0.25, adaptive", "run until: MNIST, dense4, σ = 0.25, mono",
		"cifar10 resnet noise 0.25"} {
		if !slices.Contains(f.Table.Columns, want) {
			t.Errorf("no %q in %q", want, f.Table.Columns)
		}
	}
	if cells := column(t, f.Table, "cifar10 resnet noise 0.25"); cells["0"] != "0.75" ||
		!strings.Contains(f.Caption, "1 public table") {
		t.Error(cells["0"], f.Caption)
	}
	// The clean margin has a curve where it certifies more.
	margin := "MNIST, dense4, σ = 0.25, margin"
	if slices.Contains(f.Table.Columns, margin) {
		t.Errorf("the smaller margin in %q", f.Table.Columns)
	}
	larger := *in.Runs[0]
	larger.Rows = slices.Clone(larger.Rows)
	for i, e := range larger.Rows {
		e.Clean.Margin *= 1.5
		larger.Rows[i] = e
	}
	of := in
	of.Runs = []*certify.Run{&larger}
	if f, err := drawLogs(of); err != nil || !slices.Contains(f.Table.Columns, margin) {
		t.Error("no larger margin", err)
	}
	// Curves of other images say so.
	public := slices.IndexFunc(in.Beside, func(o Other) bool { return o.Run == nil })
	in.Beside = []Other{in.Beside[public], in.Beside[public]}
	in.Beside[0].Name, in.Beside[1].Name = "cifar10_resnet_noise_1", "cifar10_resnet_noise_2"
	if f, err := drawLogs(in); err != nil || f.Title !=
		"Certified accuracy beside cifar10_resnet, of other images than MNIST" {
		t.Error(f, err)
	}
	// Public logs alone.
	in = input()
	in.Runs = nil
	if f, err = drawLogs(in); err != nil || len(f.Table.Columns) != 7 {
		t.Error(err)
	}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"a_b_noise_1", "a_b_noise_2"}, "a_b_"},
		{[]string{"a_1", "b_1"}, ""},
		{[]string{"a_1"}, ""},
		{[]string{"noise_1", "noise_2"}, ""},
		{[]string{"", "x"}, ""},
	} {
		if got := commonWords(c.names); got != c.want {
			t.Errorf("%q: %q, want %q", c.names, got, c.want)
		}
	}
}
