package sample_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// Margins that are weighted pair by pair are counted as rs.PairMarginOf has them, on every backend.
func TestPairs(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		net := dense(nil)
		r := rand.New(rand.NewPCG(1, 2))
		weights := make([][]float64, net.classes)
		for c := range weights {
			for range net.classes {
				weights[c] = append(weights[c], float64(1+float32(r.IntN(8))/16))
			}
		}
		p := newSampler(t, backend, net, sample.Settings{Block: countedBlock, Edges: edges,
			Pairs: weights})
		exec := model.MustNewExec(backend, net.store, func(s *model.Scope, x *Node) *Node {
			return ConvertDType(net.Logits(s, x), dtypes.Float32)
		})
		defer exec.Finalize()
		x, ask := example(picture(4), 4, 2), ask(0.3, 37, 120, 9)
		e, err := p.Evidence(x, ask)
		if err != nil {
			t.Fatal(err)
		}
		c := counted{Sampler: p, exec: exec, x: x, Request: ask}
		for _, draw := range []struct {
			phase sample.Phase
			n     int
			got   rs.Histogram
		}{{sample.Selection, 37, e.SelectionMargins}, {sample.Estimation, 120, e.Margins}} {
			_, logits := c.draws(t, draw.phase, draw.n)
			want := rs.Histogram{Edges: draw.got.Edges, Counts: make([]int, len(draw.got.Counts))}
			for z := range draw.n {
				row := logits[z*net.classes:][:net.classes]
				want.Add(rs.PairMarginOf(row, e.Class, weights[e.Class]))
			}
			if !reflect.DeepEqual(draw.got, want) {
				t.Errorf("%v: %v, want %v", draw.phase, draw.got.Counts, want.Counts)
			}
		}
	})
}
