package figures

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/proof"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var update = flag.Bool("update", false, "write the golden images anew")

// sampled makes up evidence. Its margins are Gaussian around a clean margin, as those of an almost
// linear classifier are.
func sampled(sigma float64, images, n int) *certify.Run {
	run := countlog.Run{
		Format:   countlog.Format,
		Model:    countlog.Model{Name: "dense4", Lambda: rs.Proved(proof.Of(math.Sqrt2))},
		Dataset:  countlog.Dataset{Name: "MNIST", Split: "test", Classes: 10, Size: 10000},
		Examples: countlog.Spread(10000, images),
		Sigma:    sigma, N0: 100, N: n, Seed: 1, Block: 100, MarginMax: 8,
		MarginBins: countlog.DefaultMarginBins,
	}
	edges := run.Edges()
	s := &certify.Run{Run: run, Tau: 0.5}
	for i := range images {
		rnd := rand.New(rand.NewPCG(7, uint64(i)))
		label := rnd.IntN(10)
		margin := 1.4 + 0.9*rnd.NormFloat64() // of the true class
		draw := func(n int) (rs.Votes, rs.Histogram) {
			votes, counts := make(rs.Votes, 10), make([]int, len(edges)+1)
			for range n {
				m := margin + 0.7*run.Model.Lambda.Value()*sigma*rnd.NormFloat64()
				bin, exact := slices.BinarySearch(edges, m)
				if exact {
					bin++
				}
				counts[bin]++
				if m >= 0 {
					votes[label]++
				} else {
					votes[(label+1+rnd.IntN(3)*rnd.IntN(3))%10]++
				}
			}
			return votes, rs.Histogram{Edges: edges, Counts: counts}
		}
		e := rs.Evidence{Index: run.Examples.At(i), Label: label, Sigma: sigma,
			Clean: rs.Clean{Class: label, Margin: margin}}
		if margin < 0 {
			e.Clean = rs.Clean{Class: (label + 1) % 10, Margin: -margin}
		}
		e.Selection, e.SelectionMargins = draw(run.N0)
		e.Estimation, e.Margins = draw(run.N)
		if e.Class = e.Selection.Top(); e.Class != label { // margins are those of the class
			slices.Reverse(e.Margins.Counts)
			slices.Reverse(e.SelectionMargins.Counts)
		}
		s.Rows = append(s.Rows, e)
	}
	return s
}

// metrics makes a table of training up.
func metrics() *table.Table {
	t := &table.Table{Columns: []string{"step", "loss", "test_loss", "accuracy", "test_accuracy",
		"images_per_second"}}
	rnd := rand.New(rand.NewPCG(3, 3))
	for step := 0; step <= 2000; step += 20 {
		x := math.Exp(-float64(step) / 400)
		row := []string{strconv.Itoa(step), fmt.Sprintf("%.4f", 0.2+2*x+0.03*rnd.NormFloat64()), "",
			fmt.Sprintf("%.4f", 0.97-0.8*x+0.01*rnd.NormFloat64()), "", "6800"}
		if step%200 == 0 {
			row[2], row[4] = fmt.Sprintf("%.4f", 0.26+2*x), fmt.Sprintf("%.4f", 0.95-0.8*x)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func input() Input {
	in := Input{Alpha: 0.001, Metrics: metrics()}
	for _, sigma := range []float64{0.25, 0.12, 0.5, 0.75, 1} {
		in.Runs = append(in.Runs, sampled(sigma, 100, 200))
	}
	rnd := rand.New(rand.NewPCG(5, 5))
	for _, e := range in.Runs[0].Rows[:40] {
		for _, c := range certify.Attacked {
			a := certify.Attack{Index: e.Index, Label: e.Label, Classifier: c.Name,
				Radius: e.Clean.Margin / math.Sqrt2 * (1.2 + 0.3*rnd.Float64())}
			if e.Clean.Class != e.Label {
				a.Radius = 0
			}
			if c.Name == "soft" {
				a.Tau = 0.5
			}
			in.Attacks = append(in.Attacks, a)
		}
	}
	in.Trained = "MNIST, dense, σ = 0.25, 5 epochs in batches of 128, seed 1"
	in.Bounds, in.Bounded = bounds(), "model dense4, abcdef: bounds proved"
	in.Sweep, in.Swept = sweepTable(), "test split of MNIST, without noise"
	until := new(certify.Run)
	*until = *in.Runs[0]
	until.Run.N, until.Run.Until = 200, countlog.Until{Rule: "radius>=0.3", Method: "twobound",
		Alpha: 0.001, Stops: []int{50, 100, 200}}
	until.Rows = slices.Clone(until.Rows)
	for i := range until.Rows {
		e := &until.Rows[i]
		e.Stops, e.Estimation = until.Run.Until.Stops, slices.Clone(e.Estimation)
		n := until.Run.Until.Stops[i%5/2]
		for k := range e.Estimation { // as if it had ended there
			for e.Estimation[k] > 0 && e.Estimation.Total() > n {
				e.Estimation[k]--
			}
		}
	}
	in.Beside = []Other{
		{Name: "run_until", Run: until},
		{Name: "cifar10_resnet_noise_0.25", Results: []rs.Result{result(3, 0.5), result(3, 0.25),
			result(1, 1), result(3, 0.9)}},
	}
	return in
}

// goldenMethods are those drawn, whatever others there come to be.
var goldenMethods = []string{"mono", "bonferroni", "cpm", "twobound", "isoperimetric", "adaptive",
	"lipschitz", "margin"}

// Every figure is drawn as it was: look at the new image before -update makes it golden.
func TestGolden(t *testing.T) {
	in := input()
	in.Methods = goldenMethods
	for _, e := range List {
		f, err := e.Draw(in)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, f)
	}
}

// golden compares a figure with its image, as another processor's last bits can make it.
func golden(t *testing.T, f *Figure) {
	t.Helper()
	var got bytes.Buffer
	if err := f.WritePNG(&got, 72); err != nil {
		t.Fatal(err)
	}
	want := goldenFile(t, f.Name+".golden.png", got.Bytes())
	same, err := cmpimg.EqualApprox("png", got.Bytes(), want, 0.15)
	if err != nil {
		t.Fatal(err)
	}
	if !same {
		bad := filepath.Join(os.TempDir(), f.Name+".png")
		os.WriteFile(bad, got.Bytes(), 0o644)
		t.Errorf("%s differs from the golden image", bad)
	}
}

// goldenFile returns a golden file, written anew first where -update says so.
func goldenFile(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// SVG has the same bytes on every machine, in each style: the text of one, and the sums of all.
func TestSVG(t *testing.T) {
	p := newPlot("σ, x_{i}", "Φ^{−1}(α)")
	xy := plotter.XYs{{X: 0, Y: 0.1}, {X: 1, Y: 0.5}, {X: 2, Y: 0.4}}
	line, marks := newLine(xy, lineAt(1), true),
		&plotter.Scatter{XYs: xy, GlyphStyle: draw.GlyphStyle{Color: shade(colorAt(0), 100),
			Radius: 2, Shape: glyphs[0]}}
	p.Add(band{[]float64{0, 1, 2}, []float64{0, 0.3, 0.2}, []float64{0.2, 0.7, 0.6},
		shade(colorAt(1), 45)}, line, marks)
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{3}, ticks{3}
	var text bytes.Buffer
	if err := (&Figure{Plot: p, Width: 45 * vg.Millimeter, Height: 35 * vg.Millimeter}).WriteSVG(
		&text); err != nil {
		t.Fatal(err)
	}
	if same, err := cmpimg.Equal("svg", text.Bytes(),
		goldenFile(t, "small.golden.svg", text.Bytes())); !same || err != nil {
		t.Error("another SVG", err)
	}
	var sums bytes.Buffer
	in := input()
	in.Methods = goldenMethods
	for _, e := range List {
		f, err := e.Draw(in)
		if err != nil {
			t.Fatal(err)
		}
		for _, style := range Styles {
			styled, err := style.Apply(f, 0)
			if err != nil {
				t.Fatal(err)
			}
			h := sha256.New()
			if err := styled.WriteSVG(h); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&sums, "%x  %s.%s.svg\n", h.Sum(nil), e.Name, style.Name)
		}
	}
	if want := goldenFile(t, "svg.sha256", sums.Bytes()); !bytes.Equal(sums.Bytes(), want) {
		t.Errorf("other SVG files:\n%s\nwant\n%s", &sums, want)
	}
}

// TestLetters: the font has every letter of the titles and axes. It would draw a missing letter as
// an empty box. Every figure has a caption.
func TestLetters(t *testing.T) {
	in := input()
	face := font.DefaultCache.Lookup(textStyle(8).Font, 8).Face
	var buf sfnt.Buffer
	for _, e := range List {
		f, err := e.Draw(in)
		if err != nil {
			t.Fatal(err)
		}
		text := f.Title + f.Plot.X.Label.Text + f.Plot.Y.Label.Text
		if f.Lower != nil {
			text += f.Lower.X.Label.Text + f.Lower.Y.Label.Text
		}
		for _, r := range text {
			if glyph, err := face.GlyphIndex(&buf, r); err != nil || glyph == 0 {
				t.Errorf("%s: no letter %q in the font: %v", e.Name, r, err)
			}
		}
		if f.Caption == "" {
			t.Errorf("%s has no caption", e.Name)
		}
	}
}

func TestStyles(t *testing.T) {
	f, err := Exact(0.1)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct{ wide, points float64 }{"paper": {82.5 / 25.4 * 300,
		72. / 300}, "screen": {1.5 * 82.5 / 25.4 * 192, 1}} {
		s, err := StyleByName(name)
		if err != nil {
			t.Fatal(err)
		}
		styled, err := s.Apply(f, 0)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		paths, err := styled.Save(dir, "", "png")
		if err != nil || len(paths) != 3 {
			t.Fatal(paths, err)
		}
		file, err := os.Open(paths[0])
		if err != nil {
			t.Fatal(err)
		}
		size, err := png.DecodeConfig(file)
		file.Close()
		if err != nil || math.Abs(float64(size.Width)-want.wide) > 1.5 {
			t.Errorf("%s: %d pixels wide, want %g, %v", name, size.Width, want.wide, err)
		}
		if (styled.Title == "") != (name == "paper") || f.Title == "" || f.zoom != 0 {
			t.Errorf("%s: title %q of %q", name, styled.Title, f.Title)
		}
		wide, err := s.Apply(f, 170*vg.Millimeter)
		if err != nil || wide.Width != 170*vg.Millimeter || wide.Height != styled.Height {
			t.Error(wide, err)
		}
		for _, bad := range []vg.Length{10, -1, vg.Length(math.NaN()), vg.Length(math.Inf(1))} {
			if _, err := s.Apply(f, bad*vg.Millimeter); err == nil ||
				!strings.HasPrefix(err.Error(), "figure exact: ") {
				t.Errorf("%g mm: %v", bad, err)
			}
		}
	}
	if _, err := StyleByName("grand"); err == nil ||
		err.Error() != `no style "grand"; known: screen, paper` {
		t.Error(err)
	}
	if _, err := f.Save(t.TempDir(), "", "jpg"); err == nil ||
		err.Error() != `no format "jpg"; known: svg, png, pdf` {
		t.Error(err)
	}
}

func TestList(t *testing.T) {
	in := input()
	for _, e := range List {
		checkEntry(t, e, in)
	}
	if _, err := ByName("raduis"); err == nil ||
		!strings.Contains(err.Error(), `no figure "raduis" (did you mean radius?); known: radius,`) {
		t.Error(err)
	}
}

// checkEntry is what every figure of List must pass.
func checkEntry(t *testing.T, e Entry, in Input) {
	t.Helper()
	var svg [2]bytes.Buffer
	for i := range svg {
		f, err := e.Draw(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.WriteSVG(&svg[i]); err != nil {
			t.Fatal(err)
		}
		if f.Name != e.Name || f.Title == "" || f.Caption == "" || len(f.Table.Rows) == 0 {
			t.Errorf("%s: name %q, title %q, caption %q, %d rows", e.Name, f.Name, f.Title,
				f.Caption, len(f.Table.Rows))
		}
		if mm := f.Width / vg.Millimeter; mm < 80 || mm > 120 {
			t.Errorf("%s is %g mm wide", e.Name, mm)
		}
		for _, row := range f.Table.Rows {
			if len(row) != len(f.Table.Columns) {
				t.Fatalf("%s: a row of %d cells under %d columns", e.Name, len(row),
					len(f.Table.Columns))
			}
		}
	}
	if !bytes.Equal(svg[0].Bytes(), svg[1].Bytes()) {
		t.Errorf("%s: two equal figures, two files", e.Name)
	}
	if _, err := e.Draw(Input{}); (err == nil) != (e.Needs == Nothing) ||
		err != nil && !strings.HasPrefix(err.Error(), "figure "+e.Name+": ") {
		t.Errorf("%s of nothing: %v", e.Name, err)
	}
	if got, err := ByName(e.Name); err != nil || got.Doc != e.Doc {
		t.Error(got, err)
	}
}

// A new figure is a function in a file of its own and a line in List. checkEntry is its test.
func TestNewFigure(t *testing.T) {
	known := List
	t.Cleanup(func() { List = known })
	List = append(slices.Clip(known), Entry{"line", "a line", Nothing,
		func(Input) (*Figure, error) {
			p := newPlot("x", "y")
			p.Add(newLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, lineAt(0), true))
			f := &Figure{Name: "line", Title: "A line", Caption: "y = x", Plot: p,
				Width: Column, Height: Column}
			f.Table = &table.Table{Columns: []string{"x", "y"},
				Rows: [][]string{{"0", "0"}, {"1", "1"}}}
			return f, nil
		}})
	checkEntry(t, List[len(known)], Input{})
}

func result(class int, radius float64) rs.Result {
	return rs.Result{Label: 3, Certificate: rs.Certificate{Class: class, Radius: radius}}
}

// column returns the cells of a column, by the first cell of its row.
func column(t *testing.T, table *table.Table, name string) map[string]string {
	t.Helper()
	i := slices.Index(table.Columns, name)
	if i < 0 {
		t.Fatalf("no column %s in %v", name, table.Columns)
	}
	cells := map[string]string{}
	for _, row := range table.Rows {
		cells[row[0]] = row[i]
	}
	return cells
}

func TestRadius(t *testing.T) {
	curves := []certify.Curve{
		{Method: "one", Results: []rs.Result{result(3, 1), result(3, 0.5), result(2, 3),
			result(rs.Abstain, 0)}},
		{Method: "two", Results: []rs.Result{result(3, 0.2), result(3, 0.2), result(3, 0.2),
			result(3, 0)}},
	}
	s := certify.Settings{Sigma: 0.5, N: 100, Alpha: 0.001}
	f, err := Curves(s, curves, nil)
	if err != nil {
		t.Fatal(err)
	}
	one, two := column(t, f.Table, "one"), column(t, f.Table, "two")
	for r, want := range map[string][2]string{
		"0": {"0.5", "1"}, "0.2": {"0.5", "0.75"}, "0.205": {"0.5", "0"}, "0.5": {"0.5", "0"},
		"0.505": {"0.25", "0"}, "1": {"0.25", "0"}, "1.005": {"0", "0"},
	} {
		if got := [2]string{one[r], two[r]}; got != want {
			t.Errorf("at %s: %v, want %v", r, got, want)
		}
	}
	// 2 of 4 by Clopper and Pearson: the roots of P(X >= 2) = P(X <= 2) = 0.025.
	if low, high := column(t, f.Table, "one_low")["0"],
		column(t, f.Table, "one_high")["0"]; low != "0.067586" || high != "0.932414" {
		t.Errorf("band %s to %s", low, high)
	}
	// A ceiling beyond all curves stays in the picture: 0.5 Φ⁻¹(0.001^(1/100)) = 0.752.
	if f.Plot.X.Max < 1 {
		t.Errorf("x axis to %g", f.Plot.X.Max)
	}
	s.Sigma = 2
	if f, err = Curves(s, curves, nil); err != nil || f.Plot.X.Max < 2*1.5 {
		t.Error(f.Plot.X.Max, err)
	}
	for want, try := range map[string]func() (*Figure, error){
		"no curve to draw": func() (*Figure, error) {
			return Curves(s, nil, nil)
		},
		`a band of "three", which is not drawn`: func() (*Figure, error) {
			return Curves(s, curves, []string{"three"})
		},
		"four certified no example": func() (*Figure, error) {
			return Curves(s, []certify.Curve{{Method: "four"}}, nil)
		},
	} {
		if _, err := try(); err == nil || err.Error() != "figure radius: "+want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// The option acts: bands named, methods named.
func TestRadiusOptions(t *testing.T) {
	in := input()
	in.Methods, in.Bands = []string{"mono", "twobound"}, []string{}
	svg := func() string {
		f, err := drawRadius(in)
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"radius", "mono", "mono_low", "mono_high", "twobound", "twobound_low",
			"twobound_high"}; !slices.Equal(f.Table.Columns, want) {
			t.Errorf("columns %v", f.Table.Columns)
		}
		var b strings.Builder
		f.WriteSVG(&b)
		return b.String()
	}
	none := svg()
	in.Bands = []string{"mono"}
	mono := svg()
	in.Bands = []string{"mono", "twobound"}
	if both := svg(); none == mono || mono == both ||
		strings.Count(none, "fill-opacity") >= strings.Count(both, "fill-opacity") {
		t.Error("bands do not change the picture")
	}
	in.Methods = []string{"lipschitz"}
	in.Runs[0].Tau = -1
	if _, err := drawRadius(in); err == nil ||
		!strings.Contains(err.Error(), "no temperature was chosen") {
		t.Error(err)
	}
	in.Methods = nil
	if f, err := drawRadius(Input{Runs: in.Runs, Alpha: 0.01}); err != nil ||
		slices.Contains(f.Table.Columns, "lipschitz") {
		t.Error("a method that the run lacks something for:", err)
	}
}

func TestExact(t *testing.T) {
	f, err := Exact(0.1, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	last := f.Table.Rows[len(f.Table.Rows)-1]
	if want := []string{"p", "cohen", "exact_0.1", "published_0.1", "exact_0.5",
		"published_0.5"}; !slices.Equal(f.Table.Columns, want) {
		t.Error(f.Table.Columns)
	}
	if last[0] != "0.9999" || last[1] != "3.71902" { // Φ⁻¹(0.9999)
		t.Error(last)
	}
	for _, row := range f.Table.Rows {
		var x [6]float64
		for i, cell := range row {
			x[i], _ = strconv.ParseFloat(cell, 64)
		}
		const slack = 1e-5 // of six digits
		if x[1] > x[3]+slack || x[3] > x[2]+slack || x[1] > x[5]+slack || x[5] > x[4]+slack ||
			x[4] > x[2]+slack {
			t.Errorf("not Cohen <= published <= exact, falling in L: %v", row)
		}
	}
	for _, bad := range [][]float64{nil, {0}, {math.NaN()}, {math.Inf(1)}} {
		if _, err := Exact(bad...); err == nil {
			t.Errorf("Exact(%v) is drawn", bad)
		}
	}
}

func TestMargins(t *testing.T) {
	row := func(class int, margin float64) rs.Evidence {
		return rs.Evidence{Label: 3, Clean: rs.Clean{Class: class, Margin: margin}}
	}
	rows := []rs.Evidence{row(3, 0.12), row(3, 3.95), row(3, 3.95), row(2, 0.35),
		row(rs.Abstain, 0)}
	f, err := Margins(certify.Settings{Lambda: rs.Proved(proof.Of(2)), Dataset: "made up"}, rows)
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := column(t, f.Table, "right"), column(t, f.Table, "wrong")
	if right["0.05"] != "1" || right["1.95"] != "2" || wrong["0.15"] != "1" ||
		wrong["1.95"] != "0" {
		t.Error(f.Table.Rows)
	}
	if first := f.Table.Rows[1]; !slices.Equal(first, []string{"0.05", "0.1", "0.1", "0.2", "1",
		"0"}) {
		t.Error(first)
	}
	if f.Title != "Clean margins over Λ = 2 (proved): made up" {
		t.Error(f.Title)
	}
	if _, err := Margins(certify.Settings{}, rows); err == nil ||
		!strings.Contains(err.Error(), "no bound on the Lipschitz constant") {
		t.Error(err)
	}
	if _, err := Margins(certify.Settings{Lambda: rs.Claim(2)}, rows[4:]); err == nil ||
		!strings.Contains(err.Error(), "no example has a prediction") {
		t.Error(err)
	}
}

func TestTraining(t *testing.T) {
	only := &table.Table{Columns: []string{"step", "accuracy"},
		Rows: [][]string{{"0", "0.1"}, {"10", "0.9"}}}
	f, err := Training(only, "one")
	if err != nil || f.Lower != nil || f.Title != "Training: one" || f.Plot.X.Max != 10 {
		t.Error(f, err)
	}
	for want, numbers := range map[string]*table.Table{
		`no column "step"; there are loss`: {Columns: []string{"loss"}},
		"no number under a column of loss": {Columns: []string{"step", "speed"},
			Rows: [][]string{{"1", "2"}}},
		`column "loss", row 2: "x" is no n`: {Columns: []string{"step", "loss"},
			Rows: [][]string{{"1", "2"}, {"2", "x"}}},
	} {
		if _, err := Training(numbers, ""); err == nil ||
			!strings.HasPrefix(err.Error(), "figure training: "+want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestACRSigma(t *testing.T) {
	curve := func(r ...rs.Result) []certify.Curve {
		return []certify.Curve{{Method: "mono", Results: r}}
	}
	f, err := ACRSigma(certify.Settings{}, []Noise{
		{0.5, curve(result(3, 1), result(3, 3), result(1, 9), result(3, 0))},
		{0.25, curve(result(3, 0.5), result(3, 0.5))},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Mean of 1, 3, 0, 0; their standard deviation is √2, its error over √4 examples 1/√2.
	want := [][]string{{"0.25", "0.5", "0"}, {"0.5", "1", fmt.Sprintf("%.6g", 1.96*math.Sqrt2/2)}}
	if !slices.EqualFunc(f.Table.Rows, want, slices.Equal) {
		t.Error(f.Table.Rows)
	}
	for want, levels := range map[string][]Noise{
		"runs of 1 noise level":   {{0.5, curve(result(3, 1))}},
		"two runs of σ = 0.5":     {{0.5, curve(result(3, 1))}, {0.5, curve(result(3, 1))}},
		"other methods at σ = 1":  {{0.5, curve(result(3, 1))}, {1, nil}},
		"nothing certified by mo": {{0.5, curve(result(3, 1))}, {1, curve()}},
	} {
		if _, err := ACRSigma(certify.Settings{}, levels); err == nil ||
			!strings.HasPrefix(err.Error(), "figure acr-sigma: "+want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestSave(t *testing.T) {
	f, err := drawExact(Input{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new", "folder")
	paths, err := f.Save(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, ext := range []string{"svg", "png", "pdf", "tsv", "json"} {
		if want := filepath.Join(dir, "exact."+ext); paths[i] != want {
			t.Errorf("%s, want %s", paths[i], want)
		}
	}
	if there, _ := os.ReadDir(dir); len(there) != 5 {
		t.Errorf("left: %v", there)
	}
	start := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data[:min(len(data), 400)]
	}
	if !bytes.Contains(start(paths[0]), []byte("<svg")) ||
		!bytes.HasPrefix(start(paths[2]), []byte("%PDF")) ||
		!bytes.HasPrefix(start(paths[3]), []byte("p\tcohen\t")) {
		t.Error("not the files they are named")
	}
	if back, caption, err := table.ReadFile(paths[3]); err != nil || caption != f.Caption ||
		len(back.Rows) != len(f.Table.Rows) {
		t.Error(caption, err)
	}
	file, _ := os.Open(paths[1])
	defer file.Close()
	if size, err := png.DecodeConfig(file); err != nil ||
		float64(size.Width) < 200*float64(f.Width/vg.Inch) {
		t.Error(size.Width, err)
	}
	if paths, err := f.Save(dir, "other"); err != nil ||
		paths[0] != filepath.Join(dir, "other.svg") {
		t.Error(paths, err)
	}
	for _, c := range []struct{ dir, name, path string }{
		{paths[0], "", paths[0]}, // a file for a folder
		{dir, "exact.svg/name", filepath.Join(dir, "exact.svg")},
	} {
		if _, err := f.Save(c.dir, c.name); err == nil || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%v does not name %s", err, c.path)
		}
	}
}
