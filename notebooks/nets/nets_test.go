package nets

import (
	"fmt"
	"math"
	"testing"

	"github.com/lipsmooth/lipsmooth/notebooks/lab"
	"github.com/lipsmooth/lipsmooth/notebooks/show"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/attack"
)

// TestNets trains and samples a run of the smallest size. Then it attacks its network, and watches
// the training of another.
func TestNets(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: trains nothing")
	}
	t.Chdir(t.TempDir())
	p := lab.Preset{Name: "tiny", Epochs: 1, Images: 2560, Width: 2, Tested: 4, Tuning: 2, N0: 20,
		N: 100, Attacked: 2, Steps: 2, Samples: 4}
	dir := p.Folder("test")
	p.Train(dir+"/model", "--data=mnist", "--sigma=0.25")
	p.Sample(dir+"/model", dir, "--sigma=0.25")
	run := lab.Run(dir, 0.001)
	m := lab.Must(training.Load(dir + "/model"))
	for _, a := range Adversarials(p, Victims{run, m, lab.MNIST(), "margin", 0.001, 2}) {
		if norm := attack.Norms(a.Toward, make([]float32, len(a.Toward)),
			len(a.Toward))[0]; a.As != "" && math.Abs(norm-a.Attack) > 1e-4*norm {
			t.Errorf("a perturbation of norm %g for an attack at %g", norm, a.Attack)
		}
	}
	if n := len(Draws(run, m, lab.MNIST(), 0, 3)); n != 3 {
		t.Errorf("%d noisy images, want 3", n)
	}
	if n := len(Layers(m)); n < 3 {
		t.Errorf("%d layers", n)
	}

	shown := 0
	seen := Watch(p, dir+"/watched", func(c *training.Config) {
		Noiseless(c)
		c.Architecture = "dense"
	}, func(Snapshot) { shown++ })
	if last := seen[len(seen)-1]; len(seen) < 2 || last.Step != 20 || len(last.Rows) != 1000 ||
		!(last.Median() > 0) {
		t.Errorf("%d snapshots, the last of step %d, %d rows, median radius %g", len(seen),
			last.Step, len(last.Rows), last.Median())
	}
	if f, err := seen[0].Margins(); err != nil || f.Plot.X.Max < 3 || shown != len(seen) {
		t.Errorf("%d of %d shown, %v", shown, len(seen), err)
	}
}

func TestAdversarial(t *testing.T) {
	a := Adversarial{Image: show.Image{Pixels: []float32{0.5, 0}, Height: 1, Width: 2, Channels: 1,
		Class: "3", Radius: 1, Attack: 2}, Toward: []float32{0, 2}, As: "8"}
	for distance, want := range map[float64]string{0.5: "3 certified [0.5 0.5]",
		1.5: "3 in the gap [0.5 1.5]", 2: "8 fooled at 2.00 [0.5 2]",
		-1: "8 fooled at 2.00 [0.5 2]"} {
		m := Moved([]Adversarial{a}, distance)[0]
		if got := fmt.Sprint(m.Class, " ", m.Note, " ", m.Pixels); got != want {
			t.Errorf("at %g: %s, want %s", distance, got, want)
		}
	}
	if m := Certificates([]Adversarial{a})[0]; m.Radius != 1 || m.Attack != 0 {
		t.Errorf("certified %g, attacked at %g", m.Radius, m.Attack)
	}
	never := Adversarial{Image: show.Image{Pixels: []float32{1}, Radius: 1, Attack: math.Inf(1)},
		Toward: []float32{0}}
	if m := never.At(1e9); m.Note != "in the gap" || m.Pixels[0] != 1 {
		t.Errorf("%+v", m)
	}
}

func TestAttacked(t *testing.T) {
	s := &certify.Run{Tau: 0.5}
	s.Sigma = 0.25
	for method, want := range map[string]attack.Smoothing{"mono": {Sigma: 0.25},
		"lipschitz": {Sigma: 0.25, Tau: 0.5}, "paper": {Sigma: 0.25, Tau: 0.5}, "margin": {}} {
		if got := attacked(s, method); got != want {
			t.Errorf("%s: %+v, want %+v", method, got, want)
		}
	}
}

func TestMedian(t *testing.T) {
	if got := median([]float64{3, 1, 2, 10}); got != 2.5 {
		t.Errorf("median %g, want 2.5", got)
	}
}
