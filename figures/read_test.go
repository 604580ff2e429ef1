package figures

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// imported is a run of a table of votes.
func imported(t *testing.T, dir string, sigma float64) {
	t.Helper()
	votes := countlog.Import{Name: "theirs", Sigma: sigma, Classes: 3,
		Estimation: countlog.Source{Path: "../rs/certify/testdata/votes.tsv"}}
	if _, _, err := votes.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, text string, path ...string) {
	t.Helper()
	path[len(path)-1] = filepath.Join(path...)
	if err := os.WriteFile(path[len(path)-1], []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestRead reads the folders of a run and of a sweep, and saves what they suffice for.
func TestRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run [1]")
	imported(t, dir, 0.5)
	imported(t, filepath.Join(dir, SigmaFolder, "0.25"), 0.25)
	bounds := table.Table{Columns: BoundColumns, Rows: [][]string{{"dense", "1", "", "1", ""}}}
	if err := bounds.WriteFile(filepath.Join(dir, certify.ModelFolder, boundsFile),
		"model other"); err != nil {
		t.Fatal(err)
	}
	in, notes, err := Read(dir, certify.Default().At(0.05))
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Runs) != 2 || in.Runs[1].Sigma != 0.25 || in.Alpha != 0.05 || in.Bounds == nil ||
		in.Bounded != "model other" || notes != nil {
		t.Errorf("%+v, %q", in, notes)
	}
	out := t.TempDir()
	paths, notes, err := (Look{Style: Styles[1], Formats: []string{"svg"}}).Save(in, out, "exact",
		"gap", "exact")
	if err == nil || err.Error() != "figure gap: no attack: lipsmooth attack RUN" ||
		len(paths) != 1 || paths[0] != filepath.Join(out, "exact.svg") || notes != nil {
		t.Errorf("%q, %q, %v", paths, notes, err)
	}

	sweep := t.TempDir()
	write(t, "point\tconv\taccuracy\taverage_radius\nconv-aol\taol\t0.9\t1.1\n", sweep, sweepFile)
	write(t, `{"dataset": "tiny", "config": {"architecture": "conv", "sigma": 0.5, "epochs": 1,
		"batch": 128, "seed": 7}}`, sweep, "model.json")
	in, _, err = Read(sweep, certify.Default())
	if err != nil || in.Sweep == nil ||
		in.Trained != "tiny, conv, σ = 0.5, 1 epochs in batches of 128, seed 7" {
		t.Errorf("%+v, %v", in, err)
	}
	if _, _, err := Read(t.TempDir(), certify.Default()); err == nil ||
		!strings.Contains(err.Error(), countlog.RunFile) {
		t.Error(err)
	}
}

func TestReadOther(t *testing.T) {
	dir := t.TempDir()
	imported(t, filepath.Join(dir, "run"), 0.5)
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o777); err != nil {
		t.Fatal(err)
	}
	log := "idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t3\t3\t0.5\t1\t1.5\n"
	write(t, log, dir, "logs", "a.tsv")
	write(t, log, dir, "logs", "b.tsv")
	for path, want := range map[string]string{"run": "run", "logs/a.tsv": "a", "logs": "a b"} {
		others, _, err := ReadOther(filepath.Join(dir, path), 0.001)
		var names []string
		for _, o := range others {
			names = append(names, o.Name)
			if (o.Run == nil) == (o.Results == nil) {
				t.Errorf("%s: %+v", path, o)
			}
		}
		if got := strings.Join(names, " "); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", path, got, err, want)
		}
	}
	for _, path := range []string{"none.tsv", certify.ModelFolder} {
		if _, _, err := ReadOther(filepath.Join(dir, path), 0.001); err == nil {
			t.Errorf("%s is read", path)
		}
	}
}
