package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// hostile is text that would run, were it not escaped.
const hostile = `"'><script>alert(1)<`

// drawn is a figure such as gonum/plot writes.
const drawn = `<?xml version="1.0"?>
<!-- a comment -->
<svg width="255pt" height="187pt" viewBox="0 0 255 187" xmlns="http://www.w3.org/2000/svg"
  xmlns:xlink="http://www.w3.org/1999/xlink">
<g transform="scale(1, -1) translate(0, -187.09)"><path d="M0,0L255.12,0Z" ` +
	`style="fill:none;stroke:#0072B2;stroke-dasharray:5,2" /></g></svg>`

// run is the files of a small run: image 0 is right, 1 is wrong, 2 is abstained from by mono.
func run() map[string]string {
	return map[string]string{
		"run.json": `{"format": 1, "model": {"name": "conv", "hash": "feed", "lambda": 1.410,
"lambda_source": "proved"}, "dataset": {"name": "shapes", "hash": "beef", "split": "test",
"classes": 3, "size": 6}, "examples": {"start": 0, "stride": 1, "count": 3},
"sigma": 0.5, "n0": 10, "n": 100, "seed": 7, "block": 10, "margin_max": 0,
"margin_bins": 0, "backend": "go"}`,
		"table.tsv": "# shapes test, α = 0.001\nmethod\tr=0\taverage " +
			"radius\tseconds\nmono\t0.333\t0.3000\t0.123\nmargin\t0.667\t0.2000\t0.456\n",
		"certificates.tsv": "# shapes test, α = " +
			"0.001\nindex\tlabel\tmethod\tclass\tradius\talpha spent\tbounds\n" +
			"0\t0\tmono\t0\t0.9999\t0.001\t\n0\t0\tmargin\t0\t0.5\t0\t\n" +
			"1\t0\tmono\t2\t0.7\t0.001\t\n1\t0\tmargin\t2\t0.1\t0\t\n" +
			"2\t1\tmono\t-1\t0\t0.001\t\n2\t1\tmargin\t1\t0.1\t0\t\n",
		"attack.tsv": "# attacks\nindex\tlabel\tclassifier\ttau\tradius\tcertified\tattack\t" +
			"class\tdraws\tscore\tlower\n" +
			"0\t0\tvotes\t0\t1.25\t0.9999\tpgd\t2\t9\t0\t0\n" +
			"1\t0\tvotes\t0\t0\t0\tstart\t2\t9\t0\t0\n" +
			"2\t1\tvotes\t0\t\t0\t\t1\t9\t0\t0\n",
		"attack.npy": perturbed(),
		"gap.tsv": "# attacks\nclassifier\tcurve\tr=0\tarea\n" +
			"votes\tmono\t0.333\t1.5\nvotes\tattack\t1\t+Inf\n",
		"figures/radius.svg": drawn,
		"figures/radius.tsv": "# the radius, σ = 0.5\nradius\tmono\n0\t0.3\n",
		"figures/mine.svg":   drawn,
		"model/model.json": `{"class_names": ["a", "b", "c"], "config": {"width": 12,
"list": [1, 2]}, "layers": [{"layer": "dense 3", "bound": {"value": 1.25, "proof": "Gram"}}],
"lambda": {"value": 1.410, "proof": "product"}}`,
	}
}

// perturbed is the file of the images of attack.tsv's lines. The first is image 0 of dataset, with
// 1.25 more at (1, 1).
var perturbed = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "lipsmooth-report")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "x.npy")
	m, err := certify.CreateImages(path, 3, [3]int{4, 4, 1})
	if err != nil {
		panic(err)
	}
	text := []byte(nil)
	if err = m.Put(0, []float32{1, 0, 0, 0, 0, 1.25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err == nil {
		text, err = os.ReadFile(path)
	}
	if err = errors.Join(err, m.Close()); err != nil {
		panic(err)
	}
	return string(text)
})

// write writes files into a folder of their own.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dataset has two images a class, in the order a, a, b, b, c, c. So image 1 has label 0, and image
// 2 has label 1.
func dataset(t *testing.T, classes ...string) *data.Dataset {
	t.Helper()
	files := fstest.MapFS{}
	for c, class := range classes {
		for i := range 2 {
			img := image.NewGray(image.Rect(0, 0, 4, 4))
			img.SetGray(c, i, color.Gray{Y: 255})
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			for _, split := range []string{"train", "test"} {
				files[fmt.Sprintf("%s/%s/%d.png", split, class,
					i)] = &fstest.MapFile{Data: b.Bytes()}
			}
		}
	}
	_, d, err := data.OpenFS(files, "shapes")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// html is the page of a run.
func html(t *testing.T, dir string, d *data.Dataset) (text string, p *Page) {
	t.Helper()
	p, err := Read(dir, d)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String(), p
}

// check parses a page and reports faults: bad nesting, an element that runs or loads something, or
// a part that can't be read aloud. It returns how often each element is there.
func check(t *testing.T, text string) map[string]int {
	t.Helper()
	// The script is no XML.
	text = strings.Replace(text, pageJS, "", 1)
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	count := map[string]int{}
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			count[e.Name.Local]++
			open = append(open, e.Name.Local)
			attr := map[string]string{}
			for _, a := range e.Attr {
				attr[a.Name.Local] = a.Value
				if strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("<%s %s>", e.Name.Local, a.Name.Local)
				}
			}
			if href, ok := attr["href"]; ok && !strings.HasPrefix(href, "#") {
				t.Errorf("a link to %s", href)
			}
			if e.Name.Local == "img" && (attr["alt"] == "" ||
				!strings.HasPrefix(attr["src"], "data:image/png;base64,")) {
				t.Errorf("picture %v", attr)
			}
			if e.Name.Local == "svg" && (attr["aria-label"] == "" || attr["role"] != "img") {
				t.Errorf("figure %v", attr)
			}
			if e.Name.Local == "th" && attr["scope"] == "" {
				t.Error("a header of nothing")
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				t.Fatalf("</%s> in %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("open at the end: %v", open)
	}
	for _, never := range []string{"link", "iframe", "object", "embed", "form", "base", "image",
		"use", "foreignObject"} {
		if count[never] > 0 {
			t.Errorf("<%s>", never)
		}
	}
	if count["script"] != 1 || count["style"] != 1 || count["h1"] != 1 ||
		count["table"] != count["caption"] || count["table"] != count["thead"] {
		t.Errorf("elements %v", count)
	}
	if strings.Contains(text, "http:") || strings.Contains(text, "https:") ||
		strings.Contains(text, "url(") {
		t.Error("the page names an address")
	}
	return count
}

func TestPage(t *testing.T) {
	text, p := html(t, write(t, run()), dataset(t, "a", "b", "c"))
	count := check(t, text)
	if count["img"] != 5 || count["svg"] != 2 || len(p.Missing) > 0 {
		t.Errorf("%v; missing %q", count, p.Missing)
	}
	for _, want := range []string{
		`<td class="number strong">0.3000</td>`,              // the best average radius
		`<td class="number strong">0.667</td>`,               // and accuracy
		"shapes test, α = 0.001",                             // a caption
		`<td class="number" data-sort="1e9">∞</td>`,          // what no attack bounds
		"one bound on the class",                             // what a method is
		`aria-label="` + figures.List[0].Doc,                 // a figure's name
		"the radius, σ = 0.5",                                // its caption
		`style="fill:none;stroke:var(--on-0072B2, #0072B2);`, // the figure
		`id="figure-mine"`,                                   // one that the registry doesn't know
		"true <b>a</b>, ",                                    // the gallery
		"predicted c ✗",                                      //
		`alt="image 1, of class a, predicted c"`,             //
		"<i>abstains</i>",                                    //
		"<i>0.999</i>",                                       // a radius, rounded down
		`<i>1.250 to c</i><span style="--part: 1.000">`,      // an attack, the longest bar
		"<i>none found</i>",                                  //
		"<i>already wrong</i>",                               //
		`alt="the image changed by 1.250: class c by votes"`, // what it found
		"<small>votes: 1.250<br>a → c</small>",               //
		`alt="the change of each pixel, from −1.25 to 1.25"`, // and its difference map
		`<a href="#image-0">0</a>`,                           // from the table of every image
		`<td class="number wrong" data-sort="-2.7">`,         // where what is wrong sorts below all
		`<th scope="row">dense 3</th><td class="number">`,    // a layer's bound
		`<th scope="row">model.hash</th><td>feed</td>`,       // a hash
		`<th scope="row">model.lambda</th><td>1.410</td>`,    // a number as the file has it
		`<th scope="row">config.list</th><td>1, 2</td>`,      //
		`@media print`, `prefers-color-scheme: dark`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "seconds") || strings.Contains(text, "0.456") {
		t.Error("seconds differ between equal runs")
	}
	sum := sha256.Sum256([]byte(text[strings.Index(text, "<script>")+
		len("<script>") : strings.Index(text, "</script>")]))
	if hash := base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(
		template.HTMLEscapeString(policy), hash) && !strings.Contains(policy, hash) {
		t.Error("the policy doesn't let the script run")
	}
	if !strings.Contains(text, "default-src &#39;none&#39;") {
		t.Error("the policy isn't in the page")
	}
	facts := fmt.Sprint(p.Facts)
	for _, want := range []string{"{images 3 of 6", "{noise σ 0.5",
		"{Lipschitz bound Λ 1.41 proved", "{largest average radius 0.3 by mono",
		"{attacks inside a certificate 0 of 3"} {
		if !strings.Contains(facts, want) {
			t.Errorf("no %s in %s", want, facts)
		}
	}
}

// TestSettings: tables have their settings in a file beside them, and a page of two α says which
// method has which.
func TestSettings(t *testing.T) {
	files := run()
	const caption = "mono: shapes test, α = 0.001; margin: shapes test, α = 0.05"
	files["certificates.json"] = `{"caption": "` + caption +
		`", "interval": 0.9, "sets": [{"methods": ["mono"], "alpha": 0.001}, ` +
		`{"methods": ["margin"], "alpha": 0.05}]}`
	files["table.tsv"] = "method\talpha\tr=0\taverage " +
		"radius\nmono\t0.001\t0.333\t0.3000\nmargin\t0.05\t0.667\t0.2000\n"
	files["intervals.tsv"] = "method\talpha\tend\tr=0\nmono\t0.001\tlow\t0.1\nmono\t0.001\thigh\t0.5\n"
	files["certificates.tsv"] = "index\tfile\tlabel\tcorrect\tmethod\talpha\tclass\t" +
		"radius\talpha_spent\tbounds\n" +
		"0\ta/0.png\t0\tTrue\tmono\t0.001\t0\t0.9999\t0.001\t\n" +
		"0\ta/0.png\t0\tTrue\tmargin\t0.05\t0\t0.5\t0\t\n"
	files["gap.tsv"], files["gap.json"] = strings.TrimPrefix(files["gap.tsv"], "# attacks\n"),
		`{"caption": "the attacks"}`
	text, p := html(t, write(t, files), dataset(t, "a", "b", "c"))
	check(t, text)
	var captions []string
	for _, table := range append(p.Tables, p.Images) {
		captions = append(captions, table.Caption)
	}
	if want := []string{caption, caption + "; 90% confidence intervals over images", "the attacks",
		caption}; !slices.Equal(captions, want) {
		t.Errorf("captions %q, want %q", captions, want)
	}
	if strings.Contains(text, `<td class="number strong">0.05</td>`) {
		t.Error("α is bold")
	}
}

// TestEqualBytes: pages of equal runs are equal, though they took unequal time.
// A new table of the page is a line in files, and needs no other change.
func TestNewTable(t *testing.T) {
	known := files
	t.Cleanup(func() { files = known })
	files = append(slices.Clip(known), struct{ file, id, title, from string }{
		"toy.tsv", "toy", "A toy table", "lipsmooth toy RUN"})
	lacks, p := html(t, write(t, run()), dataset(t, "a", "b", "c"))
	check(t, lacks)
	if len(p.Missing) != 1 || p.Missing[0] != "a toy table: no toy.tsv (lipsmooth toy RUN)" {
		t.Errorf("missing: %q", p.Missing)
	}
	made := run()
	made["toy.tsv"] = "# a toy\ntoy\tprice\nbear\t12\n"
	text, _ := html(t, write(t, made), dataset(t, "a", "b", "c"))
	check(t, text)
	for _, want := range []string{`id="toy"`, "A toy table", "a toy", "bear"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q on the page", want)
		}
	}
}

func TestEqualBytes(t *testing.T) {
	d := dataset(t, "a", "b", "c")
	first, _ := html(t, write(t, run()), d)
	files := run()
	files["table.tsv"] = strings.NewReplacer("0.123", "9.999", "0.456",
		"8.888").Replace(files["table.tsv"])
	if again, _ := html(t, write(t, files), d); again != first {
		t.Error("they differ")
	}
}

// TestHostile: nothing that a file holds runs or breaks the page.
func TestHostile(t *testing.T) {
	files := run()
	inJSON := strings.ReplaceAll(hostile, `"`, `\"`)
	for _, c := range []struct{ file, old, new string }{
		{"run.json", `"conv"`, `"` + inJSON + `"`},
		{"run.json", `"shapes"`, `"` + inJSON + `"`},
		{"run.json", `"go"`, `"` + inJSON + `"`},
		{"table.tsv", "# shapes", "# " + hostile},
		{"table.tsv", "mono", hostile},
		{"table.tsv", "r=0", hostile},
		{"certificates.tsv", "mono", hostile},
		{"attack.tsv", "votes", hostile},
		{"gap.tsv", "area", hostile},
		{"figures/radius.tsv", "# the", "# " + hostile},
		{"model/model.json", "dense 3", inJSON},
		{"model/model.json", "width", inJSON},
		{"model/model.json", "Gram", inJSON},
		{"model/model.json", "product", inJSON},
	} {
		if !strings.Contains(files[c.file], c.old) {
			t.Fatalf("%s: no %s", c.file, c.old)
		}
		files[c.file] = strings.ReplaceAll(files[c.file], c.old, c.new)
	}
	files[`figures/"'><script>alert(1)<.svg`] = drawn
	text, _ := html(t, write(t, files), dataset(t, hostile+"a", hostile+"b", hostile+"c"))
	check(t, text)
	if strings.Contains(text, "<script>alert") ||
		strings.Count(text, "&gt;&lt;script&gt;alert(1)&lt;") < 20 {
		t.Error("not escaped, or not there")
	}
	// Without a dataset the model names the classes.
	files = run()
	files["model/model.json"] = strings.ReplaceAll(files["model/model.json"], `"c"`, `"`+inJSON+`"`)
	text, _ = html(t, write(t, files), nil)
	check(t, text)
	if !strings.Contains(text, "as &#34;&#39;&gt;&lt;script&gt;alert(1)&lt;") {
		t.Error("the model's class name isn't there")
	}
}

// TestDrawing: a figure holds shapes alone.
func TestDrawing(t *testing.T) {
	in := func(inner string) string { return `<svg viewBox="0 0 1 1">` + inner + `</svg>` }
	for _, c := range []struct{ text, want string }{
		{in(`<text x="1" font-size="8">a &lt; b</text>`),
			`<svg viewBox="0 0 1 1" role="img" aria-label="a &#34;name&#34;">` +
				`<text x="1" font-size="8">a &lt; b</text></svg>`},
		{in(`<rect data-entry="0" data-name="a &lt;b&gt; &quot;(c)" x="1"/>`),
			`<svg viewBox="0 0 1 1" role="img" aria-label="a &#34;name&#34;">` +
				`<rect data-entry="0" data-name="a &lt;b&gt; &#34;(c)" x="1"></rect></svg>`},
		{in(`<rect data-src="0"/>`), ""},
		{in(`<script>alert(1)</script>`), ""},
		{in(`<foreignObject><p>x</p></foreignObject>`), ""},
		{in(`<image href="http://example.org/x.png"/>`), ""},
		{in(`<a href="javascript:alert(1)"><path d="M0,0"/></a>`), ""},
		{in(`<use href="#x"/>`), ""},
		{in(`<style>path { fill: url(x) }</style>`), ""},
		{in(`<path d="M0,0" onload="alert(1)"/>`), ""},
		{in(`<path d="M0,0" style="fill:url(http://example.org)"/>`), ""},
		{in(`<path d="M0,0" style="fill:\75rl(x)"/>`), ""},
		{in(`<path d="M0,0" xlink:href="x"/>`), ""},
		{in(`<svg viewBox="0 0 1 1"></svg>`), ""},
		{in(`<path d="M0,0">`), ""},
		{in("") + in(""), ""},
		{`<!DOCTYPE svg [<!ENTITY x "y">]>` + in(`<text>&x;</text>`), ""},
		{`<html></html>`, ""},
		{"", ""},
		{in(strings.Repeat(" ", largestSVG)), ""},
	} {
		dir := write(t, map[string]string{"x.svg": c.text})
		got, err := drawingOf(filepath.Join(dir, "x.svg"), `a "name"`)
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%.80s: %s, %v", c.text, got, err)
		}
	}
	files := run()
	files["figures/radius.svg"] = in(`<script>alert(1)</script>`)
	text, _ := html(t, write(t, files), nil)
	if check(t, text)["svg"] != 1 || !strings.Contains(text,
		"figure radius: element &#34;script&#34; has no place") {
		t.Error("what was left out isn't said")
	}
}

// TestMissing: every part that isn't there is named with what makes it.
func TestMissing(t *testing.T) {
	all := []string{"model/model.json", "table.tsv", "certificates.tsv", "attack.tsv", "attack.npy",
		"figures"}
	says := map[string]string{
		"model/model.json": "the model and its proof", "table.tsv": "lipsmooth certify RUN",
		"certificates.tsv": "images: no certificates.tsv",
		"attack.tsv":       "lipsmooth attack RUN", "attack.npy": "perturbed images: no attack.npy",
		"figures": "lipsmooth figures RUN",
	}
	d := dataset(t, "a", "b", "c")
	for _, gone := range all {
		files := run()
		maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(name, gone) })
		text, p := html(t, write(t, files), d)
		check(t, text)
		if len(p.Missing) != 1 || !strings.Contains(p.Missing[0], says[gone]) ||
			!strings.Contains(text, `id="missing"`) {
			t.Errorf("without %s: %q", gone, p.Missing)
		}
	}
	text, p := html(t, write(t, map[string]string{"run.json": run()["run.json"]}), nil)
	check(t, text)
	if len(p.Missing) != 4 { // no attack is missed where nothing is certified
		t.Errorf("of run.json alone: %q", p.Missing)
	}
	text, p = html(t, write(t, run()), nil)
	if check(t, text)["img"] != 0 || len(p.Missing) != 1 ||
		!strings.Contains(p.Missing[0], "--data PATH") {
		t.Errorf("without a dataset: %q", p.Missing)
	}
}

func TestDamaged(t *testing.T) {
	d := dataset(t, "a", "b", "c")
	for _, c := range []struct{ file, old, new, want string }{
		{"run.json", `"format": 1`, `"format": 2`, "format"},
		{"run.json", "}", "", "run.json"},
		{"table.tsv", "mono\t", "mono", "table.tsv:3: 3 columns"},
		{"certificates.tsv", "radius", "r", `certificates.tsv: no column "radius"`},
		{"certificates.tsv", "0.9999", "x", "certificates.tsv: row 1"},
		{"certificates.tsv", "0.9999", "-1", "certificates.tsv: row 1"},
		{"certificates.tsv", "0.9999", "NaN", "certificates.tsv: row 1"},
		{"certificates.tsv", "0\t0\tmono", "zero\t0\tmono", "certificates.tsv: row 1"},
		{"certificates.tsv", "2\t1\tm", "2\t0\tm", "image 2, of class 0"},
		{"certificates.tsv", "2\t1\tm", "99\t1\tm", "image 99"},
		{"attack.tsv", "1.25", "-1.25", "attack.tsv: row 1"},
		{"attack.tsv", "certified", "c", `attack.tsv: no column "certified"`},
		{"attack.tsv", "pgd\t2", "pgd\tx", "attack.tsv: row 1"},
		{"attack.tsv", "\t0.9999", "\tx", "attack.tsv: row 1"},
		{"attack.tsv", "1.25", "1.2500001", "attack.npy: row 0 lies at 1.25 from its image, not " +
			"at 1.2500001"},
		{"attack.npy", "\xa0\x3f", "\xa1\x3f", "attack.npy: row 0 lies at 1.2"},
		{"attack.npy", "(3, 4, 4, 1)", "(3, 2, 8, 1)", "attack.npy: not a NumPy file of float32 " +
			"images [rows, 4, 4, 1]"},
		{"attack.npy", "(3, 4, 4, 1)", "(2, 4, 4, 1)", "attack.npy: "},
		{"figures/radius.tsv", "0\t0.3", "0", "radius.tsv:3"},
		{"model/model.json", `"value"`, `"value`, "model.json"},
		{"model/model.json", `1.25`, `"x"`, "model.json"},
		{"model/model.json", `{"class_names"`, `{`, "model.json"},
	} {
		files := run()
		if files[c.file] = strings.ReplaceAll(files[c.file], c.old,
			c.new); files[c.file] == run()[c.file] {
			t.Fatalf("%s: no %s", c.file, c.old)
		}
		if _, err := Read(write(t, files), d); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %q: %v", c.file, c.new, err)
		}
	}
}

// TestBounds: however large the run, the page isn't.
func TestBounds(t *testing.T) {
	files := run()
	var certificates strings.Builder
	certificates.WriteString("index\tlabel\tmethod\tclass\tradius\n")
	for i := range mostRows + 20 {
		fmt.Fprintf(&certificates, "%d\t0\tmono\t%d\t%g\n", i, i%3-1, float64(i))
	}
	files["certificates.tsv"] = certificates.String()
	delete(files, "attack.tsv")
	for i := range mostFigures {
		files[fmt.Sprintf("figures/f%02d.svg", i)] = drawn
	}
	text, p := html(t, write(t, files), nil)
	if count := check(t, text); count["svg"] != mostFigures || len(p.Images.Rows) != mostRows {
		t.Errorf("%d figures, %d rows", count["svg"], len(p.Images.Rows))
	}
	said := strings.Join(p.Missing, "; ")
	for _, want := range []string{"2 more figures than the 24 a report holds: f23, mine",
		"520 images: the table holds the first 500"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
}

func TestChoose(t *testing.T) {
	var all []*Image
	for i := range 100 {
		m := &Image{Index: i, Certificates: []Certificate{{Method: "mono", Right: true,
			Radius: 1 + float64(i)/100}, {Method: "margin", Right: true,
			Radius: 1 + float64(i)/100}}}
		all = append(all, m)
	}
	all[10].Certificates[0] = Certificate{Class: 3, Radius: 2} // wrong
	// wrong, so not of the largest radii too
	all[98].Certificates[0] = Certificate{Class: 3, Radius: 1}
	all[20].Certificates[1] = Certificate{Class: -1}                   // abstained
	all[30].Certificates[1].Radius = 0.2                               // methods differ
	all[40].Attacks = []Attack{{Radius: 1.5, Certified: 1.4}}          // nearer
	all[50].Attacks = []Attack{{Radius: 3, Certified: 1.5}}            // than this
	all[99].Attacks = []Attack{{Radius: 0}, {Radius: 2, Certified: 0}} // nothing certified
	all[60].Attacks = []Attack{{Radius: math.Inf(1)}}
	want := map[int]string{
		10: "wrong", 20: "abstained", 40: "attack near its certificate",
		50: "attack near its certificate", 30: "methods differ",
		0: "smallest radius", 1: "smallest radius", 2: "smallest radius", 3: "smallest radius",
		98: "wrong",
		60: "attacked",
		99: "largest radius", 97: "largest radius", 96: "largest radius", 95: "largest radius",
	}
	got := map[int]string{}
	for _, m := range choose(all) {
		got[m.Index] = m.Kind
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if slices.ContainsFunc(kinds, func(k kind) bool { return k.score(&Image{}) != 0 }) {
		t.Error("an image of which nothing is known tells something")
	}
}

// TestInside: an attack inside a certificate is said at its image.
func TestInside(t *testing.T) {
	files := run()
	files["attack.tsv"] = strings.Replace(files["attack.tsv"], "1.25\t0.9999", "1.25\t1.5", 1)
	text, p := html(t, write(t, files), dataset(t, "a", "b", "c"))
	check(t, text)
	if !strings.Contains(text,
		`<p class="wrong">The attack on votes, at 1.250, lies inside a certificate of 1.500: `+
			`one of them is wrong, as a part α of certificates may be.</p>`) {
		t.Error("not said")
	}
	if !strings.Contains(fmt.Sprint(p.Facts), "{attacks inside a certificate 1 of 3") {
		t.Error(p.Facts)
	}
}

// TestClaimed: what rests on a claim says so, where a proof holds always.
func TestClaimed(t *testing.T) {
	files := run()
	text, _ := html(t, write(t, files), nil)
	if !strings.Contains(text, "without noise, and always.") || strings.Contains(text, "claimed") {
		t.Error("a proof doesn't hold always")
	}
	files["run.json"] = strings.Replace(files["run.json"], `"proved"`, `"claimed"`, 1)
	text, _ = html(t, write(t, files), nil)
	if strings.Contains(text, "and always") ||
		!strings.Contains(text, "<strong>Λ is claimed, not proved</strong>: certificates by "+
			"margin hold if it is true.") {
		t.Error("a claim holds always")
	}
}
