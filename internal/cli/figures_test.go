package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training"
)

// names are those of a folder's files.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestFigures(t *testing.T) {
	noDevice(t)
	list := must(t, "figures", "list")
	for _, e := range figures.List {
		if !strings.Contains(list, e.Name+" ") || !strings.Contains(list, e.Needs) ||
			!strings.Contains(list, e.Doc) {
			t.Errorf("%s isn't listed in\n%s", e.Name, list)
		}
	}
	run := smoke(t)

	t.Run("formats", func(t *testing.T) {
		out := t.TempDir()
		got := must(t, "figures", "margins", "radius", "--run", run, "--out", out, "--format",
			"svg,pdf")
		if want := filepath.Join(out, "margins.pdf") + "\n" + filepath.Join(out, "radius.pdf") +
			"\n"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got, want := names(t, out), []string{"margins.json", "margins.pdf", "margins.svg",
			"margins.tsv", "radius.json", "radius.pdf", "radius.svg",
			"radius.tsv"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		caption := read(t, out, "radius.json")
		for _, want := range []string{"σ = 0.5", "n = 200", "α = 0.001", "20 images", "seed 1"} {
			if !strings.Contains(caption, want) {
				t.Errorf("no %q in %s", want, caption)
			}
		}
	})
	t.Run("style and width", func(t *testing.T) {
		seen := map[string]bool{}
		for _, args := range [][]string{nil, {"--style", "paper"},
			{"--style", "paper", "--width", "170"}, {"--width", "100"}} {
			out := t.TempDir()
			must(t, append([]string{"figures", "exact", "--format", "svg", "--out", out},
				args...)...)
			svg := read(t, out, "exact.svg")
			if seen[svg] {
				t.Errorf("%q changes nothing", args)
			}
			seen[svg] = true
		}
	})
	t.Run("without a run", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if got, want := must(t, "figures", "exact", "local", "exact", "--format", "png"),
			filepath.Join("figures", "exact.png")+"\n"+filepath.Join("figures", "local.png")+
				"\n"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	t.Run("what the run lacks", func(t *testing.T) {
		run, out := unattacked(t), t.TempDir()
		r := lipsmooth("figures", "gap", "margins", "sweep", "--run", run, "--out", out,
			"--format", "svg")
		if r.status != 1 || r.out != filepath.Join(out, "margins.svg")+"\n" ||
			strings.Count(r.err, "\n") != 1 ||
			!strings.Contains(r.err, "figure gap: no attack: lipsmooth attack RUN; figure sweep: "+
				"no table of a sweep: lipsmooth train") {
			t.Errorf("%+v", r)
		}
		if r = lipsmooth("figures", run, "--out", t.TempDir(), "--format", "svg"); r.status != 0 ||
			strings.Count(r.err, "\n") != 1 ||
			!strings.Contains(r.err, "note: not drawn: gap (no attack: lipsmooth attack RUN), "+
				"draws (") {
			t.Errorf("%+v", r)
		}
	})
}

// TestFiguresRefuses: a wrong flag is refused before anything is written.
func TestFiguresRefuses(t *testing.T) {
	noDevice(t)
	run := smoke(t)
	for args, want := range map[string]string{
		"--style grand":        `--style: no style "grand"; known: screen, paper`,
		"--format svg,jpg":     `--format: no format "jpg"; known: svg, png, pdf`,
		"--width 50":           "--width 50: must lie between 82.5 and 1000 mm",
		"--width NaN":          "--width NaN",
		"--beside none.tsv":    "none.tsv",
		"--run " + run + " no": `no figure "no"; known: radius, `,
	} {
		out := filepath.Join(t.TempDir(), "out")
		refused(t, lipsmooth(append([]string{"figures", "exact", "--out", out},
			strings.Fields(args)...)...), want)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: something is written", args)
		}
	}
}

// publicLogs is a folder of two tables of certificates.
func publicLogs(t *testing.T) string {
	t.Helper()
	tables := t.TempDir()
	for _, name := range []string{"net_noise_0.25", "net_noise_0.50"} {
		text := "idx\tlabel\tpredict\tradius\tcorrect\ttime\n" +
			"0\t3\t3\t0.5\t1\t1.5\n1\t3\t2\t1.5\t0\t1.5\n"
		if err := os.WriteFile(filepath.Join(tables, name+".tsv"), []byte(text),
			0o666); err != nil {
			t.Fatal(err)
		}
	}
	return tables
}

// Public logs and runs that end early are drawn beside a run.
func TestBeside(t *testing.T) {
	run, tables := smoke(t), publicLogs(t)
	early := filepath.Join(t.TempDir(), "early")
	if r := withDevice("sample", filepath.Join(run, certify.ModelFolder), "--data", tiny(),
		"--sigma", "0.5", "--n", "400", "--until", "radius>=0.2", "--images", "20", "--tuning", "5",
		"--out", early); r.status != 0 {
		t.Fatal(r.err)
	}
	noDevice(t)
	out := t.TempDir()
	must(t, "figures", "logs", "draws", "--run", run, "--beside", tables, "--beside", early, "--out",
		out)
	header := strings.Split(read(t, out, "logs.tsv"), "\n")[0]
	for _, want := range []string{"σ = 0.5, mono\t", "noise 0.25\t", "noise 0.50\t", "\tearly: "} {
		if !strings.Contains(header, want) {
			t.Errorf("no %q in %s", want, header)
		}
	}
	if text := read(t, out, "draws.tsv"); strings.Count(text,
		"until radius>=0.2 by adaptive\t") != 20 {
		t.Error(text)
	}
	// The public logs alone, and the run that ends early alone.
	alone := t.TempDir()
	must(t, "figures", "--beside", tables, "--out", alone)
	must(t, "figures", early, "draws", "--out", alone)
	if got := names(t, alone); len(got) != 10 {
		t.Error(got)
	}
}

// Bounds and sweeps are drawn from the tables that their commands leave.
func TestFiguresOfModels(t *testing.T) {
	run := copied(t, smoke(t))
	model := filepath.Join(run, certify.ModelFolder)
	if r := withDevice("bound", model, "--observe"); r.status != 0 {
		t.Fatal(r.err)
	}
	noDevice(t)
	must(t, "figures", run, "bounds")
	caption := read(t, run, "figures", "bounds.json")
	if hash := mustRun(t, run).Model.Hash; !strings.Contains(caption, hash[:12]) ||
		!strings.Contains(caption, "layers: 1 ") {
		t.Error(caption)
	}
	out := t.TempDir()
	if got := must(t, "figures", "bounds", "training", "--run", model, "--out",
		out); strings.Count(got, "\n") != 2 {
		t.Error(got)
	}
	if caption := read(t, out, "training.json"); !strings.Contains(caption, "σ = 0.5") ||
		!strings.Contains(caption, "seed 1") {
		t.Error(caption)
	}
	// A table of another model isn't drawn.
	edit(t,
		func(s string) string {
			return strings.Replace(s, mustRun(t, run).Model.Hash[:12],
				"0123456789ab", 1)
		}, table.About(filepath.Join(model, training.BoundsFile)))
	if r := lipsmooth("figures", run, "bounds"); r.status != 1 ||
		!strings.Contains(r.err, "note: "+filepath.Join(model, training.BoundsFile)+" isn't of model ") ||
		!strings.Contains(r.err, "figure bounds: no table of bounds") {
		t.Errorf("%+v", r)
	}

	sweep := t.TempDir()
	text := "# test split of tiny\npoint\tconv\taccuracy\tr=1\taverage_radius\n" +
		"conv-aol\taol\t0.9\t0.5\t1.1\nconv-bcop\tbcop\t0.92\t0.5\t1.2\n"
	if err := os.WriteFile(filepath.Join(sweep, training.SweepFile), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	must(t, "figures", "sweep", "--run", sweep)
	if got := read(t, sweep, "figures", training.SweepFile); !strings.HasPrefix(got, "point\t") ||
		!strings.Contains(read(t, sweep, "figures", "sweep.json"), "test split of tiny") {
		t.Error(got)
	}
	if r := lipsmooth("figures", t.TempDir()); r.status != 1 ||
		!strings.Contains(r.err, countlog.RunFile) {
		t.Errorf("%+v", r)
	}
}
