package loss

import (
	"context"
	"math"
	"os"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/gomlx/backends/default"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/device"
)

var backend compute.Backend

func TestMain(m *testing.M) {
	var err error
	if backend, _, err = device.Open(context.Background(),
		device.Options{Quiet: true}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// values returns the loss and its gradient by the logits.
func values(o Loss, labels [][]int32, logits [][]float32) (float64, []float32) {
	out := MustExecOnceN(backend, func(y, z *Node) []*Node {
		l := o.Loss([]*Node{y}, []*Node{z})
		return []*Node{l, Gradient(ReduceAllSum(l), z)[0]}
	}, labels, logits)
	return float64(tensors.ToScalar[float32](out[0])), tensors.MustCopyFlatData[float32](out[1])
}

func TestOffset(t *testing.T) {
	labels, logits := [][]int32{{0}, {2}}, [][]float32{{2, 1, 0}, {0.5, -1, 3}}
	for _, o := range []Offset{{0, 1, 1}, {0.5, 0.125, math.Sqrt2}, {1, 0.25, 1}, {0, 2, 0.5}} {
		// -log softmax((z/Gap - Offset·y)/Temperature) of the true class, the mean of both
		// examples.
		want := 0.0
		for i, z := range logits {
			sum := 0.0
			at := func(k int) float64 {
				v := float64(z[k]) / o.Gap
				if k == int(labels[i][0]) {
					v -= o.Offset
				}
				return v / o.Temperature
			}
			for k := range z {
				sum += math.Exp(at(k))
			}
			want += (math.Log(sum) - at(int(labels[i][0]))) / 2
		}
		got, gradient := values(o, labels, logits)
		if math.Abs(got-want) > 1e-4*(1+want) {
			t.Errorf("%+v: loss %v, want %v", o, got, want)
		}
		// It falls with the true class's logit and rises with the others'.
		for i, g := range gradient {
			if truth := i%3 == int(labels[i/3][0]); truth && g >= 0 || !truth && g <= 0 {
				t.Errorf("%+v: gradient %v", o, gradient)
			}
		}
	}
	// By hand: margin 1 of two classes, offset ½, temperature ½: log(1 + e^-((1-½)/½)) = log(1 +
	// 1/e).
	if got, _ := values(Offset{0.5, 0.5, 1}, [][]int32{{1}},
		[][]float32{{0, 1}}); math.Abs(got-0.3132616875) > 1e-6 {
		t.Errorf("by hand: %v", got)
	}
	// In units of radius: scaling logits and Gap alike changes nothing.
	a, _ := values(Offset{0.5, 0.125, 1}, labels, [][]float32{{1, 2, 3}, {3, 1, 2}})
	b, _ := values(Offset{0.5, 0.125, 4}, labels, [][]float32{{4, 8, 12}, {12, 4, 8}})
	if math.Abs(a-b) > 1e-5 {
		t.Errorf("scaled by 4: %v and %v", a, b)
	}
	// A margin beyond the offset costs little, one short of it much.
	far, _ := values(Offset{1, 0.1, 1}, [][]int32{{0}}, [][]float32{{2, 0}})
	near, _ := values(Offset{1, 0.1, 1}, [][]int32{{0}}, [][]float32{{0.5, 0}})
	if far > 1e-4 || near < 4 {
		t.Errorf("margin 2: loss %v; margin ½: loss %v; want nearly 0 and about 5", far, near)
	}
}
