package training

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"gonum.org/v1/gonum/mat"
)

// minimised are the values of w after each of four steps at rate 0.1 from (1, -2) towards the
// least of (w₁² + 3·w₂²)/2.
func minimised(t *testing.T, by func(store *model.Store) optimizer.Interface) (path [][]float32) {
	t.Helper()
	backend, err := device.PureGo()
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	store.SetParam(optimizer.ParamLearningRate, 0.1)
	o := by(store)
	step, err := model.NewExec(backend, store, func(scope *model.Scope, x *Node) *Node {
		w := scope.VariableWithValue("w", []float32{1, -2}).NodeValue(x.Graph())
		loss := MulScalar(ReduceAllSum(Mul(x, Square(w))), 0.5)
		o.UpdateGraph(scope, x.Graph(), loss)
		return loss
	})
	if err != nil {
		t.Fatal(err)
	}
	defer step.Finalize()
	for range 4 {
		if _, err := step.Call([]float32{1, 3}); err != nil {
			t.Fatal(err)
		}
		path = append(path, tensors.MustCopyFlatData[float32](store.GetVariable("/w").MustValue()))
	}
	return path
}

// TestNesterov: the steps are those of the rule, in float64.
func TestNesterov(t *testing.T) {
	w, sum := []float64{1, -2}, []float64{0, 0}
	for k, got := range minimised(t, func(*model.Store) optimizer.Interface {
		return steps{nesterov}
	}) {
		for i, curve := range []float64{1, 3} {
			gradient := curve * w[i]
			sum[i] = 0.9*sum[i] + gradient
			w[i] -= 0.1 * (gradient + 0.9*sum[i])
			if !(math.Abs(w[i]-float64(got[i])) < 1e-6) {
				t.Errorf("step %d: w is %v, want %v", k+1, got, w)
			}
		}
	}
}

// TestAdamStep: muon's Adam is GoMLX's.
func TestAdamStep(t *testing.T) {
	want := minimised(t, func(store *model.Store) optimizer.Interface {
		return optimizer.Adam().FromScope(store.RootScope()).Done()
	})
	for k, got := range minimised(t, func(*model.Store) optimizer.Interface {
		return steps{adamStep}
	}) {
		for i := range got {
			if !(math.Abs(float64(got[i]-want[k][i])) < 1e-5) {
				t.Errorf("step %d: %v, want %v", k+1, got, want[k])
			}
		}
	}
}

// TestMuonKeepsOrthonormal: the variables of orthogonal layers start orthonormal, move, and stay
// orthonormal.
func TestMuonKeepsOrthonormal(t *testing.T) {
	rate := 0.1
	after := func(epochs int, kind string) *model.Store {
		return trainedStore(t, func(c *Config) {
			c.Architecture, c.Convolution, c.Optimizer, c.LearningRate = "lipnext", kind, "muon", rate
			c.Epochs = epochs
		})
	}
	for _, kind := range []string{"bcop", "rko", "rko at the largest rate"} {
		if name, _, largest := strings.Cut(kind, " "); largest {
			kind, rate = name, muonRate
		}
		first, last := after(1, kind), after(20, kind)
		kept := model.GetRootParamOr(last, lip.ParamStiefel, lip.Stiefel(nil))
		if len(kept) < 4 {
			t.Errorf("%s: the orthonormal variables are only %v", kind, kept)
		}
		for path := range kept {
			value := last.GetVariable(path).MustValue()
			d := value.Shape().Dimensions
			rows, columns := d[len(d)-2], d[len(d)-1]
			now := tensors.MustCopyFlatData[float32](value)
			before := tensors.MustCopyFlatData[float32](first.GetVariable(path).MustValue())
			moved := 0.0
			for i := range now {
				moved = max(moved, math.Abs(float64(now[i]-before[i])))
			}
			if moved < 0.01 {
				t.Errorf("%s moves by at most %g in 19 steps", path, moved)
			}
			for k := 0; k < len(now); k += rows * columns {
				m := mat.NewDense(rows, columns, nil)
				for i := range rows * columns {
					m.Set(i/columns, i%columns, float64(now[k+i]))
				}
				var svd mat.SVD
				svd.Factorize(m, mat.SVDNone)
				for _, s := range svd.Values(nil) {
					if !(math.Abs(s-1) < 1e-4) {
						t.Errorf("%s: %s, %d, has the singular value %v", kind, path, d, s)
					}
				}
			}
		}
	}
}

// TestMuonResumes: a training by muon that was stopped while it measured ends with the same
// weights.
func TestMuonResumes(t *testing.T) {
	c := small()
	c.Convolution, c.Optimizer, c.LearningRate = "bcop", "muon", 0.1
	want := mustLearn(t, c, 4, t.TempDir())
	dir := t.TempDir()
	for _, at := range []int{24, 30} { // within the training, and after its last step
		_, err := learn(&stops{t.Context(), at}, t, c, 4, dir)
		mustFail(t, err, "training: stopped")
	}
	if got := mustLearn(t, c, 4, dir); got.Hash != want.Hash {
		t.Errorf("hash %s, uninterrupted %s", got.Hash, want.Hash)
	}
}
