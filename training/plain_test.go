package training

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/plain"
)

func init() {
	plain.Architectures["tiny"] = func() []lip.Layer {
		return []lip.Layer{plain.Convolution{Kernel: 3, Channels: 4, Norm: true},
			plain.Block{Channels: 6, Stride: 2}, plain.GlobalMean{}}
	}
}

// plainly trains a plain network for 30 steps on the pure-Go backend, which compiles nothing.
func plainly(t *testing.T, architecture, method, dir string, watch func(*Model, int) error) (*Model,
	error) {
	t.Helper()
	on, err := device.PureGo()
	if err != nil {
		t.Fatal(err)
	}
	c := small()
	c.Architecture, c.Method, c.Epochs, c.Sigma, c.LearningRate = architecture, method, 3, 0.1, 0.02
	c.Draws, c.CheckpointEvery = 1, 10
	if m, _ := c.method(); m.Draws == 0 {
		c.Draws = 0
	} else if m.least == 2 {
		c.Draws = 2
	}
	side := 8
	if architecture == "lenet" {
		side = 16
	}
	trainSet, testSet := bars(t, side, 200)
	return Train(t.Context(), on, Job{Config: c, Train: trainSet, Test: testSet, Dir: dir,
		Watch: watch})
}

// Plain networks learn to tell the bars, with and without batch normalisation.
func TestPlainLearns(t *testing.T) {
	for _, c := range [][2]string{{"lenet", "gaussian"}, {"tiny", "gaussian"}, {"tiny", "consistency"},
		{"tiny", "smoothadv"}, {"tiny", "smoothmix"}} {
		got, err := plainly(t, c[0], c[1], t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Metrics.Accuracy < 0.9 {
			t.Errorf("%s, %s: accuracy %v", c[0], c[1], got.Metrics.Accuracy)
		}
	}
}

// Nothing is proved of a plain network, and nothing that needs Λ takes it.
func TestPlainUnproved(t *testing.T) {
	dir := t.TempDir()
	m, err := plainly(t, "tiny", "gaussian", dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(`"lambda"`)) || bytes.Contains(text, []byte(`"bound"`)) {
		t.Errorf("a bound in\n%s", text)
	}
	loaded, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Model{m, loaded} {
		id := m.Identity()
		if id.Lambda.Known() || id.PairMargins || id.Name != "tiny" || m.Lambda != (lip.Bound{}) {
			t.Errorf("%+v", id)
		}
		_, proving := m.Prove()
		_, rounding := m.MarginError(1)
		_, _, table := Bounds{Sigma: 0.5}.Table(m)
		for _, err := range []error{proving, rounding, table, m.Unproved()} {
			if none := (*Unproved)(nil); !errors.As(err, &none) || none.Architecture != "tiny" {
				t.Errorf("%v", err)
			}
		}
		if m.PairWeights() != nil || len(m.Metrics.Verified) > 0 || m.Metrics.AverageRadius != 0 ||
			!(m.Metrics.Slope > 0) {
			t.Errorf("%+v", m.Metrics)
		}
		if said := m.Summary(); !strings.Contains(said, "nothing is proved of architecture tiny") ||
			strings.Contains(said, "Inf") {
			t.Error(said)
		}
	}
	forged := bytes.Replace(text, []byte(`"metrics"`),
		[]byte(`"lambda": {"value": 1, "proof": "none"}, "metrics"`), 1)
	if err := os.WriteFile(filepath.Join(dir, "model.json"), forged, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = Load(dir)
	mustFail(t, err, "lambda is there, but nothing is proved of architecture tiny")
}

// A stopped training goes on with the running statistics, and ends with the same weights.
func TestPlainResumes(t *testing.T) {
	whole, err := plainly(t, "tiny", "smoothmix", t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err = plainly(t, "tiny", "smoothmix", dir, func(*Model, int) error {
		return errors.New("stopped")
	})
	mustFail(t, err, "stopped")
	again, err := plainly(t, "tiny", "smoothmix", dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash != whole.Hash {
		t.Errorf("hash %s, uninterrupted %s", again.Hash, whole.Hash)
	}
}

// The fields that a plain network doesn't have change nothing. Its loss is the cross-entropy of the
// logits.
func TestPlainConfig(t *testing.T) {
	c := Default()
	c.Architecture = "lenet"
	want := c.Complete()
	other := c
	other.Convolution, other.Width, other.Offset, other.Loss, other.Last = "bcop", 9, 3, "hkr", "aol"
	if got := other.Complete(); got != want || want.Temperature != 1 || want.Offset != 0 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	var none []string
	for _, f := range Fields {
		if !f.Takes(c) {
			none = append(none, f.Name)
		}
	}
	if slices.Sort(none); !slices.Equal(none, slices.Sorted(slices.Values(lipschitzOnly))) {
		t.Errorf("no use for %v, want %v", none, lipschitzOnly)
	}
	labels, z := [][]int32{{0}, {1}}, [][]float32{{1, 0}, {0.5, 0.2}}
	c = want
	c.Sigma = 0
	got, _ := objective(t, c, labels, z, z)
	if by := (math.Log1p(math.Exp(-1)) + math.Log1p(math.Exp(0.3))) / 2; math.Abs(got-by) > 1e-6 {
		t.Errorf("loss %v, want %v", got, by)
	}
}

// smoothmix against its formula. Of a linear classifier the end of the path is known: it lies along
// the difference of two rows.
func TestSmoothMix(t *testing.T) {
	c := Default()
	c.Architecture = "lenet"
	c.Method, c.Sigma, c.Draws, c.AttackRadius, c.Weight = "smoothmix", 1e-9, 2, 0.25, 3
	c = c.Complete()
	l, _ := c.loss()
	w := [][]float32{{1, 0}, {0.5, 0.1}, {0, 0.3}}
	x := []float32{0.5, 0.5, 0.5}
	for label, mixed := range map[int32]bool{0: true, 1: false} { // the classifier says 0
		out := MustExecOnceN(backend, func(x, y, rng, w *Node) []*Node {
			logits := linear(w)
			_, total := smoothMix(&step{Config: c, loss: l, images: x, labels: y, rng: rng,
				logits: logits, attacked: logits})
			after, _ := RandomNormal(rng, shapes.Make(dtypes.Float32, 2, 1, 3, 1))
			_, lambda := RandomUniform(after, shapes.Make(dtypes.Float32, 1, 1))
			return []*Node{total, lambda}
		}, tensors.FromFlatDataAndDimensions(x, 1, 1, 3, 1), [][]int32{{label}},
			state(1, "test", 1), w)
		lambda := float64(tensors.MustCopyFlatData[float32](out[1])[0]) / 2
		long, margin := 0.0, 0.0 // of class 0
		for _, row := range w {
			d := float64(row[0] - row[1])
			long += d * d
			margin += 0.5 * d
		}
		softmax := func(margin float64) float64 { return 1 / (1 + math.Exp(-margin)) }
		p := softmax(margin)
		q := softmax(margin - lambda*c.AttackRadius*math.Sqrt(long))
		soft := (1-lambda)*p + lambda/2
		want := -math.Log(p)
		if mixed {
			want += 3 * (soft*math.Log(soft/q) + (1-soft)*math.Log((1-soft)/(1-q)))
		} else {
			want = -math.Log(1 - p)
		}
		if got := scalar(out[0]); math.Abs(got-want) > 1e-5 || !(lambda > 0) {
			t.Errorf("label %d: loss %v, want %v", label, got, want)
		}
	}
}
