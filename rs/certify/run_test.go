package certify

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/proof"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// settings of a run of four images whose margins are logged.
func settings() countlog.Run {
	return countlog.Run{
		Format: countlog.Format, Model: countlog.Model{Name: "made up", Hash: "sha256:0",
			Lambda: rs.Proved(proof.Of(1))},
		Dataset: countlog.Dataset{Name: "none", Hash: "sha256:1", Split: "test", Classes: 3,
			Size: 8},
		Examples: countlog.Plan{Stride: 2, Count: 4}, Sigma: 0.5, N0: 10, N: 100, Seed: 1,
		Block:     10,
		MarginMax: 4, MarginBins: 8, Backend: "made up",
	}
}

// write writes a run whose every draw has the same margin.
func write(t *testing.T, dir string, run countlog.Run) string {
	t.Helper()
	w, err := countlog.Create(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	for index := range run.Examples.Indices() {
		e := rs.Evidence{Index: index, Label: 1, Class: 1, Sigma: run.Sigma,
			Clean: rs.Clean{Class: 1,
				Margin: 2},
			Selection: rs.Votes{0, run.N0, 0}, Estimation: rs.Votes{1, run.N - 1, 0}}
		for h, n := range map[*rs.Histogram]int{&e.SelectionMargins: run.N0, &e.Margins: run.N} {
			h.Edges, h.Counts = run.Edges(), make([]int, len(run.Edges())+1)
			h.Counts[7] = n
		}
		e.Margins.Counts[7]--
		e.Margins.Counts[3]++
		if err := w.Append(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A Go program certifies a run as the command does.
func TestCertify(t *testing.T) {
	dir := write(t, t.TempDir(), settings())
	others := settings()
	others.Examples = countlog.Plan{Start: 1, Stride: 2, Count: 2}
	write(t, filepath.Join(dir, countlog.TuningFolder), others)
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	every := Default()
	every.Methods = []string{All}
	x, err := run.Certify(every)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Curves) < 8 || len(x.Indices) != 4 || x.Config.Tau < 0 || x.Config.Alpha != 0.001 ||
		x.Draws != 400 || run.Rows != nil {
		t.Errorf("%d curves of %d images, τ = %v, α = %v", len(x.Curves), len(x.Indices),
			x.Config.Tau,
			x.Config.Alpha)
	}
	if slices.ContainsFunc(x.Missing, func(err error) bool {
		return strings.Contains(err.Error(), "distance")
	}) {
		t.Error("few models have distances, and a note says that this one has none:", x.Missing)
	}
	if notes := strings.Join(x.Notes, "\n"); !strings.Contains(notes,
		"left out: lvm, lipschitz-two, lipschitz-margin: ") || !strings.Contains(notes,
		"α = 0.001 is the error probability of each certificate") {
		t.Error(notes)
	}
	if rows := x.Certificates().Rows; len(rows) != 4*len(x.Curves) || rows[0][4] != "mono" {
		t.Error(rows)
	}
	if err := run.Load(); err != nil || len(run.Rows) != 4 {
		t.Fatal(err)
	}
	again, err := run.Certify(x.Config)
	if err != nil || !slices.EqualFunc(again.Certificates().Rows, x.Certificates().Rows,
		slices.Equal) {
		t.Error("rows that are held are certified otherwise:", err)
	}
	all := Default()
	all.Simultaneous, all.Interval = true, 0.95
	if x, err = run.Certify(all); err != nil || x.Config.Alpha != rs.SimultaneousAlpha(0.001, 4) ||
		len(x.Intervals().Rows) != 2*len(x.Curves) {
		t.Error(x.Config.Alpha, err)
	}
}

// The distances of a run certify, and attacks within [0, 1] may contradict them.
func TestDistances(t *testing.T) {
	r := settings()
	r.Distances = true
	run, err := Open(write(t, t.TempDir(), r))
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Load(); err != nil {
		t.Fatal(err)
	}
	for i := range run.Rows {
		run.Rows[i].Clean.Distance = 2.5 // the margin's radius is 2
	}
	x, err := run.Certify(Default().At(0.001, "distance"))
	if err != nil || x.Curves[0].Results[0].Radius != 2.5 {
		t.Fatal(x, err)
	}
	attacks := []Attack{{Index: 0, Label: 1, Classifier: "clean", Radius: 2.25}}
	for box, want := range map[bool]int{false: 0, true: 1} {
		c := Default()
		c.Box = box
		beyond, _, err := run.Crossings(attacks, c)
		if err != nil || len(beyond) != want {
			t.Errorf("box %v: beyond %q, %v", box, beyond, err)
		}
		x.Config.Box = box
		if told := strings.Join(x.Conclusion(attacks), " "); !strings.Contains(told,
			"without noise, of images in [0, 1]") || strings.Contains(told, "Attacks") != box {
			t.Error(told)
		}
	}
}

// Each check that makes a certificate trustworthy is one for Go programs too.
func TestRefused(t *testing.T) {
	dir := write(t, t.TempDir(), settings())
	certify := func(change func(*Config)) error {
		c := Default()
		change(&c)
		run, err := Open(dir)
		if err == nil {
			_, err = run.Certify(c)
		}
		return err
	}
	refused := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for want, change := range map[string]func(*Config){
		"alpha 0: ":                  func(c *Config) { c.Alpha = 0 },
		"alpha 1: ":                  func(c *Config) { c.Alpha = 1 },
		"interval 1: ":               func(c *Config) { c.Interval = 1 },
		"radii: -1: ":                func(c *Config) { c.Radii = []float64{-1} },
		`no method "mon"`:            func(c *Config) { c.Methods = []string{"mon"} },
		"mono is there twice":        func(c *Config) { c.Methods = []string{"mono", "mono"} },
		"unsound-pair is unsound":    func(c *Config) { c.Methods = []string{"unsound-pair"} },
		"has no margin_error":        func(c *Config) { c.Float32 = true },
		"scores: ":                   func(c *Config) { c.Scores = "max" },
		"no temperature was chosen":  func(c *Config) { c.Methods = []string{"lipschitz"} },
		"the run logs no distances":  func(c *Config) { c.Methods = []string{"distance"} },
		"lvm: example 0: no scores ": func(c *Config) { c.Methods = []string{"lvm"} },
	} {
		refused(certify(change), want)
	}
	if err := certify(func(c *Config) {
		c.Methods, c.Unsound = []string{"unsound-pair"}, true
	}); err != nil {
		t.Error(err)
	}
	tuning := filepath.Join(dir, countlog.TuningFolder)
	for want, change := range map[string]func(*countlog.Run){
		"image 0 is one of those to certify": func(r *countlog.Run) {},
		"from model":                         func(r *countlog.Run) { r.Model.Hash = "sha256:2" },
		"on dataset":                         func(r *countlog.Run) { r.Dataset.Hash = "sha256:2" },
		"σ = 0.25":                           func(r *countlog.Run) { r.Sigma = 0.25 },
	} {
		other := settings()
		change(&other)
		write(t, tuning, other)
		refused(certify(func(*Config) {}), want)
		if err := certify(func(c *Config) { c.Tau = 0.5 }); err != nil { // which needs none
			t.Error(err)
		}
		os.RemoveAll(tuning)
	}
	model := filepath.Join(dir, ModelFolder)
	os.MkdirAll(model, 0o777)
	for text, want := range map[string]string{
		`{"hash": "sha256:3"}`: "this evidence is of another model", `{`: "model.json",
	} {
		if err := os.WriteFile(filepath.Join(model, "model.json"), []byte(text),
			0o666); err != nil {
			t.Fatal(err)
		}
		refused(certify(func(*Config) {}), want)
	}
}

func TestOpenNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), countlog.RunFile) {
		t.Error(err)
	}
	w, err := countlog.Create(dir, settings())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = run.Certify(Default())
	for _, err := range []error{err, run.Load()} {
		if fmt.Sprint(err) != dir+": no example is sampled yet" {
			t.Error(err)
		}
	}
}
