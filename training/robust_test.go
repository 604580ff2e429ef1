package training

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/loss"
	"gonum.org/v1/gonum/stat/distuv"
)

// The estimate of Φ⁻¹ and its gradient, 1/φ(Φ⁻¹(p)), against gonum's.
func TestQuantile(t *testing.T) {
	var p []float32
	for _, q := range []float64{1e-6, 1e-4, 0.001, 0.01, 0.02, 0.2, 0.4, 0.499, 0.5, 0.7, 0.9,
		0.999, 0.9999} {
		p = append(p, float32(q))
	}
	out := MustExecOnceN(backend, func(p *Node) []*Node {
		x := quantile(p)
		return []*Node{x, Gradient(ReduceAllSum(x), p)[0]}
	}, p)
	normal := distuv.UnitNormal
	x, slope := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
	for i, q := range p {
		want := normal.Quantile(float64(q))
		if math.Abs(float64(x[i])-want) > 2e-5*(1+math.Abs(want)) {
			t.Errorf("Φ⁻¹(%v) = %v, want %v", q, x[i], want)
		}
		if steep := 1 / normal.Prob(want); math.Abs(float64(slope[i])/steep-1) > 1e-3 {
			t.Errorf("its derivative at %v is %v, want %v", q, slope[i], steep)
		}
	}
}

// objective returns the loss of a method whose network gives these logits: of the batch without
// noise, and of every draw of it.
func objective(t *testing.T, c Config, labels [][]int32, clean, noisy [][]float32) (loss float64,
	logits []float32) {
	t.Helper()
	c = c.Complete()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	m, _ := c.method()
	l, _ := c.loss()
	out := MustExecOnceN(backend, func(x, y, rng, clean, noisy *Node) []*Node {
		logits := func(images *Node) *Node {
			if images.Shape().Dimensions[0] == x.Shape().Dimensions[0] {
				return clean
			}
			return noisy
		}
		z, total := m.objective(&step{Config: c, loss: l, images: x, labels: y, rng: rng,
			logits: logits, attacked: logits})
		return []*Node{total, z}
	}, tensors.FromFlatDataAndDimensions(make([]float32, len(labels)), len(labels), 1, 1, 1),
		labels, state(1, "test", 1), clean, noisy)
	return scalar(out[0]), tensors.MustCopyFlatData[float32](out[1])
}

// Each method's loss against its paper's formula in float64, two images and two draws.
func TestMethodsByHand(t *testing.T) {
	labels := [][]int32{{0}, {1}}
	clean := [][]float32{{1, 0}, {0.5, 0.2}}
	noisy := [][]float32{{1.5, 0}, {0.5, 0.2}, {0.4, 0.1},
		{-0.5, 1}} // of the first draw, then of the second
	c := Default()
	c.Sigma, c.Offset, c.Temperature, c.Draws = 0.5, 0, 0.5, 2
	softmax := func(z []float32) []float64 {
		a, b := math.Exp(float64(z[0])/gap/0.5), math.Exp(float64(z[1])/gap/0.5)
		return []float64{a / (a + b), b / (a + b)}
	}
	cross := func(p, q []float64) float64 { return -p[0]*math.Log(q[0]) - p[1]*math.Log(q[1]) }
	// Means over the batch and the draws.
	var entropyOfClean, ofDraws, stable, divergence, entropy, short float64
	for i, y := range []int{0, 1} {
		p := softmax(clean[i])
		entropyOfClean -= math.Log(p[y]) / 2
		draws := [][]float64{softmax(noisy[i]), softmax(noisy[2+i])}
		mean := []float64{(draws[0][0] + draws[1][0]) / 2, (draws[0][1] + draws[1][1]) / 2}
		for _, q := range draws {
			ofDraws -= math.Log(q[y]) / 4
			stable += cross(p, q) / 4
			divergence += (cross(mean, q) - cross(mean, mean)) / 4
		}
		entropy += cross(mean, mean) / 2
		if x := 2 * distuv.UnitNormal.Quantile(mean[y]); x > 0 { // of two classes
			short += max(0, 8-x) / 2
		}
	}
	for name, want := range map[string]float64{
		"stability":   entropyOfClean + 3*stable,
		"consistency": ofDraws + 3*divergence + 0.5*entropy,
		"macer":       ofDraws + 3*0.25*short,
	} {
		c.Method, c.Weight = name, 3
		got, z := objective(t, c, labels, clean, noisy)
		if math.Abs(got-want) > 1e-5*want {
			t.Errorf("%s: loss %v, want %v", name, got, want)
		}
		shown := []float32{0.95, 0.05, 0, 0.6} // means over the draws
		if name == "stability" {
			shown = []float32{1, 0, 0.5, 0.2}
		}
		for i, v := range shown {
			if math.Abs(float64(z[i]-v)) > 1e-6 {
				t.Errorf("%s: logits %v, want %v", name, z, shown)
			}
		}
	}
	// Where the mean is wrong, macer adds nothing; where it is sure, nothing either, and nothing
	// that isn't finite.
	c.Method = "macer"
	for _, z := range [][]float32{{-1, 1}, {500, -500}} {
		with, _ := objective(t, c, labels[:1], [][]float32{z}, [][]float32{z, z})
		c.Weight = 1e-12
		without, _ := objective(t, c, labels[:1], [][]float32{z}, [][]float32{z, z})
		c.Weight = 3
		if math.Abs(with-without) > 1e-5*(1+without) {
			t.Errorf("macer of logits %v: %v, without its term %v", z, with, without)
		}
	}
}

// linear is the classifier x·w of images of three entries.
func linear(w *Node) func(images *Node) *Node {
	return func(images *Node) *Node { return Einsum("ni,ik->nk", Reshape(images, -1, 3), w) }
}

// Against a linear classifier the attack is known: along the difference of two rows, by the whole
// radius. The gradient by the weights takes the moved image for a constant.
func TestSmoothAdv(t *testing.T) {
	c := Default()
	c.Method, c.Sigma, c.Draws, c.AttackRadius, c.Offset, c.Temperature = "smoothadv", 1e-9, 2,
		0.25, 0, 0.5
	l, _ := c.loss()
	x, w := []float32{0.5, 0.5, 0.5}, [][]float32{{1, 0}, {0.5, 0.1}, {0, 0.3}}
	out := MustExecOnceN(backend, func(x, y, rng, w *Node) []*Node {
		logits := linear(w)
		_, total := smoothAdv(&step{Config: c, loss: l, images: x, labels: y, rng: rng,
			logits: logits, attacked: logits})
		return []*Node{total, Gradient(total, w)[0]}
	}, tensors.FromFlatDataAndDimensions(x, 1, 1, 3, 1), [][]int32{{0}}, state(1, "test", 1), w)
	long, margin := 0.0, 0.0
	for _, row := range w {
		d := float64(row[0] - row[1])
		long += d * d
		margin += 0.5 * d
	}
	long = math.Sqrt(long)
	scale := gap * c.Temperature
	want := math.Log1p(math.Exp(-(margin - c.AttackRadius*long) / scale))
	if got := scalar(out[0]); math.Abs(got-want) > 1e-5 {
		t.Errorf("loss %v, want %v", got, want)
	}
	for i, g := range tensors.MustCopyFlatData[float32](out[1]) {
		moved := 0.5 - c.AttackRadius*float64(w[i/2][0]-w[i/2][1])/long
		slope := -(1 - math.Exp(-want)) * moved / scale
		if i%2 == 1 {
			slope = -slope
		}
		if math.Abs(float64(g)-slope) > 1e-5 {
			t.Errorf("gradient %d: %v, want %v", i, g, slope)
		}
	}
	// Images stay images: there is no room below 0 and above 1.
	c.AttackRadius = 100
	out = MustExecOnceN(backend, func(x, y, rng, w *Node) []*Node {
		logits := linear(w)
		z, _ := smoothAdv(&step{Config: c, loss: l, images: x, labels: y, rng: rng,
			logits: logits, attacked: logits})
		return []*Node{z}
	}, tensors.FromFlatDataAndDimensions(x, 1, 1, 3, 1), [][]int32{{0}}, state(1, "test", 1), w)
	if z := tensors.MustCopyFlatData[float32](out[0]); math.Abs(float64(z[0])) > 1e-6 ||
		math.Abs(float64(z[1])-0.3) > 1e-6 {
		t.Errorf("logits %v of the image moved to a corner, (0, 0, 1), want 0 and 0.3", z)
	}
}

// Every method learns to tell the bars, with every loss.
func TestMethodsLearn(t *testing.T) {
	backend, err := device.PureGo() // compiles nothing
	if err != nil {
		t.Fatal(err)
	}
	trainSet, testSet := bars(t, 4, 200)
	for _, m := range Methods {
		for _, e := range loss.Losses {
			c := small()
			c.Method, c.Loss, c.Draws, c.Sigma, c.LearningRate = m.Name, e.Name, min(m.Draws, 4),
				0.1, 0.05
			got, err := Train(t.Context(), backend,
				Job{Config: c, Train: trainSet, Test: testSet, Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if got.Metrics.Accuracy < 0.9 {
				t.Errorf("%s, %s: accuracy %v", m.Name, e.Name, got.Metrics.Accuracy)
			}
		}
	}
}
