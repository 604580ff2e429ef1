package training

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// BoundsFile is the table of a model's bounds, in the model's folder.
const BoundsFile = "bounds.tsv"

// Bounds are what is proved of a model's layers, and slopes that a search found beside them. The
// slopes are estimates from below: no certificate takes them.
type Bounds struct {
	Sigma float64 // standard deviation of the noise that float32's error is bounded under
	// Steps were taken to the steepest slope of each layer, and of the network from its input
	// through each layer. Where nobody looked, Steps is 0 and the slopes are nil.
	Steps           int
	Layers, Through []float64
	// Logits is the steepest slope of a difference of two logits; 0 where nobody looked.
	Logits float64
}

// ObserveSteps of ascent and power iteration bring a linear layer's slope to four digits.
const ObserveSteps = 100

// Observe looks for the slopes of the layers.
func (b *Bounds) Observe(on compute.Backend, m *Model, steps int) (err error) {
	b.Steps = steps
	b.Layers, b.Through, err = m.Observed(on, steps)
	return err
}

// ObserveLogits looks for the slope of the logits from some of a dataset's images.
func (b *Bounds) ObserveLogits(on compute.Backend, m *Model, d *data.Dataset) (err error) {
	if err := m.Fits(d); err != nil {
		return err
	}
	b.Logits, err = m.Slope(on, d, slopeImages, slopeSteps)
	return err
}

// Caption says what the table is of.
func (b Bounds) Caption(m *Model) string {
	caption := fmt.Sprintf("model %s, %.12s: bounds proved, float32 at σ = %g", m.Identity().Name,
		m.Hash, b.Sigma)
	if b.Steps > 0 {
		caption += fmt.Sprintf(", observed in %d steps", b.Steps)
	}
	return caption
}

// HasBounds reports whether a folder has the table of a model's bounds.
func HasBounds(dir, hash string) (bool, error) {
	t, caption, err := table.ReadFile(filepath.Join(dir, BoundsFile))
	return t != nil && strings.Contains(caption, fmt.Sprintf("%.12s", hash)), err
}

// wholeRow begins the names of rows of the whole network, as package figures reads them.
const wholeRow = "two logits: "

// Table has a row for each layer, and then the rows of the whole network. A row has the proved
// bound, the observed slope, and what float32 does behind the layer to images under noise (l2). A
// note says what the bound for float32 lacks.
func (b Bounds) Table(m *Model) (t *table.Table, note string, err error) {
	p, err := m.proved()
	if err != nil {
		return nil, "", err
	}
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', 7, 64) }
	// Digits beyond float32's precision are left out.
	estimate := func(x float64) string { return strconv.FormatFloat(x, 'f', 5, 64) }
	off := func(x float64) string { return strconv.FormatFloat(x, 'e', 2, 64) }
	r, unproved := m.Rounding(p, sample.Reach(b.Sigma, m.Input.Entries(), 0))
	t = &table.Table{Columns: []string{"layer", "input", "bound", "observed", "bound_through",
		"observed_through", "float32", "proof"}}
	through := lip.Isometry()
	for i, l := range m.Network.Layers {
		layer, all, error32 := "", "", ""
		if b.Layers != nil {
			layer, all = estimate(b.Layers[i]), estimate(b.Through[i])
		}
		through = through.Times(p.Layers[i])
		if i < len(r.Layers) {
			error32 = off(r.Layers[i].Value())
		}
		t.Add(l, m.Network.Sizes()[i], number(p.Layers[i].Value()), layer, number(through.Value()),
			all, error32, p.Layers[i].Proof())
	}
	margin, steepest := "", ""
	if b.Logits > 0 {
		steepest = estimate(b.Logits)
	}
	if unproved == nil {
		margin = off(r.Margin.Value())
	} else {
		note = "no bound on what float32 does: " + unproved.Error()
	}
	proof := p.Composed.Proof()
	if p.Composed == p.Product {
		proof = "nothing gained by composing linear layers"
	}
	t.Add(wholeRow+"product (PUB)", m.Input, number(p.Product.Value()), "", "", "", "",
		"product of the layers', of the last the largest distance of two columns")
	t.Add(wholeRow+"composed", m.Input, number(p.Composed.Value()), "", "", "", "", proof)
	t.Add(wholeRow+"Λ", m.Input, number(m.Lambda.Value()), steepest, "", "", margin,
		"of model.json, proved again")
	return t, note, nil
}

// CheckBounds proves the table of bounds in the model's folder again, and says whether there is
// one. A bound may be larger than what is proved, as an older version's may be. It may not be
// smaller. The slopes aren't looked for again: they may be no steeper than their bounds. A note
// says why a table wasn't compared.
func (m *Model) CheckBounds(dir string) (there bool, note string, err error) {
	path := filepath.Join(dir, BoundsFile)
	t, caption, err := table.ReadFile(path)
	if err != nil || t == nil {
		return false, "", err
	}
	_, sigma, _ := strings.Cut(caption, "float32 at σ = ")
	var b Bounds
	if _, err := fmt.Sscanf(sigma, "%g", &b.Sigma); err != nil || !strings.Contains(caption,
		fmt.Sprintf("%.12s: ", m.Hash)) {
		return false, fmt.Sprintf("%s: isn't of this model: not compared", path), nil
	}
	want, _, err := b.Table(m)
	if err != nil {
		return false, "", err
	}
	if !slices.Equal(t.Columns, want.Columns) || len(t.Rows) != len(want.Rows) {
		return true, "", fmt.Errorf("%s: other columns or rows than the model's layers have", path)
	}
	for i, row := range t.Rows {
		for j, column := range t.Columns {
			proved := want.Rows[i][j]
			if name, ok := strings.CutPrefix(column, "observed"); ok {
				proved = want.Rows[i][slices.Index(t.Columns, "bound"+name)]
			}
			if row[j] != "" && !agrees(column, row[j], proved) {
				return true, "", fmt.Errorf("%s:%d: %s: %s, but the weights prove %s", path, i+2, column,
					row[j], proved)
			}
		}
	}
	return true, "", nil
}

// agrees says whether a cell of a table of bounds may stand beside what is proved now: numbers are
// rounded, those of float32 to three digits.
func agrees(column, cell, proved string) bool {
	if column == "layer" || column == "input" {
		return cell == proved
	}
	got, bad := strconv.ParseFloat(cell, 64)
	least, none := strconv.ParseFloat(proved, 64)
	switch column {
	case "bound", "bound_through":
		return bad == nil && none == nil && got >= least-1e-6*max(1, least)
	case "float32":
		return bad == nil && none == nil && got >= 0.99*least
	case "observed", "observed_through":
		return bad == nil && none == nil && got <= least*(1+1e-3)
	}
	return true
}
