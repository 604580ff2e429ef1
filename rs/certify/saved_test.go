package certify

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// saves certifies a run and saves the result in its folder.
func saves(t *testing.T, dir string, change func(*Config)) *Result {
	t.Helper()
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := Default()
	change(&c)
	x, err := run.Certify(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Save(dir); err != nil {
		t.Fatal(err)
	}
	return x
}

// verified verifies what is saved, and returns what was noted.
func verified(t *testing.T, dir string) string {
	t.Helper()
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := run.Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(v.Notes, "\n")
}

// of are the methods of a table, each once.
func of(t *testing.T, path string) (names []string) {
	t.Helper()
	x, _, err := table.ReadFile(path)
	if err != nil || x == nil {
		t.Fatal(path, err)
	}
	at := slices.Index(x.Columns, "method")
	for _, row := range x.Rows {
		if !slices.Contains(names, row[at]) {
			names = append(names, row[at])
		}
	}
	return names
}

// Certifying again loses nothing, and leaves one row an image and method.
func TestSave(t *testing.T) {
	dir := write(t, filepath.Join(t.TempDir(), "run"), settings())
	path := filepath.Join(dir, CertificatesFile)
	all := saves(t, dir, func(c *Config) { c.Tau = 0.5 })
	first, _ := os.ReadFile(path)
	saves(t, dir, func(c *Config) { c.Tau, c.Methods = 0.5, []string{"mono"} })
	if again, _ := os.ReadFile(path); string(again) != string(first) {
		t.Errorf("certified again:\n%s\nwant\n%s", again, first)
	}
	results := func() []string {
		paths, _ := filepath.Glob(filepath.Join(dir, ResultsFolder, "*.tsv"))
		return paths
	}
	if len(results()) != 0 {
		t.Error(results())
	}
	names := of(t, path)
	if len(names) != len(all.Curves) || !slices.Equal(of(t, filepath.Join(dir, AccuracyFile)),
		names) {
		t.Error(names)
	}

	// Another α and another bound move what was there.
	saves(t, dir, func(c *Config) { c.Methods, c.Alpha = []string{"mono", "cpm"}, 0.05 })
	saves(t, dir, func(c *Config) {
		c.Methods, c.Bound, c.Interval = []string{"mono"}, rs.Hoeffding{}, 0.9
	})
	x, _, _ := table.ReadFile(path)
	seen := map[[2]string]bool{}
	for _, row := range x.Rows {
		if key := [2]string{row[0], row[4]}; seen[key] {
			t.Error("twice:", row)
		} else {
			seen[key] = true
		}
		want := "0.001"
		if row[4] == "cpm" {
			want = "0.05"
		}
		if row[5] != want {
			t.Errorf("α of %v, want %s", row, want)
		}
	}
	if !slices.Equal(of(t, path), names) || len(results()) != 2 {
		t.Error(of(t, path), results())
	}
	s, err := ReadSaved(dir)
	if err != nil || len(s.Sets) != 3 || s.Interval != 0.9 || !strings.Contains(s.Caption,
		"cpm: none test, model made up") || !strings.Contains(s.Caption, "α = 0.05") {
		t.Errorf("%+v, %v", s, err)
	}
	if notes := verified(t, dir); strings.Contains(notes, "not compared") ||
		!strings.Contains(notes,
			"τ = 0.5 was given") {
		t.Error(notes)
	}
	// What is certified as before comes back.
	saves(t, dir, func(c *Config) { c.Tau = 0.5 })
	if again, _ := os.ReadFile(path); string(again) != string(first) {
		t.Error("the same settings give other certificates")
	}
	for _, path := range results() {
		if got := of(t, path); !slices.Equal(got, []string{"mono", "cpm"}) && !slices.Equal(got,
			[]string{"mono"}) {
			t.Error(path, got)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, IntervalsFile)); !errors.Is(err, os.ErrNotExist) {
		t.Error("intervals of other settings are left:", err)
	}
	verified(t, dir)
}

// More rows are other evidence: certificates before aren't mixed with those after.
func TestSaveMoreRows(t *testing.T) {
	run := settings()
	dir := write(t, filepath.Join(t.TempDir(), "run"), run)
	counts := filepath.Join(dir, countlog.CountsFile)
	text, _ := os.ReadFile(counts)
	if err := os.WriteFile(counts, []byte(strings.Join(strings.SplitAfter(string(text), "\n")[:3],
		"")), 0o666); err != nil {
		t.Fatal(err)
	}
	saves(t, dir, func(c *Config) { c.Tau = 0.5 })
	os.WriteFile(counts, text, 0o666)
	saves(t, dir, func(c *Config) { c.Tau, c.Methods = 0.5, []string{"mono"} })
	if got := of(t, filepath.Join(dir, CertificatesFile)); !slices.Equal(got, []string{"mono"}) {
		t.Error(got)
	}
	if notes := verified(t, dir); !strings.Contains(notes, "of other evidence: not compared") {
		t.Error(notes)
	}
}

// Tables of versions before, a comment first and no settings beside them, are kept, noted and never
// an error.
func TestSaveOlder(t *testing.T) {
	dir := write(t, filepath.Join(t.TempDir(), "run"), settings())
	old := "# made up, α = 0.001\nindex\tlabel\tmethod\tclass\tradius\talpha " +
		"spent\tbounds\n0\t1\tmono\t1\t0.5\t0.001\t\n"
	for _, name := range []string{CertificatesFile, AccuracyFile} {
		os.WriteFile(filepath.Join(dir, name), []byte(old), 0o666)
	}
	if notes := verified(t, dir); !strings.Contains(notes,
		"written by an older version: run certify again") {
		t.Error(notes)
	}
	saves(t, dir, func(*Config) {})
	if kept, err := os.ReadFile(filepath.Join(dir, ResultsFolder, "older",
		CertificatesFile)); string(kept) != old {
		t.Error(err)
	}
	if notes := verified(t, dir); strings.Contains(notes, "older") {
		t.Error(notes)
	}
}

// Each table and each setting is compared.
func TestVerifyFinds(t *testing.T) {
	dir := write(t, filepath.Join(t.TempDir(), "run"), settings())
	for _, c := range []struct{ file, old, new, want string }{
		{CertificatesFile, "\tTrue\t", "\tFalse\t", "certificates.tsv:2: differs"},
		{CertificatesFile, "radius", "radii", "certificates.tsv:1: differs"},
		{CertificatesFile, "\n", "", "certificates.tsv:"},
		{AccuracyFile, "\nmono\t", "\nmono\t9", "table.tsv:2: differs"},
		{IntervalsFile, "\thigh\t", "\thigh\t9", "intervals.tsv:3: differs"},
		{"certificates.json", `"alpha": 0.001`, `"alpha": 0.01`, "certificates.tsv:2: differs"},
		{"certificates.json", `"alpha": 0.001`, `"alpha": 7`, "certificates.json: sets: alpha 7"},
		{"certificates.json", `"tau": 0.5`, `"tau": 0.25`, "certificates.tsv:"},
		{"certificates.json", `"run_hash": "sha256:`, `"run_hash": "sha256:0`,
			"certificates.json: run_hash"},
		{"certificates.json", `"float32": false`, `"float32": true`, "no margin_error"},
		{"certificates.json", `"interval": 0.9`, `"interval": 0.5`, "intervals.tsv:2: differs"},
		{"certificates.json", `{`, `[`, "certificates.json: "},
	} {
		saves(t, dir, func(c *Config) { c.Tau, c.Interval = 0.5, 0.9 })
		verified(t, dir)
		path := filepath.Join(dir, c.file)
		text, _ := os.ReadFile(path)
		if !strings.Contains(string(text), c.old) {
			t.Fatalf("%s has no %q", path, c.old)
		}
		os.WriteFile(path, []byte(strings.Replace(string(text), c.old, c.new, 1)), 0o666)
		run, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Verify(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %q: %v, want %q", c.new, c.old, err, c.want)
		}
		os.RemoveAll(path)
		os.RemoveAll(filepath.Join(dir, CertificatesFile))
	}
}

// The table of locuslab/smoothing reads back.
func TestLocuslab(t *testing.T) {
	dir := write(t, filepath.Join(t.TempDir(), "run"), settings())
	x := saves(t, dir, func(c *Config) { c.Methods = []string{"mono"} })
	var b strings.Builder
	if err := x.Locuslab(0).WriteTSV(&b); err != nil {
		t.Fatal(err)
	}
	back, err := countlog.ReadRadii(strings.NewReader(b.String()), "theirs.tsv")
	if err != nil || len(back.Rows) != 4 {
		t.Fatal(back, err)
	}
	for i, row := range back.Rows {
		if want := x.Curves[0].Results[i]; row.Index != x.Indices[i] || row.Label != want.Label ||
			row.Class != want.Class || row.Radius != want.Radius {
			t.Errorf("%+v, want %+v", row, want)
		}
	}
	if !strings.HasPrefix(b.String(), "idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t1\t1\t") {
		t.Error(b.String())
	}
}
