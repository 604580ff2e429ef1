package prove

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
	"github.com/lipsmooth/lipsmooth/internal/proof"
	"github.com/lipsmooth/lipsmooth/rs"
)

// A Proof is what is proved of a file: of real arithmetic with its weights, and for batches of any
// size that the file takes.
type Proof struct {
	Image   []int  // shape of an image in the file, without the batch
	Output  string // name of the logits
	Classes int
	// Lambda bounds the Lipschitz constant (l2) of every difference of two logits, for images as
	// the file takes them.
	Lambda rs.Constant
	// Pairs bounds each difference of two logits, [classes][classes]: at most Lambda.
	Pairs [][]float64
	// Body bounds the Lipschitz constant of the vector of all logits.
	// It is of the vector before a LogSoftmax at the end.
	Body  float64
	Steps []Step // in the file's order
}

// A Step is an activation, or a sum that a rule bounds as a whole.
type Step struct {
	Node    string
	Kind    string
	Stretch float64 // bounds the step's own Lipschitz constant
	Through float64 // bounds that from the image to behind the step
	Rule    string  // that bounds what comes before the step
}

// Options of a proof; the zero value is good.
type Options struct {
	Output string  // name of the logits, where the file has several outputs
	Size   []int   // of the images' sides that the file leaves free, in its order
	Work   float64 // floating-point operations that bounds may take, about; 0 is DefaultWork
}

// DefaultWork takes some ten seconds on two cores.
const DefaultWork = 6e10

// File proves a classifier from an ONNX file. The error names the operation of which nothing is
// proved.
func File(path string, o Options) (*Proof, error) {
	m, err := onnxfile.Read(path)
	if err != nil {
		return nil, err
	}
	p, err := Model(m, o)
	if err != nil {
		return nil, fmt.Errorf("%s: nothing proved: %w", path, err)
	}
	return p, nil
}

// Model is File of a model that was read.
func Model(m *onnxfile.Model, o Options) (*Proof, error) {
	g, about, output, err := read(m, o)
	if err != nil {
		return nil, err
	}
	p, err := proven(g, cmp.Or(o.Work, DefaultWork))
	if err != nil {
		return nil, err
	}
	body := p.bound(g.logits)
	pairs, err := p.pairs(g.logits, body)
	if err != nil {
		return nil, err
	}
	most := 0.0
	for _, row := range pairs {
		most = max(most, slices.Max(row))
	}
	if !(most > 0) || math.IsInf(most, 1) {
		return nil, errors.New("the logits don't depend on the image, or their bound is infinite")
	}
	return &Proof{Image: about.image, Output: output, Classes: about.classes, Pairs: pairs,
		Lambda: rs.Proved(proof.FromFile(most)), Body: body, Steps: p.steps}, nil
}

// proven bounds the values of a graph that the logits depend on, as far as the bound of the logits
// needs them.
func proven(g *graph, operations float64) (*prover, error) {
	p := &prover{work: &work{operations}, bounds: make([]float64, len(g.values)),
		rules: make([]string, len(g.values)), series: make([]*series, len(g.values)),
		ratios: make([]ratio, len(g.values))}
	for i := range p.bounds {
		p.bounds[i] = unknown
	}
	p.whole = p.scope(g.image(), len(g.values), true)
	p.bounds[0] = 1
	used := g.reached()
	for i, v := range g.values[1:] {
		if used[i+1] {
			if err := p.add(v); err != nil {
				return nil, err
			}
		}
	}
	_, _, err := p.of(g.logits)
	return p, err
}

// read lowers a file's graph. Where the batch is free, the graph has to be the same for two sizes.
func read(m *onnxfile.Model, o Options) (*graph, lowered, string, error) {
	fail := func(err error) (*graph, lowered, string, error) { return nil, lowered{}, "", err }
	if m.Opset < 7 || m.Opset > 25 {
		return fail(fmt.Errorf("operators of version %d; known are versions 7 to 25", m.Opset))
	}
	if m.Redefines {
		return fail(errors.New("the file redefines operators"))
	}
	if o.Output == "" {
		if len(m.Outputs) != 1 {
			return fail(fmt.Errorf("the model has %d outputs: say which one has the logits",
				len(m.Outputs)))
		}
		o.Output = m.Outputs[0].Name
	}
	fixed, weights := fixedBatch(m), map[string]*tensor{}
	g, about, err := lower(m, o, max(1, fixed), weights)
	if err != nil || fixed > 0 {
		return g, about, o.Output, err
	}
	again, other, err := lower(m, o, 2, weights)
	if err != nil {
		return fail(fmt.Errorf("for a batch of two images: %w", err))
	}
	if !slices.Equal(g.sum.Sum(nil), again.sum.Sum(nil)) ||
		!slices.Equal(about.image, other.image) || about.classes != other.classes ||
		g.logits.id != again.logits.id {
		return fail(errors.New("the answer for an image depends on the size of the batch"))
	}
	return g, about, o.Output, nil
}

// pairs bounds every difference of two logits: by the norm of all logits, and by the distances of
// rows of the map from each value that only linear maps follow.
func (p *prover) pairs(logits *value, body float64) ([][]float64, error) {
	n := logits.n
	pairs := make([][]float64, n)
	for a := range pairs {
		pairs[a] = slices.Repeat([]float64{times(root(2), body)}, n)
		pairs[a][a] = 0
	}
	lower := func(parts []part) error {
		sum := make([]float64, n*n)
		for _, f := range parts {
			s, ok := f.by.sparse()
			if !ok {
				return nil
			}
			before, _, err := p.of(f.of)
			if err != nil {
				return err
			}
			_, columns := s.Size()
			if float64(n)*float64(n)*float64(columns) > 2e10 {
				return nil
			}
			s.Gaps(func(a, b int, distance float64) {
				sum[a*n+b] = plus(sum[a*n+b], times(distance, before))
			})
		}
		for a := range n {
			for b := range a {
				pairs[a][b] = min(pairs[a][b], sum[a*n+b])
				pairs[b][a] = pairs[a][b]
			}
		}
		return nil
	}
	if parts, ok := p.whole.form(logits); ok {
		if err := lower(parts); err != nil {
			return nil, err
		}
	}
	by := &composed{l: same(n), norm: unknown}
	for v := logits; v.act == nil && len(v.terms) == 1; {
		t := v.terms[0]
		next, ok := by.afterLinear(t.by, p.work)
		if !ok {
			break
		}
		by, v = next, t.of
		if err := lower([]part{{v, by}}); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

// afterLinear returns c after l.
func (c *composed) afterLinear(l linear, w *work) (*composed, bool) {
	return c.afterComposed(&composed{l: l, norm: unknown}, w)
}
