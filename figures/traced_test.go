package figures

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
)

// element is one of an SVG that says what it is.
type element map[string]string

// annotated returns the elements of a figure that have such attributes, by kind. It checks that the
// figure is otherwise that of WriteSVG.
func annotated(t *testing.T, f *Figure) (panels, entries, curves []element) {
	t.Helper()
	var plain, text bytes.Buffer
	if err := errors.Join(f.WriteSVG(&plain), f.WriteAnnotatedSVG(&text)); err != nil {
		t.Fatal(err)
	}
	notes := regexp.MustCompile(`data-[a-z]+="[^"]*" |<rect [^>]*>\n`)
	if notes.ReplaceAllString(text.String(), "") != plain.String() {
		t.Fatalf("figure %s: another drawing than that of WriteSVG", f.Name)
	}
	for d := xml.NewDecoder(&text); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return panels, entries, curves
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		e := element{}
		for _, a := range start.Attr {
			e[a.Name.Local] = a.Value
		}
		switch _, of := e["data-of"]; {
		case of:
			curves = append(curves, e)
		case start.Name.Local == "rect" && e["data-entry"] != "":
			entries = append(entries, e)
		case start.Name.Local == "rect":
			panels = append(panels, e)
		}
	}
}

// names are those of the entries of each curve with values.
func namesOf(entries, curves []element) (names []string) {
	for _, c := range curves {
		if c["data-x"] == "" {
			continue
		}
		var all []string
		for _, i := range strings.Fields(c["data-of"]) {
			all = append(all, entries[slices.IndexFunc(entries, func(e element) bool {
				return e["data-entry"] == i
			})]["data-name"])
		}
		names = append(names, strings.Join(all, ", "))
	}
	return names
}

func TestAnnotated(t *testing.T) {
	results := []rs.Result{result(3, 0.5), result(3, 1), result(2, 2), result(3, 1)}
	f, err := Curves(certify.Settings{}, []certify.Curve{{Method: "mono", Results: results},
		{Method: "margin", Results: results[:2]}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	panels, entries, curves := annotated(t, f)
	if len(panels) != 1 || panels[0]["data-x"] != "ℓ₂ radius" ||
		panels[0]["data-y"] != "certified accuracy" {
		t.Errorf("panels %v", panels)
	}
	if names := namesOf(entries, curves); !slices.Equal(names, []string{"mono, ACR 0.625",
		"margin, ACR 0.750"}) {
		t.Errorf("curves %q", names)
	}
	if len(curves) != 3 { // the band of the larger average belongs to its curve
		t.Errorf("%d paths of curves", len(curves))
	}
	// The first vertex at an x has the value of the table.
	line := curves[slices.IndexFunc(curves, func(c element) bool { return c["data-x"] != "" })]
	xs, ys := strings.Split(line["data-x"], "|"), strings.Split(line["data-y"], "|")
	if vertices := strings.Count(line["d"], ","); len(xs) != len(ys) || len(xs) != vertices {
		t.Errorf("%d and %d values of %d vertices", len(xs), len(ys), vertices)
	}
	for _, c := range []struct{ x, y string }{{"0", "0.75"}, {"0.5", "0.75"}, {"0.505", "0.5"},
		{"1", "0.5"}} {
		if i := slices.Index(xs, c.x); i < 0 || ys[i] != c.y {
			t.Errorf("at %s: %v, want %s", c.x, i, c.y)
		}
	}
}

// TestAnnotatedTags: a curve has the name of the tag beside it and of its dashes in the legend.
func TestAnnotatedTags(t *testing.T) {
	f, err := Exact(0.05, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	_, entries, curves := annotated(t, f)
	if names := namesOf(entries, curves); !slices.Equal(names, []string{"Lσ = 0.05, exact",
		"Lσ = 0.05, published", "Lσ = 0.5, exact", "Lσ = 0.5, published", "Cohen (L = ∞)"}) {
		t.Errorf("%q", names)
	}
	if first := curves[0]["data-x"]; !strings.HasPrefix(first, "0.5|") ||
		!strings.HasSuffix(first, "|0.9999") { // on an axis that isn't linear
		t.Errorf("x from %.12s", first)
	}
}

// TestAnnotatedBins: a histogram says the images of each bin, not the height of the stack.
func TestAnnotatedBins(t *testing.T) {
	var rows []rs.Evidence
	for i := range 6 {
		e := rs.Evidence{Index: i, Label: i % 2}
		e.Clean.Margin = 1.01 + float64(i/4)
		rows = append(rows, e)
	}
	f, err := Margins(certify.Settings{Lambda: rs.Claim(1)}, rows)
	if err != nil {
		t.Fatal(err)
	}
	_, entries, curves := annotated(t, f)
	said := map[string]string{}
	for i, name := range namesOf(entries, curves) {
		c := slices.DeleteFunc(slices.Clone(curves), func(c element) bool { return c["data-x"] == "" })[i]
		said[name] += c["data-x"] + ": " + c["data-y"] + "; "
	}
	for name, want := range map[string]string{"right, 3 of 6": "1 to 1.05: 2; 2 to 2.05: 1; ",
		"wrong, 3 of 6": "1 to 1.05: 2; 2 to 2.05: 1; "} {
		if said[name] != want {
			t.Errorf("%s: %q, want %q", name, said[name], want)
		}
	}
}

func TestShort(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.945: "0.945", 1.0 / 3: "0.3333",
		-0.0918: "−0.0918", 12345.6: "12350", 1e-7: "1e−07", 100000: "100000",
		math.Nextafter(2, 3): "2"} {
		if got := short(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
	for text, want := range map[string]string{"ℓ_{2} radius": "ℓ₂ radius",
		"F^{−1}(p_{s})": "F⁻¹(p_s)", "α^{1/n}": "α^1/n"} {
		if got := plainText(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
