package lip

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
)

// inPlane is a problem of prototypes in two dimensions, with the class of each point.
func inPlane(r *rand.Rand, p Prototypes) (w []*tensors.Tensor, lambda float64,
	class func(x []float64) int) {

	in := Size{2}
	w = must(Trained(pure, p, in, 20))
	matrix := flat(w[0])
	for i := range matrix {
		matrix[i] = float32(r.NormFloat64()) / 3
	}
	n := p.count()
	bias, scale := make([]float32, n), make([]float32, n*n)
	for i := range n {
		bias[i] = -(matrix[i]*matrix[i] + matrix[n+i]*matrix[n+i]) / 2
		for j := range n {
			if i/p.Each != j/p.Each {
				scale[i*n+j] = float32(1 / math.Sqrt2 / math.Hypot(float64(matrix[i]-matrix[j]),
					float64(matrix[n+i]-matrix[n+j])))
			}
		}
	}
	w = []*tensors.Tensor{tensors.FromFlatDataAndDimensions(matrix, 2, n),
		tensors.FromFlatDataAndDimensions(bias, n), tensors.FromFlatDataAndDimensions(scale, n, n)}
	gap, _ := p.logitGap(w, in)
	return w, gap.Value(), func(x []float64) int {
		best, at := math.Inf(-1), 0
		for i := range n {
			s := x[0]*float64(matrix[i]) + x[1]*float64(matrix[n+i]) + float64(bias[i])
			if s > best {
				best, at = s, i/p.Each
			}
		}
		return at
	}
}

// On a fine grid of the box, no point nearer than Distance has another class, and one little
// further has.
func TestVoronoi(t *testing.T) {
	const points = 400 // along a side of the box
	r := rand.New(rand.NewPCG(3, 4))
	p := Prototypes{Classes: 3, Each: 4}
	shorter := 0 // a plane alone proves less
	for range 15 {
		w, lambda, class := inPlane(r, p)
		v := p.Voronoi(w, Size{2}, lambda)
		for range 6 {
			x := []float64{r.Float64() - 0.5, r.Float64() - 0.5}
			own := class(x)
			got, nearest := v.Distance(x, -0.5, 0.5, own), math.Inf(1)
			for i := range points + 1 {
				for j := range points + 1 {
					at := []float64{float64(i)/points - 0.5, float64(j)/points - 0.5}
					if d := math.Hypot(at[0]-x[0], at[1]-x[1]); d < nearest && class(at) != own {
						nearest = d
					}
				}
			}
			// The nearest point may lie in a corner of its cell that the grid misses.
			if math.IsInf(nearest, 1) {
				continue
			}
			if got > nearest || got < nearest-4./points {
				t.Errorf("%v: %v, on the grid %v", x, got, nearest)
			}
			s := v.search(x, -0.5, 0.5, own)
			if s.plane[s.cells()[0]] < got*0.99 {
				shorter++
			}
			if other := (own + 1) % p.Classes; v.Distance(x, -0.5, 0.5, other) != 0 {
				t.Errorf("%v: a distance for class %d, of class %d", x, other, own)
			}
		}
	}
	if shorter < 10 {
		t.Errorf("planes alone prove less only %d times", shorter)
	}
}

// One prototype each, and no other class in the box: the distance is that to its furthest corner.
func TestVoronoiBeyondTheBox(t *testing.T) {
	p := Prototypes{Classes: 2, Each: 1}
	w := []*tensors.Tensor{tensors.FromFlatDataAndDimensions([]float32{0, 8, 0, 0}, 2, 2),
		tensors.FromFlatDataAndDimensions([]float32{0, -32}, 2),
		tensors.FromFlatDataAndDimensions([]float32{0, 0.08838835, 0.08838835, 0}, 2, 2)}
	v := p.Voronoi(w, Size{2}, math.Sqrt2*1.00001)
	got, want := v.Distance([]float64{0.5, 0.5}, -0.5, 0.5, 0), math.Sqrt2
	if !(got <= want+1e-12 && got >= want-1e-9) {
		t.Errorf("%v, want %v", got, want)
	}
	// In the whole plane the other class begins at 4.
	if got := v.Distance([]float64{0.5, 0.5}, -100, 100, 0); !(got <= 3.5 && got > 3.4999) {
		t.Errorf("%v, want 3.5", got)
	}
}
