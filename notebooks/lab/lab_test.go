package lab

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/notebooks/show"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/attack"
)

func panics(t *testing.T, with string, f func()) {
	t.Helper()
	defer func() {
		if r := recover(); !strings.Contains(fmt.Sprint(r), with) {
			t.Errorf("panic %v, want one with %q", r, with)
		}
	}()
	f()
}

func TestPanics(t *testing.T) {
	panics(t, "no such thing", func() { Must(1, errors.New("no such thing")) })
	panics(t, "claim fails: 2 is above 1", func() { Check(false, "%d is above 1", 2) })
	panics(t, "lipsmooth certify: ", func() { Lipsmooth("certify", t.TempDir()) })
	panics(t, "run.json", func() { Run(t.TempDir(), 0.001) })
	if Must(3, nil) != 3 {
		t.Error("Must changes its value")
	}
}

// TestRun trains, samples and reads a run of the smallest size. Then it does everything that a
// notebook shows of a run.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: trains nothing")
	}
	t.Chdir(t.TempDir())
	p := Preset{Name: "tiny", Epochs: 1, Images: 2560, Width: 2, Tested: 4, Tuning: 2, N0: 20,
		N: 100, Attacked: 2, Steps: 2, Samples: 4}
	dir := p.Folder("test")
	if dir != "runs/test-tiny" {
		t.Errorf("folder %s", dir)
	}
	p.Train(dir+"/model", "--data=mnist", "--sigma=0.25")
	p.Sample(dir+"/model", dir, "--sigma=0.25")
	run, mnist := Run(dir, 0.001), MNIST()
	if len(run.Rows) != 4 || run.Run.N != 100 || run.Run.Sigma != 0.25 || run.Tau < 0 {
		t.Errorf("%d rows of n = %d, σ = %g, τ = %g", len(run.Rows), run.Run.N, run.Run.Sigma,
			run.Tau)
	}
	if err := os.Rename(dir+"/tuning", dir+"/away"); err != nil {
		t.Fatal(err)
	}
	panics(t, "no tuning images", func() { Run(dir, 0.001) })
	p.Sample(dir+"/model", dir+"/tuning", "--sigma=0.25", "--tuning=0")
	// on the images to certify
	panics(t, "a temperature chosen on it isn't sound", func() { Run(dir, 0.001) })
	if err := errors.Join(os.RemoveAll(dir+"/tuning"),
		os.Rename(dir+"/away", dir+"/tuning")); err != nil {
		t.Fatal(err)
	}
	if n := len(Gallery(run, mnist, "mono", 0.001, 3)); n != 3 {
		t.Errorf("%d images, want 3", n)
	}
	if x := Pixels(mnist, 0); len(x) != 28*28 {
		t.Errorf("%d pixels", len(x))
	}

	p.Attack(dir, "--draws=100", "--trial=20", "--classifier=votes,clean")
	if _, gaps := Gaps(dir, 0.001); len(gaps) != 2 || len(gaps[0].Empirical) != 2 ||
		Crossings(gaps[0]) != 0 {
		t.Errorf("gaps %+v", gaps)
	}
	m := Must(training.Load(dir + "/model"))
	for _, a := range p.Adversarials(Victims{run, m, mnist, "margin", 0.001, 2}) {
		if norm := attack.Norms(a.Toward, make([]float32, len(a.Toward)),
			len(a.Toward))[0]; a.As != "" && math.Abs(norm-a.Attack) > 1e-4*norm {
			t.Errorf("a perturbation of norm %g for an attack at %g", norm, a.Attack)
		}
	}
	if _, err := Bounds(dir + "/model"); err != nil {
		t.Error(err)
	}

	shown := 0
	seen := p.Watch(dir+"/watched", func(c *training.Config) {
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

func TestCertified(t *testing.T) {
	gallery := []show.Image{{Radius: 0.5}, {Radius: 1, Wrong: true}, {Radius: 2}}
	for radius, want := range map[float64]int{0: 3, 0.5: 2, 0.6: 1, 3: 0} {
		if n := len(Certified(gallery, radius)); n != want {
			t.Errorf("at %g: %d images, want %d", radius, n, want)
		}
	}
}

func TestVotes(t *testing.T) {
	got := fmt.Sprint(Votes(&rs.Evidence{Selection: rs.Votes{0, 9, 0},
		Estimation: rs.Votes{0, 90, 10}}))
	if want := "[[1 9 90] [2 0 10]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
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

func TestArea(t *testing.T) {
	result := func(radius float64) rs.Result {
		return rs.Result{Certificate: rs.Certificate{Radius: radius}}
	}
	g := certify.Gap{Classifier: "votes", Empirical: []rs.Result{result(2), result(math.Inf(1))},
		Certified: []certify.Curve{{Method: "mono", Results: []rs.Result{result(1), result(1.5)}}}}
	if area := Area(g, "mono"); math.Abs(area-0.75) > 1e-12 {
		t.Errorf("area %g, want 0.75", area)
	}
	g.Empirical[1].Radius = 1.4
	if n := Crossings(g); n != 1 {
		t.Errorf("%d crossings, want 1", n)
	}
	panics(t, "cpm certifies nothing of votes", func() { Area(g, "cpm") })
}

func TestColumns(t *testing.T) {
	table := &table.Table{Columns: []string{"a", "b"}, Rows: [][]string{{"1", "2"}, {"3", "4.5"}}}
	if got := fmt.Sprint(Columns(table, "b", "a").Rows,
		Numbers(table, "b")); got != "[[2 1] [4.5 3]] [2 4.5]" {
		t.Error(got)
	}
	panics(t, `no column "c"`, func() { Columns(table, "c") })
	if got := median([]float64{3, 1, 2, 10}); got != 2.5 {
		t.Errorf("median %g, want 2.5", got)
	}
}
