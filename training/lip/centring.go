package lip

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Centring is batch normalisation without the scale. It subtracts each channel's mean and adds a
// bias. While training, the mean is the batch's. Afterwards it is the running mean, a constant, and
// Centring is an isometry.
type Centring struct{}

// runningShare is how much of the running mean each batch makes up.
const runningShare = 0.1

func (Centring) String() string            { return "batch centring" }
func (Centring) Out(in Size) (Size, error) { return in, nil }

// Weights are the bias less the running mean, [c].
func (Centring) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	c := in[len(in)-1]
	mean := runningMean(scope, c)
	return []*Node{Sub(variable(scope, g, "b", 0, c), mean.NodeValue(g))}
}

func runningMean(scope *model.Scope, channels int) *model.Variable {
	return kept(scope, "mean", 0, channels).SetTrainable(false)
}

func (Centring) Apply(x *Node, w []*Node) *Node { return addBias(x, w[0]) }

// Train is Apply with the batch's mean, [batch, in…] to [batch, out…]. It updates the running mean.
func (Centring) Train(scope *model.Scope, x *Node, _ []*Node) *Node {
	g, c := x.Graph(), x.Shape().Dim(-1)
	mean := ReduceMean(Reshape(x, -1, c), 0)
	running := runningMean(scope, c)
	step := MulScalar(Sub(StopGradient(mean), running.NodeValue(g)), runningShare)
	running.SetNodeValue(Add(running.NodeValue(g), step))
	return addBias(x, Sub(variable(scope, g, "b", 0, c), mean))
}

func (Centring) Bound([]*tensors.Tensor, Size) Bound { return Isometry() }

func (Centring) operator(_ []*tensors.Tensor, in Size) (operator, bool) {
	return Flat{}.operator(nil, in)
}

func (Centring) rounding(w []*tensors.Tensor, in Size, _, norm float64) (roundoff, error) {
	return addition(w[0], in, norm), nil
}

// addBias adds a bias to the last axes of x.
func addBias(x, bias *Node) *Node { return Add(x, ExpandLeftToRank(bias, x.Rank())) }

// addition is the roundoff of a bias that is added to a value of this size and norm.
func addition(bias *tensors.Tensor, in Size, norm float64) roundoff {
	zero := vectorNorm(flat(bias), in.Entries()/bias.Shape().Size())
	if !(norm+zero <= largestSum) {
		return roundoff{math.Inf(1), zero}
	}
	return roundoff{outward(u32*(norm+zero) + tiny*math.Sqrt(float64(in.Entries()))), zero}
}
