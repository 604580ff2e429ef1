package sample

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// The noise is what Box and Muller's method makes of the generator's uniform numbers in float64,
// but for 1e-6 of the radius r and, where u is near 1 and swallows the 2⁻³³ added to it, 2⁻³³/r;
// whatever the shape.
func TestBoxMuller(t *testing.T) {
	pure, err := device.PureGo()
	if err != nil {
		t.Fatal(err)
	}
	list := []compute.Backend{pure}
	if b, _, err := device.Open(context.Background(), device.Options{NoInstall: true,
		Quiet: true}); err == nil {
		list = append(list, b)
	}
	for _, b := range list {
		for _, dimensions := range [][]int{{1, 1, 1, 1}, {7, 3, 5, 3}, {100, 28, 28, 1}} {
			n := 1
			for _, d := range dimensions {
				n *= d
			}
			half := (n + 1) / 2
			out := MustNewExec(b, func(rng *Node) (*Node, *Node) {
				_, uv := RandomUniform(rng, shapes.Make(dtypes.Float32, 2, half))
				return uv, Reshape(normal(ExpandAxes(rng, 0), dimensions...), dimensions...)
			}).MustCall(state(key(1, 2, Estimation, 3)))
			uv, z := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
			if err := out[1].Shape().CheckDims(dimensions...); err != nil || len(z) != n {
				t.Fatal(err, len(z))
			}
			worst := 0.0
			for i, got := range z {
				r := math.Sqrt(-2 * math.Log(float64(uv[i%half])+0x1p-33))
				f := math.Cos
				if i >= half {
					f = math.Sin
				}
				want := r * f(2*math.Pi*(float64(uv[half+i%half])-0.5))
				worst = max(worst, math.Abs(float64(got)-want)/(1e-6*r+1.1*0x1p-33/r))
			}
			if !(worst < 1) {
				t.Errorf("%s %v: a draw is %g times the tolerance off", b.Name(), dimensions, worst)
			}
		}

		// The ends of the range.
		v := []float32{-0.5, -0.375, -0.25, -0.125, -0x1p-20, 0, 0x1p-30, 0.125, 0.25, 0.375,
			0.5 - 0x1p-24}
		out := MustNewExec(b, func(v *Node) (*Node, *Node) { return turn(v) }).MustCall(v)
		cos, sin := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
		for i, v := range v {
			s, c := math.Sincos(2 * math.Pi * float64(v))
			if math.Abs(float64(cos[i])-c) > 6e-7 || math.Abs(float64(sin[i])-s) > 6e-7 {
				t.Errorf("%s: a turn of %g is %g, %g, not %g, %g", b.Name(), v, cos[i], sin[i], c, s)
			}
		}
	}
}
