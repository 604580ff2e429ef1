package sample_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// backends are XLA, where there is a plugin, and pure Go.
var backends = func() func(testing.TB) []compute.Backend {
	var list []compute.Backend
	return func(t testing.TB) []compute.Backend {
		if list != nil {
			return list
		}
		t.Setenv("GOMLX_BACKEND", "") // another than these two isn't tested
		if b, info, err := device.Open(context.Background(), device.Options{NoInstall: true,
			Quiet: true}); err == nil && info.Name != "go" {
			list = append(list, b)
		} else {
			t.Log("no XLA plugin: the pure-Go backend alone is tested", err)
		}
		b, err := device.PureGo()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
		return list
	}
}()

// onEach runs a test on every backend.
func onEach(t *testing.T, f func(t *testing.T, backend compute.Backend)) {
	for _, b := range backends(t) {
		t.Run(b.Name(), func(t *testing.T) { f(t, b) })
	}
}

var size = [3]int{8, 8, 1}

const values, classes = 64, 5

// network is a graph with its weights.
type network struct {
	size    [3]int
	classes int
	store   *model.Store
	logits  func(scope *model.Scope, images *Node) *Node
}

func (n network) Shape() ([3]int, int)                          { return n.size, n.classes }
func (n network) Variables() *model.Store                       { return n.store }
func (n network) Logits(scope *model.Scope, images *Node) *Node { return n.logits(scope, images) }

// dense is a network of two layers and random weights on 8×8 images. end, where it isn't nil, is
// applied to the logits.
func dense(end func(scope *model.Scope, images, logits *Node) *Node) network {
	r := rand.New(rand.NewPCG(3, 4))
	weights := func(in, out int) *tensors.Tensor {
		w := make([]float32, in*out)
		for i := range w {
			w[i] = float32(r.NormFloat64() / math.Sqrt(float64(in)))
		}
		return tensors.FromFlatDataAndDimensions(w, in, out)
	}
	store := model.NewStore()
	store.VariableWithValue("/a", weights(values, 16))
	store.VariableWithValue("/b", weights(16, classes))
	return network{
		store: store, size: size, classes: classes,
		logits: func(scope *model.Scope, x *Node) *Node {
			g := x.Graph()
			h := DotProduct(Reshape(AddScalar(x, -0.5), -1, values), store.GetVariable("/a").NodeValue(g))
			z := DotProduct(Abs(h), store.GetVariable("/b").NodeValue(g))
			if end != nil {
				z = end(scope, x, z)
			}
			return z
		},
	}
}

func example(x []float32, index, label int) sample.Example {
	return sample.Example{Image: x, Index: index, Label: label}
}

func ask(sigma float64, n0, n int, seed uint64) sample.Request {
	return sample.Request{Sigma: sigma, N0: n0, N: n, Seed: seed}
}

// picture is an image of index i.
func picture(i int) []float32 {
	r := rand.New(rand.NewPCG(uint64(i), 5))
	x := make([]float32, values)
	for j := range x {
		x[j] = r.Float32()
	}
	return x
}

func newSampler(t testing.TB, backend compute.Backend, c sample.Network,
	s sample.Settings) *sample.Sampler {
	t.Helper()
	p, err := sample.New(backend, c, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

var edges = countlog.Edges(4, 64)

// counted counts an example's draws one by one.
type counted struct {
	*sample.Sampler
	exec *model.Exec // logits of a block of images
	x    sample.Example
	sample.Request
	tied int // draws with two largest logits
}

const countedBlock = 50

// draws are the votes of the first n draws of a phase, and their logits.
func (c *counted) draws(t *testing.T, phase sample.Phase, n int) (votes rs.Votes,
	logits []float32) {
	t.Helper()
	votes = make(rs.Votes, classes)
	for b := 0; b*countedBlock < n; b++ {
		x, err := c.Draws(c.x, c.Request, phase, b)
		if err != nil {
			t.Fatal(err)
		}
		out := c.exec.MustCall(tensors.FromFlatDataAndDimensions(x, countedBlock, 8, 8, 1))
		logits = append(logits, tensors.MustCopyFlatData[float32](out[0])...)
	}
	logits = logits[:n*classes]
	for z := range slices.Chunk(logits, classes) {
		best, equal := 0, false
		for c := 1; c < classes; c++ {
			if z[c] == z[best] {
				equal = true
			}
			if z[c] > z[best] {
				best, equal = c, false
			}
		}
		if equal {
			c.tied++
		}
		votes[best]++
	}
	return votes, logits
}

// bins is the histogram of a class's margins.
func bins(logits []float32, class int) rs.Histogram {
	h := rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
	for z := range slices.Chunk(logits, classes) {
		other := float32(math.Inf(-1))
		for c, v := range z {
			if c != class {
				other = max(other, v)
			}
		}
		m := z[class] - other
		bin := 0
		for bin < len(edges) && m >= float32(edges[bin]) {
			bin++
		}
		h.Counts[bin]++
	}
	return h
}

// evidence is what Evidence should be, but for the prediction without noise.
func (c *counted) evidence(t *testing.T) *rs.Evidence {
	t.Helper()
	e := &rs.Evidence{Index: c.x.Index, Label: c.x.Label, Sigma: c.Sigma}
	var selection, estimation []float32
	e.Selection, selection = c.draws(t, sample.Selection, c.N0)
	e.Class = e.Selection.Top()
	e.Estimation, estimation = c.draws(t, sample.Estimation, c.N)
	e.SelectionMargins, e.Margins = bins(selection, e.Class), bins(estimation, e.Class)
	return e
}

// What Evidence counts is what the classifier says of Draws, counted here.
func TestEvidenceIsOfDraws(t *testing.T) {
	rounded := func(_ *model.Scope, _, z *Node) *Node { return Floor(z) } // ties
	doubles := func(_ *model.Scope, _, z *Node) *Node { return ConvertDType(z, dtypes.Float64) }
	onEach(t, func(t *testing.T, backend compute.Backend) {
		for name, end := range map[string]func(*model.Scope, *Node, *Node) *Node{
			"plain": nil, "ties": rounded, "float64": doubles,
		} {
			net := dense(end)
			settings := sample.Settings{Block: countedBlock, Edges: edges}
			p := newSampler(t, backend, net, settings)
			bare := newSampler(t, backend, net, sample.Settings{Block: countedBlock})
			exec := model.MustNewExec(backend, net.store, func(s *model.Scope, x *Node) *Node {
				return ConvertDType(net.Logits(s, x), dtypes.Float32)
			})
			defer exec.Finalize()
			tied := 0
			for _, n := range []struct{ n0, n int }{{37, 120}, {50, 100}, {1, 1}, {101, 49}} {
				x, r := example(picture(4), 4, 2), ask(0.3, n.n0, n.n, 9)
				e, err := p.Evidence(x, r)
				if err != nil {
					t.Fatal(err)
				}
				c := counted{Sampler: p, exec: exec, x: x, Request: r}
				want := c.evidence(t)
				want.Clean = e.Clean
				tied += c.tied
				if !reflect.DeepEqual(e, want) {
					t.Errorf("%s, n0=%d, n=%d:\n%+v\nnot what is counted from its draws:\n%+v",
						name, n.n0, n.n, e, want)
				}
				if e.SelectionMargins.Total() != n.n0 || e.Margins.Total() != n.n {
					t.Errorf("%s: %d and %d margins were counted", name,
						e.SelectionMargins.Total(), e.Margins.Total())
				}
				without, err := bare.Evidence(x, r)
				if err != nil {
					t.Fatal(err)
				}
				e.SelectionMargins, e.Margins = rs.Histogram{}, rs.Histogram{}
				if !reflect.DeepEqual(e, without) {
					t.Errorf("%s: without margins %+v, with them %+v", name, without, e)
				}
			}
			if name == "ties" && tied < 20 {
				t.Errorf("%d ties test little", tied)
			}
		}
	})
}

func TestClean(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		for _, test := range []struct {
			logits []float32
			want   rs.Clean
		}{
			{[]float32{1, 4, 2.5}, rs.Clean{Class: 1, Margin: 1.5}},
			{[]float32{3, 3, 1}, rs.Clean{Class: 0, Margin: 0}},
			{[]float32{-3, -2, -1}, rs.Clean{Class: 2, Margin: 1}},
		} {
			p := newSampler(t, backend, constant(test.logits), sample.Settings{Block: 10})
			e, err := p.Evidence(example([]float32{0.5}, 0, 0), ask(1, 1, 11, 1))
			if err != nil {
				t.Fatal(err)
			}
			if e.Clean != test.want || e.Class != test.want.Class || e.Estimation[test.want.Class] != 11 {
				t.Errorf("logits %v gave %+v", test.logits, e)
			}
		}
	})
}

// constant is a classifier of one answer on images of one value.
func constant(logits []float32) network {
	return network{
		store: model.NewStore(), size: [3]int{1, 1, 1}, classes: len(logits),
		logits: func(_ *model.Scope, x *Node) *Node {
			return Add(MulScalar(Reshape(x, -1, 1), 0), ExpandAxes(Const(x.Graph(), logits), 0))
		},
	}
}

func TestNotFinite(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		settings := sample.Settings{Block: 20, Edges: edges}
		// Weights.
		c := dense(nil)
		w := make([]float32, 16*classes)
		w[7] = float32(math.NaN())
		if err := c.store.GetVariable("/b").SetValue(tensors.FromFlatDataAndDimensions(w, 16,
			classes)); err != nil {
			t.Fatal(err)
		}
		_, err := newSampler(t, backend, c, settings).Evidence(example(picture(3), 3, 0),
			ask(0.5, 10, 10, 1))
		refused(t, err, "example 3", "without noise", "NaN")

		// One logit of the draws whose first value is over 1.7; the image's is below.
		for name, bad := range map[string]float64{"NaN": math.NaN(), "+Inf": math.Inf(1),
			"-Inf": math.Inf(-1)} {
			c := dense(func(_ *model.Scope, x, z *Node) *Node {
				g := z.Graph()
				first := Reshape(Slice(x, AxisRange(), AxisElem(0), AxisElem(0)), -1, 1)
				hit := And(GreaterThan(first, Scalar(g, dtypes.Float32, 1.7)),
					Equal(Iota(g, z.Shape(), 1), Scalar(g, dtypes.Float32, 2)))
				return Where(hit, BroadcastToShape(Const(g, float32(bad)), z.Shape()), z)
			})
			p := newSampler(t, backend, c, settings)
			x := picture(5)
			x[0] = 0.5
			for _, phase := range []sample.Phase{sample.Selection, sample.Estimation} {
				at := -1
				for block := 0; at < 0 && block < 100; block++ {
					draws, err := p.Draws(example(x, 5, 0), ask(0.5, 0, 0, 1), phase, block)
					if err != nil {
						t.Fatal(err)
					}
					for i := 0; i < settings.Block && at < 0; i++ {
						if draws[i*values] > 1.7 {
							at = block*settings.Block + i
						}
					}
				}
				if at < 1 {
					t.Fatal("choose another seed")
				}
				n0, n := 1, at
				if phase == sample.Selection {
					n0, n = at, 1
				}
				if _, err := p.Evidence(example(x, 5, 0), ask(0.5, n0, n, 1)); err != nil {
					t.Errorf("%s: %d draws of the %v draw, none of them bad: %v", name, at, phase, err)
				}
				if phase == sample.Selection {
					n0++
				} else {
					n++
				}
				e, err := p.Evidence(example(x, 5, 0), ask(0.5, n0, n, 1))
				refused(t, err, "example 5", fmt.Sprintf("draw %d of block %d of the %v draw",
					at%settings.Block, at/settings.Block, phase))
				if e != nil {
					t.Error("evidence beside an error")
				}
			}
		}
	})
}

func TestNotDeterministic(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		for _, e := range [][]float64{nil, edges} {
			// Far too little to change a vote.
			c := dense(func(scope *model.Scope, _, z *Node) *Node {
				return Add(z, MulScalar(scope.Store().RandomNormal(z.Graph(), z.Shape()), 1e-5))
			})
			_, err := newSampler(t, backend, c, sample.Settings{Block: 10,
				Edges: e}).Evidence(example(picture(6), 6, 0), ask(0.1, 10, 10, 1))
			refused(t, err, "example 6", "isn't deterministic")
		}
	})
}

func TestRefused(t *testing.T) {
	backend := backends(t)[0]
	c := dense(nil)
	for name, s := range map[string]sample.Settings{
		"blocks of 0":  {Block: 0},
		"blocks of -1": {Block: -1},
		"edge 1, 0.1":  {Block: 1, Edges: []float64{0, 0.1}},
		"edge 0, NaN":  {Block: 1, Edges: []float64{math.NaN()}},
		"edge 1, 0":    {Block: 1, Edges: []float64{1, 0}},
		"edge 1, 1":    {Block: 1, Edges: []float64{1, 1}},
	} {
		_, err := sample.New(backend, c, s)
		refused(t, err, name)
	}
	for name, change := range map[string]func(*network){
		"1 classes": func(c *network) { c.classes = 1 },
		"[8 0 1]":   func(c *network) { c.size[1] = 0 },
		"store":     func(c *network) { c.store = nil },
	} {
		c := c
		change(&c)
		_, err := sample.New(backend, c, sample.Settings{Block: 1})
		refused(t, err, name)
	}

	p := newSampler(t, backend, c, sample.Settings{Block: 5})
	for _, test := range []struct {
		says   string
		values int
		sigma  float64
		n0, n  int
	}{
		{"63 values", 63, 1, 1, 1},
		{"65 values", 65, 1, 1, 1},
		{"deviation 0", 64, 0, 1, 1},
		{"deviation -1", 64, -1, 1, 1},
		{"deviation NaN", 64, math.NaN(), 1, 1},
		{"deviation +Inf", 64, math.Inf(1), 1, 1},
		{"0 selection", 64, 1, 0, 1},
		{"0 estimation", 64, 1, 1, 0},
	} {
		_, err := p.Evidence(example(make([]float32, test.values), 8, 0),
			ask(test.sigma, test.n0, test.n, 1))
		refused(t, err, "example 8", test.says)
		if test.n0 == 1 && test.n == 1 {
			_, err := p.Draws(example(make([]float32, test.values), 8, 0), ask(test.sigma, 0, 0, 1),
				sample.Selection, 0)
			refused(t, err, "example 8", test.says)
		}
	}

	c.classes++
	_, err := newSampler(t, backend, c, sample.Settings{Block: 5}).Evidence(example(picture(0), 0, 0),
		ask(1, 1, 1, 1))
	refused(t, err, "logits are [1 5], not [1, 6]")
	c.logits = func(_ *model.Scope, x *Node) *Node { return DotProduct(x, x) }
	_, err = newSampler(t, backend, c, sample.Settings{Block: 5}).Evidence(example(picture(0), 0, 0),
		ask(1, 1, 1, 1))
	refused(t, err, "example 0")
}

// refused asks for an error that says these things.
func refused(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error that says %q", says)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%q doesn't say %q", err, s)
		}
	}
}
