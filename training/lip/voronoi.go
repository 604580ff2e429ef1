package lip

import (
	"cmp"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// Voronoi finds how far points lie from other classes, for a classifier by nearest prototypes. Each
// prototype of another class has a cell. In the cell, its score is at least the score of every
// prototype of the class. Each of these conditions is a plane, so the distance to the cell is a
// quadratic program (Voráček & Hein, "Provably adversarially robust nearest prototype classifiers",
// ICML 2022). The largest logit of [Prototypes] knows one plane alone.
type Voronoi struct {
	p       Prototypes
	in      int
	vectors []float64 // [prototypes, in]
	bias    []float64 // of a score
	norms   []float64 // of the vectors
	scale   []float32 // [prototypes, prototypes], those of Weights
	largest float64   // of scale
	lambda  float64   // bounds 2·scale·‖w_i - w_j‖
}

// Voronoi takes the effective weights of the layer, and the proved Lipschitz constant of the
// difference of two of its logits.
func (p Prototypes) Voronoi(w []*tensors.Tensor, in Size, lambda float64) *Voronoi {
	n := p.count()
	v := &Voronoi{p: p, in: in[0], vectors: make([]float64, n*in[0]), scale: flat(w[2]),
		lambda: lambda}
	v.largest = float64(slices.Max(v.scale))
	for k, x := range flat(w[0]) {
		v.vectors[k%n*v.in+k/n] = float64(x)
	}
	for i, b := range flat(w[1]) {
		v.bias = append(v.bias, float64(b))
		v.norms = append(v.norms, blas64.Nrm2(vec(v.vector(i))))
	}
	return v
}

func vec(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }

func (v *Voronoi) vector(i int) []float64 { return v.vectors[i*v.in:][:v.in] }

// matrix is that of some vectors.
func (v *Voronoi) matrix(from, count int) blas64.General {
	return blas64.General{Rows: count, Cols: v.in, Stride: v.in,
		Data: v.vectors[from*v.in:][:count*v.in]}
}

// Distance is a lower bound of the l2 distance between x, [in], and the points of a box that don't
// belong to that class. A point that belongs to two classes doesn't belong to either. The box is
// that of all points with entries from low to high. Distance is 0 where x itself doesn't belong to
// the class. It is at most the distance to the furthest point of the box.
//
// By weak duality, any weights of the planes bound the distance to a cell. The bound is rounded
// down by what float64 does to its sums. Distance is for concurrent use.
func (v *Voronoi) Distance(x []float64, low, high float64, class int) float64 {
	s := v.search(x, low, high, class)
	least := s.reach
	for _, j := range s.cells() {
		if s.plane[j] >= least || least == 0 {
			break
		}
		least = min(least, s.distance(j, least))
	}
	return least
}

// search is for the distances of one point.
type search struct {
	*Voronoi
	low, high []float64 // of a step from the point
	reach     float64   // l2, of the longest step
	length    float64   // l2, of the point
	own       int       // first prototype of the class
	scores    []float64
	plane     []float64 // at most the distance to a cell of another class: that to one plane
	nearest   []int     // that plane's prototype of the class
	z, step   []float64 // the weighted sum of the planes' vectors, and the step that it makes
	products  []float64 // of the step and the vectors of the class
}

func (v *Voronoi) search(x []float64, low, high float64, class int) *search {
	n, each := len(v.bias), v.p.Each
	s := &search{Voronoi: v, own: class * each, low: make([]float64, v.in),
		high: make([]float64, v.in), plane: make([]float64, n), nearest: make([]int, n),
		z: make([]float64, v.in), step: make([]float64, v.in), products: make([]float64, each),
		length: blas64.Nrm2(vec(x)), scores: slices.Clone(v.bias)}
	furthest := make([]float64, v.in)
	for k, at := range x {
		s.low[k], s.high[k] = low-at, high-at
		furthest[k] = max(math.Abs(s.low[k]), math.Abs(s.high[k]))
	}
	s.reach = blas64.Nrm2(vec(furthest))
	blas64.Gemv(blas.NoTrans, 1, v.matrix(0, n), vec(x), 1, vec(s.scores))
	size := 0.0 // of a score's terms
	for j, norm := range v.norms {
		size = max(size, norm*s.length+math.Abs(v.bias[j]))
	}
	off := float64(v.in+8) * 0x1p-50 * size * v.largest
	for j := range n {
		if j/each == class {
			continue
		}
		most := math.Inf(-1)
		for i, scale := range v.scale[j*n+s.own:][:each] {
			if d := (s.scores[s.own+i] - s.scores[j]) * float64(scale); d > most {
				most, s.nearest[j] = d, i
			}
		}
		s.plane[j] = (most-off)*2/v.lambda - 1e-6*math.Abs(most)
	}
	return s
}

// cells are the prototypes of other classes, those of the nearest planes first.
func (s *search) cells() []int {
	var cells []int
	for j := range s.plane {
		if j < s.own || j >= s.own+s.p.Each {
			cells = append(cells, j)
		}
	}
	slices.SortFunc(cells, func(a, b int) int { return cmp.Compare(s.plane[a], s.plane[b]) })
	return cells
}

// plane is a plane of a cell. It bounds a step d into the cell by a·d >= gap.
type plane struct {
	own    int       // prototype of the class, counted from its first
	a      []float64 // vector of the cell's prototype less that of own
	square float64   // of the length of a
	gap    float64
	weight float64 // not below 0
}

const (
	mostPlanes = 60   // of a cell
	mostSweeps = 20   // over the weights, for each plane
	reached    = 1e-4 // as a part of a distance: a plane so far beyond the step is reached
)

// distance is a lower bound of the distance to the cell of j. The search for a larger one ends
// where it is at least enough.
func (s *search) distance(j int, enough float64) float64 {
	planes := []plane{s.planeOf(j, s.nearest[j])}
	clear(s.z)
	best := 0.0
	for {
		for range mostSweeps {
			moved := s.sweep(planes)
			if best = max(best, s.bound(j, planes)); best >= enough {
				return best
			}
			if moved <= reached/10*best {
				break
			}
		}
		i, beyond := s.furthest(j)
		known := slices.ContainsFunc(planes, func(p plane) bool { return p.own == i })
		if known || beyond <= reached*best || len(planes) == mostPlanes {
			return best
		}
		planes = append(planes, s.planeOf(j, i))
	}
}

// planeOf is the plane between the prototype j and the class's prototype i.
func (s *search) planeOf(j, i int) plane {
	p := plane{own: i, a: make([]float64, s.in), gap: s.scores[s.own+i] - s.scores[j]}
	copy(p.a, s.vector(j))
	blas64.Axpy(-1, vec(s.vector(s.own+i)), vec(p.a))
	p.square = blas64.Dot(vec(p.a), vec(p.a))
	return p
}

// sweep changes each weight once, by Newton's method. It returns the longest step that a change of
// one weight makes.
func (s *search) sweep(planes []plane) (moved float64) {
	for i := range planes {
		p := &planes[i]
		slope, curve := p.gap, 0.0
		for k, a := range p.a {
			switch z, low, high := s.z[k], s.low[k], s.high[k]; {
			case z < low, z == low && a <= 0:
				slope -= a * low
			case z > high, z == high && a >= 0:
				slope -= a * high
			default:
				slope -= a * z
				curve += a * a
			}
		}
		// Where nothing is free to move, the plane lies beyond the box: its weight grows.
		change := max(slope/max(curve, 1e-3*p.square, 1e-300), -p.weight)
		p.weight += change
		moved = max(moved, math.Abs(change)*math.Sqrt(p.square))
		blas64.Axpy(change, vec(p.a), vec(s.z))
	}
	clear(s.z) // what large changes left behind
	for _, p := range planes {
		blas64.Axpy(p.weight, vec(p.a), vec(s.z))
	}
	for k, z := range s.z {
		s.step[k] = min(max(z, s.low[k]), s.high[k])
	}
	return moved
}

// bound is what the weights prove. The least of ½‖d‖² over all steps d into the cell is at least
// the sum of weight·gap, less the most of z·d - ½‖d‖² over the box, which is at step.
func (s *search) bound(j int, planes []plane) float64 {
	value, size := 0.0, 0.0 // size is that of all terms
	for k, d := range s.step {
		value -= s.z[k]*d - d*d/2
		size += math.Abs(s.z[k])*(1+math.Abs(d)) + d*d
	}
	for _, p := range planes {
		i := s.own + p.own
		value += p.weight * p.gap
		size += p.weight * ((s.norms[i]+s.norms[j])*(s.length+s.reach) + math.Abs(s.bias[i]) +
			math.Abs(s.bias[j]))
	}
	value -= float64(2*s.in+2*len(planes)+64) * 0x1p-52 * size // more than float64 rounds off
	if !(value > 0) {
		return 0
	}
	return math.Sqrt(2*value) * (1 - 0x1p-50)
}

// furthest returns the plane of the cell of j that lies furthest beyond the step, and how far.
func (s *search) furthest(j int) (own int, beyond float64) {
	blas64.Gemv(blas.NoTrans, 1, s.matrix(s.own, s.p.Each), vec(s.step), 0,
		vec(s.products))
	other := blas64.Dot(vec(s.vector(j)), vec(s.step)) + s.scores[j]
	for i, v := range s.products {
		scale := float64(s.scale[j*len(s.bias)+s.own+i]) * math.Sqrt2
		if d := (v + s.scores[s.own+i] - other) * scale; d > beyond {
			own, beyond = i, d
		}
	}
	return own, beyond
}
