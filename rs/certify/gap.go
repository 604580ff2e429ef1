package certify

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// An Attack is the smallest perturbation that was found to make a classifier wrong on an image.
type Attack struct {
	Index, Label int
	Classifier   string  // a name in Attacked
	Tau          float64 // temperature of soft votes
	// Radius is its l2 norm: 0 where the image itself is misclassified, +Inf where no attack
	// succeeded.
	Radius float64
}

// Attacked are the classifiers to attack, each with the methods that certify it. Figures draw the
// first method. Methods of images in [0, 1] count where attacks stay there.
var Attacked = []struct {
	Name, Doc string
	Methods   []string
}{
	{"votes", "smoothed, by hard votes",
		[]string{"adaptive", "isoperimetric", "twobound", "cpm", "bonferroni", "mono"}},
	{"soft", "smoothed, by soft votes at the run's temperature", []string{"lipschitz", "paper"}},
	{"clean", "the network without noise", []string{"distance", "margin"}},
}

// AttackColumns are the required columns of a table of attacks.
var AttackColumns = []string{"index", "label", "classifier", "tau", "radius"}

// Attacks reads a table of attacks: a line an image and classifier, radius empty where no attack
// succeeded.
func Attacks(t *table.Table) ([]Attack, error) {
	var at [5]int
	for i, name := range AttackColumns {
		if at[i] = slices.Index(t.Columns, name); at[i] < 0 {
			return nil, fmt.Errorf("no column %q; there are %s", name,
				strings.Join(t.Columns, ", "))
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
			return nil, fmt.Errorf("row %d: image %d, %s: is there twice", i+1, a.Index,
				a.Classifier)
		}
		seen[k] = true
		attacks = append(attacks, a)
	}
	return attacks, nil
}

// Gap has the certified and the empirical accuracy of a classifier on the same images.
type Gap struct {
	Classifier string
	// of Attacked's methods, in their order, as far as the run has their inputs
	Certified []Curve
	// Empirical has the radius of the smallest successful attack on each image.
	Empirical []rs.Result
}

// Gaps certifies the images that were attacked, with the config's alpha and bound, and sets attacks
// beside it. The run's rows must be loaded.
func (r *Run) Gaps(attacks []Attack, config Config) ([]Gap, error) {
	rows := map[int]rs.Evidence{}
	for _, e := range r.Rows {
		rows[e.Index] = e
	}
	var gaps []Gap
	for _, c := range Attacked {
		g, these := Gap{Classifier: c.Name}, Run{Run: r.Run}
		for _, a := range attacks {
			if a.Classifier != c.Name {
				continue
			}
			e, ok := rows[a.Index]
			if !ok || e.Label != a.Label {
				return nil, fmt.Errorf("attacks on image %d of class %d, which the run doesn't "+
					"have", a.Index,
					a.Label)
			}
			if len(these.Rows) > 0 && c.Name == "soft" && a.Tau != these.Tau {
				return nil, fmt.Errorf("attacks on soft votes at temperatures %v and %v",
					these.Tau, a.Tau)
			}
			these.Rows, these.Tau = append(these.Rows, e), a.Tau
			left := rs.Result{Label: a.Label, Certificate: rs.Certificate{Class: a.Label,
				Radius: below(a.Radius)}}
			if a.Radius == 0 {
				left.Class, left.Radius = rs.Abstain, 0
			}
			g.Empirical = append(g.Empirical, left)
		}
		if len(these.Rows) == 0 {
			continue
		}
		for _, name := range c.Methods {
			if entry, _ := rs.MethodByName(name); entry.InBox &&
				!(config.Box && r.Distances) {
				continue
			}
			x, err := these.Certify(config.with(these.Tau, name))
			if err != nil && len(g.Certified) == 0 {
				return nil, err
			}
			if err == nil {
				g.Certified = append(g.Certified, x.Curves...)
			}
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

// Area is that under empirical accuracy: +Inf where no attack on some image succeeded.
func (g Gap) Area() float64 {
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

// Ratios returns certified over empirical radius, rising, of the images that are certified right
// and on which an attack succeeded.
func (g Gap) Ratios() []float64 {
	var ratios []float64
	for i, r := range g.Certified[0].Results {
		if at := g.Empirical[i].Radius; r.Right() && at > 0 && !math.IsInf(at, 1) {
			ratios = append(ratios, r.Radius/at)
		}
	}
	slices.Sort(ratios)
	return ratios
}

// GapTable has three rows a classifier: certified accuracy, empirical accuracy and their
// difference, at each radius. The column area is the average radius. The column ratio is the median
// over the images of certified over empirical radius.
func GapTable(gaps []Gap, radii []float64) *table.Table {
	t := &table.Table{Columns: slices.Concat([]string{"classifier", "curve"}, radiusColumns(radii),
		[]string{"area", "ratio"})}
	for _, g := range gaps {
		certified := []string{g.Classifier, g.Certified[0].Method}
		empirical, gap := []string{g.Classifier, "attack"}, []string{g.Classifier, "gap"}
		extend := func(c, e float64, format string) {
			certified = append(certified, fmt.Sprintf(format, c))
			empirical = append(empirical, fmt.Sprintf(format, e))
			gap = append(gap, fmt.Sprintf(format, e-c))
		}
		for _, r := range radii {
			extend(rs.CertifiedAccuracy(g.Certified[0].Results, r),
				rs.CertifiedAccuracy(g.Empirical, r),
				"%.3f")
		}
		extend(rs.AverageRadius(g.Certified[0].Results), g.Area(), "%.4f")
		ratio := ""
		if r := g.Ratios(); len(r) > 0 {
			ratio = fmt.Sprintf("%.3f", (r[(len(r)-1)/2]+r[len(r)/2])/2)
		}
		t.Rows = append(t.Rows, append(certified, ""), append(empirical, ""), append(gap, ratio))
	}
	return t
}
