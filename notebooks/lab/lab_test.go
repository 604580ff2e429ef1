package lab

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/notebooks/show"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/training/data"
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

// TestRun trains, samples and reads a run of the smallest size, and goes through what a notebook shows of it.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: trains nothing")
	}
	t.Chdir(t.TempDir())
	p := Preset{Name: "tiny", Epochs: 1, Images: 256, Width: 2, Tested: 4, Tuning: 2, N0: 20, N: 100}
	dir := p.Folder("test")
	if dir != "runs/test-tiny" {
		t.Errorf("folder %s", dir)
	}
	p.Train(dir+"/model", "--data=mnist", "--sigma=0.25")
	p.Sample(dir+"/model", dir, "--sigma=0.25")
	run, mnist := Run(dir, 0.001), Must(data.Load("mnist", data.Test))
	if len(run.Rows) != 4 || run.Run.N != 100 || run.Run.Sigma != 0.25 || run.Tau < 0 {
		t.Errorf("%d rows of n = %d, σ = %g, τ = %g", len(run.Rows), run.Run.N, run.Run.Sigma, run.Tau)
	}
	if n := len(Gallery(run, mnist, "mono", 0.001, 3)); n != 3 {
		t.Errorf("%d images, want 3", n)
	}
	if x := Pixels(mnist, 0); len(x) != 28*28 {
		t.Errorf("%d pixels", len(x))
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
	got := fmt.Sprint(Votes(&rs.Evidence{Selection: rs.Votes{0, 9, 0}, Estimation: rs.Votes{0, 90, 10}}))
	if want := "[[1 9 90] [2 0 10]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
