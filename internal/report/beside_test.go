package report

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// TestOrder: a page concludes first, then shows what is of the run, and folds what isn't.
func TestOrder(t *testing.T) {
	files := run()
	files["figures/exact.svg"], files["figures/coverage.svg"] = drawn, drawn
	text, p := html(t, write(t, files), dataset(t, "a", "b", "c"))
	check(t, text)
	p.Conclusion = []string{"It is so."}
	var b bytes.Buffer
	if err := p.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	text, at := b.String(), 0
	for _, part := range []string{"<h1>", "It is so.", `id="methods"`, `id="gap"`, `id="figures"`,
		`id="figure-radius"`, `id="figure-mine"`, `id="gallery"`, `id="every"`, `id="proof"`,
		`id="background"`, "<details><summary>2 figures", `id="figure-exact"`,
		`id="figure-coverage"`, "</details>", `id="settings"`} {
		next := strings.Index(text[at:], part)
		if next < 0 {
			t.Fatalf("no %s behind what comes before it", part)
		}
		at += next
	}
}

// comparison is of two runs by two methods, as compare makes it.
func comparison(t *testing.T, change float64) *certify.Comparison {
	t.Helper()
	result := func(dir string, more float64) *certify.Result {
		x := &certify.Result{Run: &certify.Run{Run: countlog.Run{}, Dir: dir}}
		for k, method := range []string{"mono", "cpm"} {
			c := certify.Curve{Method: method}
			for i := range 20 {
				c.Results = append(c.Results, rs.Result{Certificate: rs.Certificate{
					Radius: 1 + float64(k) + float64(i%4)/100 + more}})
			}
			x.Curves = append(x.Curves, c)
		}
		for i := range 20 {
			x.Indices = append(x.Indices, i)
		}
		return x
	}
	c, err := certify.Compare(0.95, result("runs/one", 0), result("runs/two", change))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestBeside: several runs are compared on one page, and each part has a name of its own.
func TestBeside(t *testing.T) {
	d := dataset(t, "a", "b", "c")
	files := run()
	files["figures/exact.svg"] = drawn
	pages := func() (all []*Page) {
		for range 2 {
			_, p := html(t, write(t, files), d)
			all = append(all, p)
		}
		all[1].missing("a part: no part.tsv (lipsmooth part RUN)")
		return all
	}
	folders := []string{"runs/one", "runs/two"}
	all, err := Beside(pages(), folders, comparison(t, 0.5), nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := all.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if count := check(t, text); count["svg"] != 6 || count["h2"] != 5 { // one background
		t.Errorf("%v", count)
	}
	for _, want := range []string{"Certified robustness of 2 runs",
		"By cpm, two certifies an average l2 radius 0.500 ± ",
		" more than one (95% over 20 images, paired)",
		`id="compared-figure"`, `id="run1-image-0"`, `<a href="#run2-image-0">0</a>`,
		`<h2 id="run2-run">two: conv on shapes, σ = 0.5</h2>`, "<h3>Gallery</h3>",
		"two: a part: no part.tsv (lipsmooth part runs/two)", `data-panel="0"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	var ids []string
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		ids = append(ids, m[1])
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			t.Errorf("%s twice", id)
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(ids, m[1]) {
			t.Errorf("a link to %s, which isn't there", m[1])
		}
	}

	// What can't be compared is shown all the same.
	if all, err = Beside(pages(), folders, nil, errors.New("no votes")); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := all.WriteHTML(&b); err != nil || !strings.Contains(b.String(),
		"comparison of the runs: no votes") || strings.Contains(b.String(), `id="compared"`) {
		t.Errorf("%v, or the reason isn't said", err)
	}
	check(t, b.String())
}

// TestCompared: a difference that isn't shown is no difference.
func TestCompared(t *testing.T) {
	for _, c := range []struct {
		change float64
		want   string
	}{
		{0, "By cpm, no difference of two from one is shown: "},
		{-0.25, "By cpm, two certifies an average l2 radius 0.250 ± "},
	} {
		lines := compared(comparison(t, c.change))
		if len(lines) != 1 || !strings.HasPrefix(lines[0], c.want) ||
			strings.Contains(lines[0], " less ") != (c.change < 0) {
			t.Errorf("%v: %q", c.change, lines)
		}
	}
	s := shape(comparison(t, -0.25).Summary())
	last := s.Columns[len(s.Columns)-1]
	if row := s.Rows[1]; last.Name != "change" || !last.Number || row[len(row)-1].Sort != "-0.25" ||
		!strings.HasPrefix(row[len(row)-1].Text, "−0.250 ± ") {
		t.Errorf("%v %v", last, row)
	}
}
