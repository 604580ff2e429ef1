package figures

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs"
)

// An Attack is the smallest perturbation that was found to make a classifier wrong on an image.
type Attack struct {
	Index, Label int
	Classifier   string  // a name in Attacked
	Tau          float64 // temperature of soft votes
	// Radius is its l2 norm: 0 where the image itself is misclassified, +Inf where no attack succeeded.
	Radius float64
}

// Attacked are the classifiers that are attacked, each with the methods whose certificates speak of it; the first of
// them is the one drawn.
var Attacked = []struct {
	Name, Doc string
	Methods   []string
}{
	{"votes", "smoothed, by hard votes", []string{"mono", "bonferroni", "cpm", "twobound", "adaptive"}},
	{"soft", "smoothed, by soft votes at the run's temperature", []string{"lipschitz", "paper"}},
	{"clean", "the network without noise", []string{"margin"}},
}

// AttackColumns are those that a table of attacks has, besides others.
var AttackColumns = []string{"index", "label", "classifier", "tau", "radius"}

// Attacks reads a table of attacks: a line an image and classifier, radius empty where no attack succeeded.
func Attacks(t *Table) ([]Attack, error) {
	var at [5]int
	for i, name := range AttackColumns {
		if at[i] = slices.Index(t.Columns, name); at[i] < 0 {
			return nil, fmt.Errorf("no column %q; there are %s", name, strings.Join(t.Columns, ", "))
		}
	}
	type key struct {
		index int
		name  string
	}
	seen := map[key]bool{}
	var attacks []Attack
	for i, row := range t.Rows {
		a := Attack{Classifier: row[at[2]], Radius: math.Inf(1)}
		var bad [4]error
		a.Index, bad[0] = strconv.Atoi(row[at[0]])
		a.Label, bad[1] = strconv.Atoi(row[at[1]])
		a.Tau, bad[2] = strconv.ParseFloat(row[at[3]], 64)
		if cell := row[at[4]]; cell != "" {
			if a.Radius, bad[3] = strconv.ParseFloat(cell, 64); !(a.Radius >= 0) {
				bad[3] = fmt.Errorf("radius %q: must be at least 0, or empty", cell)
			}
		}
		for _, err := range bad {
			if err != nil {
				return nil, fmt.Errorf("row %d: %w", i+1, err)
			}
		}
		k := key{a.Index, a.Classifier}
		if seen[k] {
			return nil, fmt.Errorf("row %d: image %d, %s: is there twice", i+1, a.Index, a.Classifier)
		}
		seen[k] = true
		attacks = append(attacks, a)
	}
	return attacks, nil
}

// Gap is what is certified of a classifier and what attacks leave of it, on the same images.
type Gap struct {
	Classifier string
	Certified  []Curve // of Attacked's methods, in their order, those left out that the run lacks something for
	// Empirical has the radius that attacks leave to each image: all that is smaller than the smallest success.
	Empirical []rs.Result
}

// Gaps certifies the images that were attacked, at error probability alpha each, and sets attacks beside it.
func Gaps(s Sampled, attacks []Attack, alpha float64) ([]Gap, error) {
	rows := map[int]rs.Evidence{}
	for _, e := range s.Rows {
		rows[e.Index] = e
	}
	var gaps []Gap
	for _, c := range Attacked {
		g, these := Gap{Classifier: c.Name}, s
		these.Rows = nil
		for _, a := range attacks {
			if a.Classifier != c.Name {
				continue
			}
			e, ok := rows[a.Index]
			if !ok || e.Label != a.Label {
				return nil, fmt.Errorf("attacks on image %d of class %d, which the run doesn't have", a.Index, a.Label)
			}
			if len(these.Rows) > 0 && c.Name == "soft" && a.Tau != these.Tau {
				return nil, fmt.Errorf("attacks on soft votes at temperatures %v and %v", these.Tau, a.Tau)
			}
			these.Rows, these.Tau = append(these.Rows, e), a.Tau
			left := rs.Result{Label: a.Label, Certificate: rs.Certificate{Class: a.Label, Radius: below(a.Radius)}}
			if a.Radius == 0 {
				left.Class, left.Radius = rs.Abstain, 0
			}
			g.Empirical = append(g.Empirical, left)
		}
		if len(these.Rows) == 0 {
			continue
		}
		for i, name := range c.Methods {
			curves, err := these.Certify(alpha, []string{name})
			if err != nil && i == 0 {
				return nil, err
			}
			g.Certified = append(g.Certified, curves...)
		}
		gaps = append(gaps, g)
	}
	for _, a := range attacks {
		if !slices.ContainsFunc(gaps, func(g Gap) bool { return g.Classifier == a.Classifier }) {
			return nil, fmt.Errorf("attacks on a classifier %q, which isn't known", a.Classifier)
		}
	}
	if len(gaps) == 0 {
		return nil, fmt.Errorf("no attack on a classifier of this run: lipsmooth attack makes them")
	}
	return gaps, nil
}

// area is that under empirical accuracy: +Inf where no attack on some image succeeded.
func (g Gap) area() float64 {
	if slices.ContainsFunc(g.Empirical, func(r rs.Result) bool { return math.IsInf(r.Radius, 1) }) {
		return math.Inf(1)
	}
	return rs.AverageRadius(g.Empirical)
}

// below is the next radius down, +Inf itself.
func below(radius float64) float64 {
	if math.IsInf(radius, 1) {
		return radius
	}
	return math.Nextafter(radius, 0)
}

// Ratios returns certified over empirical radius, rising, of the images that are certified right and on which an attack
// succeeded.
func (g Gap) Ratios() []float64 {
	var ratios []float64
	for i, r := range g.Certified[0].Results {
		if at := g.Empirical[i].Radius; r.Right() && at > 0 && finite(at) {
			ratios = append(ratios, r.Radius/at)
		}
	}
	slices.Sort(ratios)
	return ratios
}

// GapTable has three rows a classifier: certified and empirical accuracy at each radius, and their difference; area is that
// under the curve, the average radius, and ratio the median of certified over empirical radius, image by image.
func GapTable(gaps []Gap, radii []float64) *Table {
	t := &Table{Columns: []string{"classifier", "curve"}}
	for _, r := range radii {
		t.Columns = append(t.Columns, "r="+strconv.FormatFloat(r, 'g', -1, 64))
	}
	t.Columns = append(t.Columns, "area", "ratio")
	for _, g := range gaps {
		certified, empirical, gap := []string{g.Classifier, g.Certified[0].Method}, []string{g.Classifier, "attack"}, []string{g.Classifier, "gap"}
		extend := func(c, e float64, format string) {
			certified, empirical, gap = append(certified, fmt.Sprintf(format, c)), append(empirical, fmt.Sprintf(format, e)), append(gap, fmt.Sprintf(format, e-c))
		}
		for _, r := range radii {
			extend(rs.CertifiedAccuracy(g.Certified[0].Results, r), rs.CertifiedAccuracy(g.Empirical, r), "%.3f")
		}
		extend(rs.AverageRadius(g.Certified[0].Results), g.area(), "%.4f")
		ratio := ""
		if r := g.Ratios(); len(r) > 0 {
			ratio = fmt.Sprintf("%.3f", (r[(len(r)-1)/2]+r[len(r)/2])/2)
		}
		t.Rows = append(t.Rows, append(certified, ""), append(empirical, ""), append(gap, ratio))
	}
	return t
}

func drawGap(in Input) (*Figure, error) {
	s, err := in.first("gap")
	if err != nil {
		return nil, err
	}
	if err := in.checkAlpha("gap"); err != nil {
		return nil, err
	}
	if len(in.Attacks) == 0 {
		return nil, lacks("gap", "no attack", needsAttack)
	}
	gaps, err := Gaps(s, in.Attacks, in.Alpha)
	if err != nil {
		return nil, fmt.Errorf("figure gap: %w", err)
	}
	settings := s.Settings(in.Alpha)
	settings.Images, settings.Tau = len(gaps[0].Empirical), 0
	for _, a := range in.Attacks {
		settings.Tau = max(settings.Tau, a.Tau)
	}
	return DrawGap(settings, gaps)
}

// DrawGap draws certified accuracy and what attacks leave of each classifier; below, the smallest attack found on each image
// against its certificate: no point lies under the diagonal.
func DrawGap(s Settings, gaps []Gap) (*Figure, error) {
	far := 0.0
	for _, g := range gaps {
		if len(g.Certified) == 0 || len(g.Empirical) == 0 || len(g.Certified[0].Results) != len(g.Empirical) {
			return nil, fmt.Errorf("figure gap: %s: certificates and attacks of other images", g.Classifier)
		}
		for _, r := range slices.Concat(g.Certified[0].Results, g.Empirical) {
			if r.Right() && finite(r.Radius) {
				far = max(far, r.Radius)
			}
		}
	}
	if len(gaps) == 0 {
		return nil, fmt.Errorf("figure gap: no classifier to draw")
	}
	if far == 0 {
		far = 1
	}
	step := niceStep(far, 400)
	at := make([]float64, int(math.Ceil(far/step))+2)
	table := &Table{Columns: []string{"radius"}}
	for i := range at {
		at[i] = float64(i) * step
		table.add(at[i])
	}
	p, pairs := newPlot("", "accuracy"), newPlot("ℓ_{2} radius certified", "smallest attack found")
	var names, attackNames []string
	var thumbs, attackThumbs [][]plot.Thumbnailer
	for k, g := range gaps {
		var low, high, xy plotter.XYs
		for i, r := range at {
			certified, empirical := rs.CertifiedAccuracy(g.Certified[0].Results, r), rs.CertifiedAccuracy(g.Empirical, r)
			low, high = append(low, plotter.XY{X: r, Y: certified}), append(high, plotter.XY{X: r, Y: empirical})
			table.extend(i, certified, empirical)
		}
		for i, r := range g.Certified[0].Results {
			if y := g.Empirical[i].Radius; r.Right() && finite(y) {
				xy = append(xy, plotter.XY{X: r.Radius, Y: y})
			}
		}
		method := g.Certified[0].Method
		table.Columns = append(table.Columns, method, g.Classifier+"_attack")
		sty := lineAt(k) // in grey too, dashes tell the classifier, and width what is certified from what attacks leave
		sty.Width = 1.7
		certified := newLine(toAxis(low), sty, true)
		sty.Width = 0.7
		attacked := newLine(toAxis(high), sty, true)
		marks := &plotter.Scatter{XYs: xy, GlyphStyle: draw.GlyphStyle{Color: shade(colorAt(k), 170), Radius: 1.5, Shape: glyphs[k%len(glyphs)]}}
		p.Add(certified, attacked)
		pairs.Add(marks)
		names = append(names, fmt.Sprintf("%s, area %.3f", method, rs.AverageRadius(g.Certified[0].Results)))
		attackNames = append(attackNames, fmt.Sprintf("attack on %s, area %.3f", g.Classifier, g.area()))
		thumbs, attackThumbs = append(thumbs, []plot.Thumbnailer{certified}), append(attackThumbs, []plot.Thumbnailer{attacked, marks})
	}
	rows := addLegend(p, append(names, attackNames...), append(thumbs, attackThumbs...), 0)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1.03*far, 0, 1
	pairs.Add(newLine(plotter.XYs{{}, {X: far, Y: far}}, draw.LineStyle{Color: black, Width: 0.7, Dashes: []vg.Length{0.8, 1.6}}, false))
	pairs.X.Min, pairs.X.Max, pairs.Y.Min, pairs.Y.Max = 0, 1.03*far, 0, 1.03*far
	return &Figure{Name: "gap", Title: title("Certified and empirical accuracy", s), Caption: s.Caption(),
		Plot: p, Lower: pairs, Table: table, Width: width, Height: 1.9*height + rows}, nil
}
