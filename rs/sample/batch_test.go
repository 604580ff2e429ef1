package sample_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// How many blocks are drawn at once changes no bit of the evidence, of a convolutional network
// either.
func TestBatch(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		c := conv(t, backend)
		x := make([]float32, 28*28)
		for i := range x {
			x[i] = float32(i%7) / 7
		}
		var want *rs.Evidence
		for _, batch := range []int{1, 2, 3, 0} {
			p := newSampler(t, backend, c, sample.Settings{Block: 20, Edges: countlog.Edges(8, 64),
				Batch: batch})
			e, err := p.Evidence(example(x, 3, 1), ask(0.5, 30, 110, 1))
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = e
			}
			if !reflect.DeepEqual(e, want) {
				t.Errorf("%d blocks at once: %+v\none: %+v", batch, e, want)
			}
		}
	})
}

// A run's rows don't depend on it either, nor where draws end early, with several examples in a
// batch.
func TestBatchOfRun(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		for _, rule := range []string{"", "radius>=0.1"} {
			var want string
			for _, batch := range []int{1, 2, 7} {
				r := plan()
				if rule != "" {
					r.Until = countlog.Until{Rule: rule, Method: "mono", Alpha: 0.05, Stops: []int{50, 100, 130}}
				}
				s, err := sample.SettingsOf(r)
				if err != nil {
					t.Fatal(err)
				}
				s.Batch = batch
				dir := t.TempDir()
				if err := sampleInto(context.Background(), newSampler(t, backend, dense(nil), s), dir, r,
					nil); err != nil {
					t.Fatal(err)
				}
				got := string(counts(t, dir))
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("%q, %d blocks at once:\n%s\none:\n%s", rule, batch, got, want)
				}
			}
		}
	})
}

// A classifier whose answers depend on the other images of a batch can't be certified, also where
// the selection is but a part of the first batch, and where blocks are drawn one by one.
func TestAnswersOfABatch(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		c := dense(func(_ *model.Scope, _, z *Node) *Node {
			return Sub(z, ReduceAndKeep(z, ReduceMean, 0))
		})
		for _, batch := range []int{0, 1, 2, 3} {
			for _, n0 := range []int{1, 10, 20} {
				_, err := newSampler(t, backend, c, sample.Settings{Block: 10,
					Batch: batch}).Evidence(example(picture(6), 6, 0), ask(0.5, n0, 10, 1))
				refused(t, err, "example 6", "depend on the other images of a batch")
			}
		}
	})
}
