package lip

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Prototypes gives the logits from affine scores, Each of them a class: s = x·w + b. The score of a
// prototype p, but for a term that all scores share, is -‖x - p‖²/2 with w = p and b = -‖p‖²/2. So
// the layer is a classifier by nearest prototypes with a certificate of its own (Voráček & Hein,
// "Provably adversarially robust nearest prototype classifiers", ICML 2022):
//
//	z_k = max over i of class k, min over j of other classes, of (s_i - s_j)/(√2·‖w_i - w_j‖)
//
// Each fraction is a signed distance to a plane, over √2. Maxima and minima of such are
// 1/√2-Lipschitz, so a difference of two logits is √2-Lipschitz, as with the other last layers. The
// largest logit is at least 0, and each other logit is at most the largest one's negative. So the
// margin in units of radius is at least the largest signed distance.
type Prototypes struct{ Classes, Each int }

func (p Prototypes) String() string {
	return fmt.Sprintf("prototypes %d (%d a class)", p.Classes, p.Each)
}

func (p Prototypes) Out(in Size) (Size, error) {
	if len(in) != 1 || p.Classes < 2 || p.Each < 1 {
		return nil, fmt.Errorf("%v needs a flat input, two classes and a prototype each, not %v", p,
			in)
	}
	return Size{p.Classes}, nil
}

func (p Prototypes) count() int { return p.Classes * p.Each }

// Weights are w, [in, prototypes], b, [prototypes], and 1/(√2·‖w_i - w_j‖), [prototypes,
// prototypes], where i and j are of two classes, 0 elsewhere.
func (p Prototypes) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	n := p.count()
	w := variable(scope, g, PrototypeMatrix, 1/math.Sqrt(float64(in[0])), in[0], n)
	b := variable(scope, g, PrototypeOffset, 0, n)
	gram := DotGeneral(w, []int{0}, nil, w, []int{0}, nil)
	square := ReduceSum(Square(w), 0)
	square = Sub(Add(ExpandAxes(square, 0), ExpandAxes(square, 1)), MulScalar(gram, 2))
	class := DivScalar(Iota(g, f32(n, 1), 0), float64(p.Each))
	same := Equal(Floor(class), Transpose(Floor(class), 0, 1))
	one := BroadcastToDims(ScalarOne(g, w.DType()), n, n)
	inverse := reciprocalRoot(MulScalar(MaxScalar(Where(same, one, square), 1e-6), 2))
	return []*Node{w, b, Where(same, ZerosLike(inverse), inverse)}
}

// PrototypeMatrix and PrototypeOffset name the variables w and b of Prototypes.
const PrototypeMatrix, PrototypeOffset = "w", "b"

// Apply takes, for each class, the best of the class's prototypes without a gradient, and then the
// nearest plane of that one.
func (p Prototypes) Apply(x *Node, w []*Node) *Node {
	return p.logits(x, w, func(own, all, scale, far *Node) *Node {
		// [prototypes, each, batch], which XLA never holds as a whole.
		planes := Sub(ExpandAxes(Transpose(own, 0, 1), 0), ExpandAxes(Transpose(all, 0, 1), 1))
		planes = Mul(planes, ExpandAxes(Transpose(scale, 0, 1), 2))
		return ArgMax(ReduceMin(Add(planes, Reshape(far, -1, 1, 1)), 0), 0)
	})
}

// Train takes the nearest of a class's prototypes for the best, which is much faster. The logit is
// at most that of Apply.
func (p Prototypes) Train(_ *model.Scope, x *Node, w []*Node) *Node {
	return p.logits(x, w, func(own, _, _, _ *Node) *Node { return ArgMax(own, 1) })
}

// logits are those of Apply. choose picks a prototype of a class for each image, [batch], from the
// scores of the class, [batch, each], those of all prototypes, [batch, prototypes], their scales,
// [each, prototypes], and a term that is large for the class's own, [1, prototypes].
func (p Prototypes) logits(x *Node, w []*Node,
	choose func(own, all, scale, far *Node) *Node) *Node {

	g, n := x.Graph(), p.count()
	s := Add(DotProduct(x, w[0]), ExpandAxes(w[1], 0))
	fixed, scales := StopGradient(s), StopGradient(w[2])
	column := Iota(g, f32(1, n), 1)
	logits := make([]*Node, p.Classes)
	for k := range logits {
		class := AxisRange(k*p.Each, (k+1)*p.Each)
		inside := LogicalAnd(GreaterOrEqual(column, Const(g, float32(k*p.Each))),
			LessThan(column, Const(g, float32((k+1)*p.Each))))
		far := Where(inside, Scalar(g, s.DType(), 1e30), ScalarZero(g, s.DType()))
		best := choose(Slice(fixed, AxisRange(), class), fixed, Slice(scales, class), far)
		chosen := OneHot(best, p.Each, s.DType())
		score := ReduceAndKeep(Mul(Slice(s, AxisRange(), class), chosen), ReduceSum, 1)
		planes := Mul(Sub(score, s), DotProduct(chosen, Slice(w[2], class)))
		logits[k] = ReduceAndKeep(Add(planes, far), ReduceMin, 1)
	}
	return Concatenate(logits, 1)
}

// steepest bounds √2 times the Lipschitz constant of every fraction.
func (p Prototypes) steepest(w []*tensors.Tensor, in Size) float64 {
	scale, most := flat(w[2]), 0.0
	n := p.count()
	columns(flat(w[0]), in[0], n).gaps(func(a, b int, distance float64) {
		for _, v := range []float32{scale[a*n+b], scale[b*n+a]} {
			most = max(most, up(up(math.Sqrt2*math.Abs(float64(v)))*distance))
		}
	})
	return most
}

// Bound holds for all logits together: √(classes) times that of one.
func (p Prototypes) Bound(w []*tensors.Tensor, in Size) Bound {
	l := up(p.steepest(w, in) * up(math.Sqrt(float64(p.Classes)/2)))
	return Bound{l, "planes at unit distances, float64, outward"}
}

func (p Prototypes) logitGap(w []*tensors.Tensor, in Size) (Bound, operator) {
	l := up(p.steepest(w, in) * up(math.Sqrt2))
	return Bound{l, "planes at unit distances, float64, outward"}, operator{}
}

// marginRounding bounds the float32 error of every difference of two logits. A fraction is off by
// at most e, so the choice of a prototype is worth 2·e and its logit is off by e.
func (p Prototypes) marginRounding(w []*tensors.Tensor, in Size, norm, off, bound float64) float64 {
	n, c := p.count(), norm+off
	matrix, bias, scale := flat(w[0]), flat(w[1]), flat(w[2])
	size := make([]float64, n) // of a score, at most
	for i, v := range matrix {
		size[i%n] += float64(v) * float64(v)
	}
	most := 0.0
	for i, s := range size {
		size[i] = math.Sqrt(s*(1+float64(in[0])*0x1p-52))*c + math.Abs(float64(bias[i]))
		most = max(most, size[i])
	}
	if !(most*2*math.Sqrt(float64(in[0])) <= largestSum/0x1p40) {
		return math.Inf(1)
	}
	terms := in[0] + 6 // of the score, then a difference, a product and a sum with 0
	e := 0.0
	for i := range size {
		for j := range size {
			v := math.Abs(float64(scale[i*n+j]))
			e = max(e, v*(gamma(terms)*(size[i]+size[j])+float64(terms)*tiny*(4+size[i]+size[j])))
		}
	}
	e = outward(e + float64(terms)*tiny*(1+c))
	logits := outward(bound*c + math.Sqrt(float64(p.Classes))*p.atZero(bias, scale))
	return outward(bound*math.Sqrt2*off + 6*e + 4*gamma(p.Classes+8)*logits)
}

// atZero bounds each logit of the input 0.
func (p Prototypes) atZero(bias, scale []float32) float64 {
	n, most := p.count(), 0.0
	for i, a := range bias {
		for j, b := range bias {
			most = max(most, math.Abs(float64(a)-float64(b))*math.Abs(float64(scale[i*n+j])))
		}
	}
	return outward(most)
}

func (p Prototypes) rounding(w []*tensors.Tensor, in Size, bound, norm float64) (roundoff, error) {
	e := p.marginRounding(w, in, norm, 0, bound)
	classes := math.Sqrt(float64(p.Classes))
	return roundoff{outward(classes * e), outward(classes * p.atZero(flat(w[1]), flat(w[2])))}, nil
}
