package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

func TestCoverage(t *testing.T) {
	dir := t.TempDir()
	base := []string{"coverage", "--classes", "10,2", "--n0", "20", "--n", "200", "--alpha", "0.05",
		"--trials", "300"}
	call := func(more ...string) (string, *table.Table) {
		t.Helper()
		out := must(t, append(append(base[:len(base):len(base)], "--out", dir), more...)...)
		f, err := os.Open(filepath.Join(dir, "coverage.tsv"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		table, err := table.Read(f, "coverage.tsv")
		if err != nil {
			t.Fatal(err)
		}
		return out, table
	}
	out, table := call("--method", "mono,twobound")
	if len(table.Rows) != 4*2*2 {
		t.Errorf("%d rows, want shapes × classes × methods", len(table.Rows))
	}
	for _, want := range []string{"shape", "miscoverage  95% interval", "zipf     2  mono",
		"tie     10  twobound", "intervals.png"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, name := range []string{"coverage", "intervals"} {
		for _, ext := range []string{"svg", "png", "pdf", "tsv"} {
			if s, err := os.Stat(filepath.Join(dir, name+"."+ext)); err != nil || s.Size() == 0 {
				t.Errorf("%s.%s: %v", name, ext, err)
			}
		}
	}
	if again, _ := call("--method", "mono,twobound"); again != out {
		t.Errorf("equal commands, unequal output:\n%s\n%s", out, again)
	}
	// Every option acts.
	one, _ := call("--method", "mono,twobound", "--shapes", "zipf")
	for _, option := range [][]string{{"--classes", "10,3"}, {"--n0", "2"}, {"--n", "300"},
		{"--alpha", "0.01"}, {"--trials", "299"}, {"--top", "0.8"},
		{"--tail", "3"}, {"--seed", "2"}, {"--sigma", "2"}} {
		if got, _ := call(append(option, "--method", "mono,twobound", "--shapes",
			"zipf")...); got == one {
			t.Errorf("%v doesn't act", option)
		}
	}
	if _, table := call("--method", "mono", "--shapes", "rivals,tie"); len(table.Rows) != 2*2 {
		t.Errorf("%d rows of one method and two shapes", len(table.Rows))
	}
	for want, bad := range map[string][]string{
		"--classes 1: must lie between 2 and 1000000":                        {"--classes", "5,1"},
		"--n0 0: must be at least 1":                                         {"--n0", "0"},
		"--n -1: must be at least 1":                                         {"--n", "-1"},
		"--trials 0: must be at least 1":                                     {"--trials", "0"},
		"--alpha 1: must lie between 0 and 1":                                {"--alpha", "1"},
		"--sigma 0: must be positive":                                        {"--sigma", "0"},
		"--top 1: must lie between 0 and 1":                                  {"--top", "1"},
		"--tail -1: must lie between 0":                                      {"--tail", "-1"},
		`--shapes: no shape "zip" (did you mean zipf?); known: zipf, rivals`: {"--shapes", "zip"},
		"--shapes: tie is given twice":                                       {"--shapes", "tie,tie"},
		"--method margin: certifies no simulated votes":                      {"--method", "margin"},
		"--method cmp: certifies no simulated votes":                         {"--method", "cmp"},
		"--method mono is given twice":                                       {"--method", "mono,mono"},
		`unknown command "x" for "lipsmooth coverage"`:                       {"x"},
	} {
		r := lipsmooth(append(append(base[:len(base):len(base)], "--out", dir), bad...)...)
		if r.status != 1 || !strings.Contains(r.err, want) || r.out != "" {
			t.Errorf("%v: %d %q, want %q", bad, r.status, r.err, want)
		}
	}
	if r := lipsmooth("coverage", "--trials", "10", "--classes", "2", "--out",
		filepath.Join(dir, "coverage.tsv")); r.status != 1 {
		t.Error("a file as folder:", fmt.Sprint(r))
	}
}
