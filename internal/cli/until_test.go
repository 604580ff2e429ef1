package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// TestUntilActs: draws end where the question is settled. certify spends α over the stops and
// refuses bounds that don't hold there. verify draws the same.
func TestUntilActs(t *testing.T) {
	model := filepath.Join(smoke(t), certify.ModelFolder)
	for _, method := range []string{"twobound", "lipschitz"} {
		out := filepath.Join(t.TempDir(), "run")
		must(t, "sample", model, "--data", tiny(), "--n", "2000", "--images", "12", "--tuning", "8",
			"--until", "radius>=0.2", "--method", method, "--out", out)
		log, err := countlog.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := log.All()
		if err != nil || len(rows) != 12 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		draws := 0
		for _, e := range rows {
			draws += e.Estimation.Total()
		}
		if draws > 12*1500 || log.Run.Until.Method != method {
			t.Errorf("%s: %d draws, %+v", method, draws, log.Run.Until)
		}
		text := must(t, "certify", out, "--method", "mono,twobound,lipschitz")
		if !strings.Contains(text, "n ≤ 2000 until radius>=0.2") ||
			!strings.Contains(text, "draws an image on average, of 2000 at most") {
			t.Errorf("it isn't said:\n%s", text)
		}
		if !strings.Contains(read(t, out, "certificates.tsv"), "clopper-pearson at stops") {
			t.Error("α isn't spent over the stops")
		}
		refused(t, lipsmooth("certify", out, "--method", "mono", "--bound", "clopper-pearson"),
			"clopper-pearson holds at a number of draws fixed beforehand")
		for _, bound := range []string{"beta-mixture", "beta-binomial", "betting"} {
			must(t, "certify", out, "--method", "mono,lipschitz", "--bound", bound)
		}
		must(t, "verify", out, "--model", model, "--data", tiny(), "--redraw", "3")
		if method == "lipschitz" { // certified with the temperature that the draws ended for
			if l, err := certify.Load(out, config(0.01, -1)); err != nil || l.Tau != log.Run.Until.Tau {
				t.Errorf("τ = %v, %v, want %v of run.json", l.Tau, err, log.Run.Until.Tau)
			}
		}
		refused(t, lipsmooth("sample", model, "--data", tiny(), "--n", "2000", "--images", "12",
			"--tuning", "8", "--out", out), "holds another run: until")
	}
}

// TestScoresAct: the run logs the scores of all classes. Methods take one map, or all maps with α
// shared.
func TestScoresAct(t *testing.T) {
	model, out := filepath.Join(smoke(t), certify.ModelFolder), filepath.Join(t.TempDir(), "run")
	must(t, "sample", model, "--data", tiny(), "--n", "400", "--images", "6", "--tuning", "4",
		"--scores", "softmax,t=4", "--scores", "sparsemax", "--out", out)
	must(t, "certify", out, "--method", "all")
	all := read(t, out, "certificates.tsv")
	if !strings.Contains(all, "score softmax,t=4 lower star") ||
		!strings.Contains(all, "rivals' sparsemax,t=1 upper star") {
		t.Errorf("certificates:\n%s", all)
	}
	must(t, "verify", out, "--model", model, "--data", tiny(), "--redraw", "2")
	must(t, "certify", out, "--method", "lvm,lipschitz-two,lipschitz-margin", "--scores",
		"sparsemax,t=1.0")
	one := read(t, out, "certificates.tsv")
	if strings.Contains(one, "softmax,t=4") || !strings.Contains(one, "1×0.0005") ||
		!strings.Contains(read(t, out, "certificates.json"), `"scores": "sparsemax,t=1"`) {
		t.Errorf("certificates:\n%s", one)
	}
	must(t, "verify", out, "--model", model)
	refused(t, lipsmooth("certify", out, "--method", "lvm", "--scores", "ramp"),
		"no scores ramp,t=1; logged: softmax,t=4; sparsemax,t=1")
}

// TestDiscreteActs: the noise lies on a grid, and its cost is printed. verify finds a run that
// states a smaller cost.
func TestDiscreteActs(t *testing.T) {
	model, out := filepath.Join(smoke(t), certify.ModelFolder), filepath.Join(t.TempDir(), "run")
	must(t, "sample", model, "--data", tiny(), "--n", "300", "--images", "6", "--tuning", "4",
		"--noise", "discrete", "--out", out)
	text := must(t, "certify", out, "--tau", "0.5")
	if !strings.Contains(text, "noise on a grid of 2040 steps") ||
		!strings.Contains(text, "that costs adaptive 0.0") {
		t.Errorf("no cost:\n%s", text)
	}
	must(t, "verify", out, "--model", model, "--data", tiny(), "--redraw", "2")
	unseal(t, out)
	edit(t, func(s string) string {
		return strings.Replace(s, `"rounding": 0.00`, `"rounding": 0.000`, 1)
	}, out, countlog.RunFile)
	refused(t, lipsmooth("verify", out, "--model", model, "--data", tiny()), "noise.rounding: ")
}

// TestSimultaneousAndInterval: for all certificates together, each is at α/m. Intervals stand
// beside the table.
func TestSimultaneousAndInterval(t *testing.T) {
	out := copied(t, smoke(t))
	for _, file := range []string{"certificates.tsv", "certificates.json"} {
		os.Remove(filepath.Join(out, file))
	}
	must(t, "certify", out, "--method", "mono")
	each := ofMono(tsv(t, filepath.Join(out, "certificates.tsv")), 4)
	text := must(t, "certify", out, "--method", "mono", "--simultaneous", "--interval", "0.9")
	together := ofMono(tsv(t, filepath.Join(out, "certificates.tsv")), 4)
	if len(together) != len(each) || len(each) == 0 {
		t.Fatalf("%d certificates, alone %d", len(together), len(each))
	}
	for i, row := range together {
		spent, _ := strconv.ParseFloat(row[9], 64)
		if spent > 0.001/20 || spent < 0.00099/20 ||
			number(t, row[7]) > number(t, each[i][7]) {
			t.Errorf("%v, alone %v", row, each[i])
		}
	}
	if !strings.Contains(text, "hold all together with probability 1-0.001") ||
		!strings.Contains(text, "90% confidence intervals") {
		t.Errorf("printed:\n%s", text)
	}
	rows := ofMono(tsv(t, filepath.Join(out, certify.IntervalsFile)), 0)
	if len(rows) != 2 || !(number(t, rows[0][3]) < number(t, rows[1][3])) {
		t.Errorf("intervals %v", rows)
	}
	must(t, "verify", out)
	edit(t, func(s string) string { return strings.Replace(s, "high\t", "high\t9", 1) }, out,
		certify.IntervalsFile)
	refused(t, lipsmooth("verify", out), certify.IntervalsFile, "differs")
	// After certifying by another bound, the table names the bound and is verified. The intervals
	// of other settings are gone.
	if text := must(t, "certify", out, "--bound", "hoeffding"); !strings.Contains(text,
		", bound hoeffding,") || exists(filepath.Join(out, certify.IntervalsFile)) {
		t.Errorf("by hoeffding:\n%s", text)
	}
	must(t, "verify", out)
	if strings.Contains(text, "--simultaneous makes") {
		t.Errorf("advises what was done:\n%s", text)
	}
}

// ofMono are the rows of mono, which has its name in this column.
func ofMono(t *table.Table, column int) (rows [][]string) {
	for _, row := range t.Rows {
		if row[column] == "mono" {
			rows = append(rows, row)
		}
	}
	return rows
}

// TestRandomizedActs: each image has its own uniform number, from the run's seed.
func TestRandomizedActs(t *testing.T) {
	out := t.TempDir()
	must(t, "certify", smoke(t), "--method", "mono", "--out", out)
	usual := tsv(t, filepath.Join(out, "certificates.tsv"))
	must(t, "certify", smoke(t), "--method", "mono", "--bound", "randomized", "--out", out)
	above := 0
	for i, row := range tsv(t, filepath.Join(out, "certificates.tsv")).Rows {
		a, b := number(t, row[7]), number(t, usual.Rows[i][7])
		if a < b-1e-9 {
			t.Errorf("%v is below %v", row, usual.Rows[i])
		}
		if a > b+1e-9 {
			above++
		}
	}
	if above < 10 {
		t.Errorf("above Clopper–Pearson for %d images of 20", above)
	}
}

func number(t *testing.T, cell string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
