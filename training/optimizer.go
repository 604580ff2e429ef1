package training

import (
	"cmp"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// An Optimizer is an optimiser by name.
type Optimizer struct {
	Name, Doc string
	// new makes it for a store with the hyperparameters.
	new func(store *model.Store) optimizer.Interface
}

// Optimizers are all optimisers. The first is the default.
var Optimizers = []Optimizer{
	{"adam", "Adam (Kingma & Ba 2015)", func(store *model.Store) optimizer.Interface {
		return optimizer.Adam().FromScope(store.RootScope()).Done()
	}},
	{"muon", "steps along orthonormal matrices (after Jordan et al. 2024), and Adam at a fifth of " +
		"the rate for other weights; 0.03 is a good rate", func(store *model.Store) optimizer.Interface {
		kept := model.GetRootParamOr(store, lip.ParamStiefel, lip.Stiefel(nil))
		return steps{func(v *model.Variable, g *Graph, gradient, rate, step *Node) *Node {
			if kept[v.Path()] {
				return alongStiefel(v, g, gradient, rate)
			}
			return adamStep(v, g, gradient, MulScalar(rate, adamShare), step)
		}}
	}},
	{"sgd", "gradient descent with Nesterov's momentum of 0.9",
		func(*model.Store) optimizer.Interface { return steps{nesterov} }},
}

func optimizerNames() (names []string) {
	for _, o := range Optimizers {
		names = append(names, o.Name)
	}
	return names
}

// optimizer is the config's, for a store with the hyperparameters.
func (c Config) optimizer(store *model.Store) (optimizer.Interface, error) {
	o, err := named.Find("optimizer", cmp.Or(c.Optimizer, Optimizers[0].Name), Optimizers,
		func(o Optimizer) string { return o.Name })
	if err != nil {
		return nil, err
	}
	return o.new(store), nil
}

// steps is an optimiser that takes a step of each variable by itself: next returns its next value.
// The number of the step counts from 1.
type steps struct {
	next func(v *model.Variable, g *Graph, gradient, rate, step *Node) *Node
}

// moments is the scope of the optimisers' own variables.
const moments = "moments"

func (s steps) UpdateGraph(scope *model.Scope, g *Graph, loss *Node) {
	rate := optimizer.LearningRateVar(scope, dtypes.Float32,
		model.GetParamOr(scope, optimizer.ParamLearningRate, 0.0)).NodeValue(g)
	step := optimizer.IncrementGlobalStep(g, dtypes.Float32)
	var trained []*model.Variable
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			trained = append(trained, v)
		}
	}
	for i, gradient := range scope.BuildTrainableVariablesGradientsGraph(loss) {
		v := trained[i]
		v.SetNodeValue(s.next(v, g, gradient, rate, step))
	}
}

func (steps) Clear(scope *model.Scope) error {
	return scope.Store().Scope("/" + moments).DeleteVariablesInScope()
}

// moment adds x to decay times the sum of what came before, and returns the new sum.
func moment(v *model.Variable, g *Graph, name string, decay float64, x *Node) *Node {
	sum := model.GetStore(g).Scope("/"+moments+v.Scope()).WithInitializer(initializer.Zero).
		VariableWithShape(v.Name()+" "+name, v.Shape()).SetTrainable(false)
	next := Add(MulScalar(sum.NodeValue(g), decay), x)
	sum.SetNodeValue(next)
	return next
}

// momentum is the decay of the gradients' sum.
const momentum = 0.9

// nesterov is gradient descent with Nesterov's momentum. GoMLX's has no momentum.
func nesterov(v *model.Variable, g *Graph, gradient, rate, _ *Node) *Node {
	sum := moment(v, g, "sum", momentum, gradient)
	return Sub(v.NodeValue(g), Mul(rate, Add(gradient, MulScalar(sum, momentum))))
}

// adamShare is Adam's learning rate over that of the orthonormal variables.
const adamShare = 0.2

// adamStep is Adam for the variables of which nothing is orthonormal.
func adamStep(v *model.Variable, g *Graph, gradient, rate, step *Node) *Node {
	mean := func(name string, decay float64, x *Node) *Node {
		sum := MulScalar(moment(v, g, name, decay, x), 1-decay)
		return Div(sum, OneMinus(Exp(MulScalar(step, math.Log(decay)))))
	}
	first, second := mean("first", 0.9, gradient), mean("second", 0.999, Square(gradient))
	return Sub(v.NodeValue(g), Mul(rate, Div(first, AddScalar(Sqrt(second), 1e-8))))
}

// muonRate is the largest learning rate from which one polynomial leads back to orthonormal
// matrices.
const muonRate = 0.25

// alongStiefel takes a step among the matrices with orthonormal columns (or rows). The singular
// values of the step are about the learning rate. The step is the mean of the gradients, made
// tangent, with singular values of about 1 (Muon: Jordan et al. 2024), times that rate. Then an odd
// polynomial takes the singular values of the sum, which are near 1, back to 1.
func alongStiefel(v *model.Variable, g *Graph, gradient, rate *Node) *Node {
	at, sum := v.NodeValue(g), moment(v, g, "sum", momentum, gradient)
	u := Add(gradient, MulScalar(sum, momentum))
	d := v.Shape().Dimensions
	turn := func(x *Node) *Node {
		if d[len(d)-2] < d[len(d)-1] {
			return Transpose(x, -2, -1)
		}
		return x
	}
	at, u = turn(at), turn(u)
	product := MatMul(Transpose(at, -2, -1), u)
	tangent := Sub(u, MatMul(at, MulScalar(Add(product, Transpose(product, -2, -1)), 0.5)))
	square := func(x *Node) *Node { return ReduceAndKeep(Square(x), ReduceSum, -2, -1) }
	rounding := LessThan(square(tangent), MulScalar(square(u), 1e-8)) // nothing else is left
	tangent = Where(BroadcastToShape(rounding, u.Shape()), ZerosLike(u), tangent)
	return turn(lip.NearOrthonormal(Sub(at, Mul(rate, lip.NearPolar(tangent)))))
}
