package lab

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/notebooks/show"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
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
	if _, err := Bounds(dir + "/model"); err != nil {
		t.Error(err)
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
}

// TestLight: a cell that imports this package alone doesn't link XLA.
func TestLight(t *testing.T) {
	packages, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skip("no go on PATH: ", err)
	}
	if strings.Contains(string(packages), "go-xla") {
		t.Error("this package links XLA: what runs a network belongs in package nets")
	}
}
