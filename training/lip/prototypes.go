package lip

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Prototypes gives the logits from Each prototypes a class. The score of a prototype w is
// x·w + b with b = -‖w‖²/2. That is -‖x - w‖²/2, but for a term that all scores share. So the layer
// is a classifier by nearest prototypes with a certificate of its own (Voráček & Hein,
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
	gram := DotGeneral(w, []int{0}, nil, w, []int{0}, nil)
	gram = MulScalar(Add(gram, Transpose(gram, 0, 1)), 0.5) // the same for (i, j) and (j, i)
	square := ReduceSum(Square(w), 0)
	b := MulScalar(square, -0.5)
	square = Sub(Add(ExpandAxes(square, 0), ExpandAxes(square, 1)), MulScalar(gram, 2))
	class := DivScalar(Iota(g, f32(n, 1), 0), float64(p.Each))
	same := Equal(Floor(class), Transpose(Floor(class), 0, 1))
	one := BroadcastToDims(ScalarOne(g, w.DType()), n, n)
	inverse := reciprocalRoot(MulScalar(MaxScalar(Where(same, one, square), 1e-6), 2))
	return []*Node{w, b, Where(same, ZerosLike(inverse), inverse)}
}

// PrototypeMatrix names the variable w of Prototypes.
const PrototypeMatrix = "w"

// Apply searches each class's best prototype without a gradient. The nearest plane of that one
// gives the logit.
func (p Prototypes) Apply(x *Node, w []*Node) *Node {
	f := p.fractions(Add(DotProduct(x, w[0]), ExpandAxes(w[1], 0)), w[2])
	fixed := p.fractions(StopGradient(f.scores), StopGradient(w[2]))
	return ReduceMin(f.ofPrototypes(fixed.best()), -1)
}

// fractions are those of an image's prototypes: s_i - s_j over √2·‖w_i - w_j‖.
type fractions struct {
	scores *Node // [batch, classes, each]
	scale  *Node // [prototypes, prototypes]
	far    *Node // large where a prototype is of the class, [1, classes, classes, each]
	number *Node // of each prototype, [batch, classes, each]
	none   *Node // less than any fraction, [batch, classes, each]
}

func (p Prototypes) fractions(scores, scale *Node) fractions {
	g, of := scores.Graph(), f32(1, p.Classes, p.Classes, p.Each)
	number := Reshape(Iota(g, shapes.Make(dtypes.Int32, p.count()), 0), 1, p.Classes, p.Each)
	same := ConvertDType(Equal(Iota(g, of, 1), Iota(g, of, 2)), scores.DType())
	scores = Reshape(scores, -1, p.Classes, p.Each)
	return fractions{
		scores, scale, MulScalar(same, 1e30),
		BroadcastToDims(number, scores.Shape().Dimensions...), MulScalar(OnesLike(scores), -1e30),
	}
}

// ofPrototypes are the fractions of a prototype of each class, of which the numbers are [batch,
// classes], or the far term: [batch, classes, prototypes].
func (f fractions) ofPrototypes(which *Node) *Node {
	at := ConvertDType(Equal(f.number, ExpandAxes(which, 2)), f.scores.DType())
	own := Einsum("bki,bki->bk", f.scores, at)
	all := f.of(which, ExpandAxes(own, 2, 3), ExpandAxes(f.scores, 1))
	d := all.Shape().Dimensions
	return Reshape(all, d[0], d[1], -1)
}

// of is ofPrototypes as [batch, classes, classes, each]. The scores of the prototypes are own, and
// those of the others all.
func (f fractions) of(which, own, all *Node) *Node {
	d := f.scores.Shape().Dimensions
	rows := Reshape(Gather(f.scale, Reshape(which, -1, 1)), d[0], d[1], d[1], d[2])
	return Add(Mul(Sub(own, all), rows), f.far)
}

// best returns the number of the prototype of each class whose smallest fraction is the largest,
// [batch, classes]. It doesn't look at all fractions. The fraction of a prototype to the nearest
// prototype of another class bounds its smallest one. The search takes a class's prototypes in the
// order of these bounds, until no bound is above what it has.
func (f fractions) best() *Node {
	top, highest := f.most(f.scores), ReduceMax(f.scores, 2)
	// The fraction (i, j) is the negative of (j, i).
	bound := f.of(top, ExpandAxes(highest, 2, 3), ExpandAxes(f.scores, 1))
	bound = ReduceMin(Sub(f.far, Sub(bound, f.far)), 1)
	state := []*Node{f.scores, f.scale, f.far, f.number, f.none, bound, ReduceMax(f.none, 2), top}
	closure := func(graph func(f fractions, bound, found, best *Node) []*Node) *Function {
		return NewClosure(top.Graph(), func(g *Graph) []*Node {
			var in []*Node
			for i, x := range state {
				in = append(in, Parameter(g, fmt.Sprintf("state %d", i), x.Shape()))
			}
			return graph(fractions{in[0], in[1], in[2], in[3], in[4]}, in[5], in[6], in[7])
		})
	}
	more := closure(func(_ fractions, bound, found, _ *Node) []*Node {
		return []*Node{fold(Reshape(GreaterThan(fold(bound, Max), found), -1), LogicalOr)}
	})
	next := closure(func(f fractions, bound, found, best *Node) []*Node {
		try := f.most(bound)
		value := fold(f.ofPrototypes(try), Min)
		bound = Where(Equal(f.number, ExpandAxes(try, 2)), f.none, bound)
		better := GreaterThan(value, found)
		return []*Node{f.scores, f.scale, f.far, f.number, f.none, bound,
			Where(better, value, found), Where(better, try, best)}
	})
	return While(more, next, state...)[7]
}

// most returns the number of the prototype of each class with the largest of values, [batch,
// classes, each]. Where these are NaN, it is the class's first.
func (f fractions) most(values *Node) *Node {
	largest := Equal(values, ExpandAxes(fold(values, Max), 2))
	first := Squeeze(SliceAxis(f.number, 2, AxisRange(0, 1)), 2)
	return Max(first, fold(Where(largest, f.number, Neg(f.number)), Max))
}

// fold combines the entries of the last axis, which it drops, in pairs. The function f is Max, Min
// or LogicalOr. GoMLX has no reductions by XLA in a closure.
func fold(x *Node, f func(a, b *Node) *Node) *Node {
	for n := x.Shape().Dim(-1); n > 1; n = (n + 1) / 2 {
		x = f(SliceAxis(x, -1, AxisRange(0, (n+1)/2)), SliceAxis(x, -1, AxisRange(n/2, n)))
	}
	return Squeeze(x, -1)
}

// candidates is how many prototypes of a class Train looks at, the nearest ones.
const candidates = 3

// Train searches among the nearest prototypes of each class alone. Without a gradient, it takes
// the best candidate of a class and the nearest plane between that one and other candidates. The
// gradient reaches the two prototypes of that plane, so a step costs little more than the scores.
func (p Prototypes) Train(_ *model.Scope, x *Node, w []*Node) *Node {
	vectors := Transpose(w[0], 0, 1)
	rows := func(x, index *Node) *Node { // those rows of x, in the shape of index
		d := index.Shape().Dimensions
		return Reshape(Gather(x, Reshape(index, -1, 1)), append(slices.Clone(d),
			x.Shape().Dimensions[1:]...)...)
	}
	own, other := p.nearest(StopGradient(x), StopGradient(w[0]), StopGradient(w[1]))
	difference := Sub(rows(vectors, own), rows(vectors, other))
	value := Add(Einsum("bd,bkd->bk", x, difference), Sub(rows(w[1], own), rows(w[1], other)))
	length := ReduceSum(Square(difference), -1)
	return Mul(value, reciprocalRoot(MulScalar(MaxScalar(length, 1e-6), 2)))
}

// nearest returns the numbers of two prototypes of each class's plane: the class's own and the
// other one, [batch, classes] both.
func (p Prototypes) nearest(x, w, b *Node) (own, other *Node) {
	g, batch := x.Graph(), x.Shape().Dim(0)
	left := Reshape(Add(DotProduct(x, w), ExpandAxes(b, 0)), batch, p.Classes, p.Each)
	var chosen, scores []*Node // [batch, classes] each
	for range min(candidates, p.Each) {
		best := ArgMax(left, -1)
		at := OneHot(best, p.Each, left.DType())
		chosen = append(chosen, best)
		scores = append(scores, ReduceMax(left, -1))
		left = Sub(left, MulScalar(at, 1e30))
	}
	each := len(chosen)
	n := p.Classes * each
	number := Add(Stack(chosen, 2), MulScalar(Iota(g, shapes.Make(chosen[0].DType(), 1, p.Classes,
		1), 1), p.Each))
	number = Reshape(number, batch, n) // candidate c of class k at k·each + c
	score := Reshape(Stack(scores, 2), batch, n)
	v := Reshape(Gather(Transpose(w, 0, 1), Reshape(number, batch*n, 1)), batch, n, -1)
	norms := ReduceSum(Square(v), -1)
	squares := Sub(Add(ExpandAxes(norms, 2), ExpandAxes(norms, 1)),
		MulScalar(Einsum("bid,bjd->bij", v, v), 2))
	planes := Mul(Sub(ExpandAxes(score, 2), ExpandAxes(score, 1)),
		reciprocalRoot(MaxScalar(squares, 1e-6)))
	class := func(axis int) *Node {
		return Floor(DivScalar(Iota(g, f32(1, n, n), axis), float64(each)))
	}
	same := BroadcastToShape(Equal(class(1), class(2)), planes.Shape())
	planes = Where(same, MulScalar(OnesLike(planes), 1e30), planes)
	rival := ArgMin(planes, -1) // of each candidate, [batch, n]
	best := ArgMax(Reshape(ReduceMin(planes, -1), batch, p.Classes, each), -1)
	take := func(from *Node) *Node { // the entry at best, [batch, classes]
		from = Reshape(from, batch, p.Classes, each)
		at := OneHot(best, each, dtypes.Float32)
		return ConvertDType(ReduceSum(Mul(ConvertDType(from, dtypes.Float32), at), -1), dtypes.Int32)
	}
	at := OneHot(take(rival), n, dtypes.Float32)
	other = Einsum("bn,bkn->bk", ConvertDType(number, dtypes.Float32), at)
	return take(number), ConvertDType(other, dtypes.Int32)
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
			skew := math.Abs(float64(scale[i*n+j]) - float64(scale[j*n+i])) // the search takes either
			e = max(e, v*(gamma(terms)*(size[i]+size[j])+float64(terms)*tiny*(4+size[i]+size[j]))+
				skew*(size[i]+size[j]))
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
