package countlog

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sealedRun writes a run of 6 rows, all or the first rows of them.
func sealedRun(t *testing.T, rows int) (dir string, r Run) {
	t.Helper()
	dir, r = t.TempDir(), sealRun()
	fill(t, dir, r, rows)
	return dir, r
}

// sealRun has 6 rows.
func sealRun() Run {
	r := testRun()
	r.Seed, r.Examples.Count = 1, 6
	return r
}

// edit changes the text of a file in a folder.
func edit(t *testing.T, dir, file string, change func(string) string) {
	t.Helper()
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	now := change(string(text))
	if now == string(text) {
		t.Fatalf("%s stayed as it was", path)
	}
	if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
		t.Fatal(err)
	}
}

// onLines changes the lines of a table; 0 has the names of the columns.
func onLines(change func(lines []string) []string) func(string) string {
	return func(text string) string {
		return strings.Join(change(strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")), "") + "\n"
	}
}

func replacing(old, new string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, new, 1) }
}

// changedRow gives the third row another label.
func changedRow(lines []string) []string {
	cells := strings.Split(lines[3], "\t")
	cells[1] = map[bool]string{true: "1", false: "0"}[cells[1] == "0"]
	lines[3] = strings.Join(cells, "\t")
	return lines
}

// sealForgeries are changes of a finished run, and words of the error.
var sealForgeries = map[string]struct {
	file   string
	change func(string) string
	want   string
}{
	"a label": {CountsFile, onLines(changedRow), CountsFile + ":4: example 100: isn't the row"},
	"rows swapped": {CountsFile, onLines(func(lines []string) []string {
		lines[2], lines[3] = lines[3], lines[2]
		return lines
	}), CountsFile + ":3: example 100: isn't the row"},
	"the last row deleted": {CountsFile, onLines(func(lines []string) []string {
		return append(lines[:5:5], strings.TrimSuffix(lines[5], "\n"))
	}), "5 rows, but seal.json has 6"},
	"a row deleted": {CountsFile, onLines(func(lines []string) []string {
		return slices.Delete(lines, 2, 3)
	}), CountsFile + ":3: example 100: isn't the row"},
	"all rows deleted": {CountsFile, func(text string) string {
		return text[:strings.IndexByte(text, '\n')+1]
	}, "0 rows, but seal.json has 6"},
	"the seed":   {RunFile, replacing(`"seed": 1`, `"seed": 2`), "seed is 1 there, 2 here"},
	"σ":          {RunFile, replacing(`"sigma": 0.25`, `"sigma": 0.5`), "sigma is 0.25 there, 0.5"},
	"the count":  {RunFile, replacing(`"count": 6`, `"count": 7`), "examples.count is 6 there, 7"},
	"a name":     {RunFile, replacing(`"name": "`, `"name": "other`), "name is "},
	"a version":  {RunFile, replacing(`"lipsmooth": "`, `"lipsmooth": "v9`), "versions is "},
	"a number":   {RunFile, replacing(`"sigma": 0.25`, `"sigma": 25e-2`), "written in another way"},
	"a key":      {RunFile, replacing(`"seed": 1`, `"seed": 2, "seed": 1`), "a key is there twice"},
	"the sealed": {SealFile, replacing(`"seed": 1`, `"seed": 2`), "seed is 2 there, 1 here"},
	"fewer":      {SealFile, replacing(`"rows": 6`, `"rows": 5`), "chain: the settings and the 5"},
	"more":       {SealFile, replacing(`"rows": 6`, `"rows": 7`), "6 rows, but seal.json has 7"},
	"below 0":    {SealFile, replacing(`"rows": 6`, `"rows": -1`), "rows: -1"},
	"a chain":    {SealFile, replacing(`"chain": "sha256:`, `"chain": "sha256:0`), "chain: "},
	"a tag":      {SealFile, replacing(`"tags": "`, `"tags": "AAAA`), CountsFile + ":2: example 0"},
	"no tags":    {SealFile, replacing(`"tags": "`, `"tag": "`), SealFile + ": tags: "},
	"no seal":    {SealFile, func(string) string { return "" }, SealFile + ": "},
}

func checkSeal(t *testing.T, dir string) error {
	t.Helper()
	log, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = log.CheckSeal()
	return err
}

func TestSealFinds(t *testing.T) {
	for name, c := range sealForgeries {
		dir, r := sealedRun(t, 6)
		if err := checkSeal(t, dir); err != nil {
			t.Fatal(err)
		}
		edit(t, dir, c.file, c.change)
		if err := checkSeal(t, dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		// A run continues where rows are missing. It refuses rows that are others.
		w, err := Create(dir, r)
		switch {
		case strings.Contains(name, "deleted"):
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			w.Close()
			fill(t, dir, r, 6)
			if err := checkSeal(t, dir); err != nil {
				t.Errorf("%s: drawn again: %v", name, err)
			}
		case strings.Contains(name, "swapped") || strings.Contains(name, "tag"):
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else {
				w.Close()
			}
		case name == "more": // waits for a row that the plan doesn't have
		case err == nil:
			t.Errorf("%s: a run went on", name)
			w.Close()
		}
		if _, _, err := Merge(t.Context(), filepath.Join(t.TempDir(), "run"), true, dir); err == nil &&
			c.file != CountsFile && !strings.Contains(name, "tag") {
			t.Errorf("%s: merged", name)
		}
	}
}

// Without its seal, a run that has one by its own word is refused; an older run isn't.
func TestNoSeal(t *testing.T) {
	dir, r := sealedRun(t, 6)
	if err := os.Remove(filepath.Join(dir, SealFile)); err != nil {
		t.Fatal(err)
	}
	const want = "seal.json: gone: run.json says that its rows are sealed"
	if err := checkSeal(t, dir); err == nil || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
	if _, err := Create(dir, r); err == nil || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
	if _, _, err := Merge(t.Context(), filepath.Join(t.TempDir(), "run"), true, dir); err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Error(err)
	}
	edit(t, dir, RunFile, func(text string) string {
		return strings.Replace(text, ",\n  \"sealed\": true", "", 1)
	})
	before := counts(t, dir)
	if err := checkSeal(t, dir); err != nil {
		t.Error(err)
	}
	fill(t, dir, r, 6)
	if _, err := os.Stat(filepath.Join(dir, SealFile)); err == nil {
		t.Error("a finished run of an older version was sealed")
	}
	edit(t, dir, CountsFile, onLines(func(l []string) []string { return slices.Delete(l, 2, 3) }))
	fill(t, dir, r, 6)
	if err := checkSeal(t, dir); err != nil || !bytes.Equal(before, counts(t, dir)) {
		t.Errorf("going on with an older run: %v\n%s", err, counts(t, dir))
	}
}

// Rows that are missing are drawn again in their place, wherever the run is stopped, and to the
// same seal. A changed row beside them is found.
func TestRowsInPlace(t *testing.T) {
	whole, _ := sealedRun(t, 6)
	seal, err := os.ReadFile(filepath.Join(whole, SealFile))
	if err != nil {
		t.Fatal(err)
	}
	for sealed := 3; sealed <= 6; sealed++ {
		for stop := sealed - 1; stop <= 6; stop++ {
			dir, r := sealedRun(t, sealed)
			edit(t, dir, CountsFile, onLines(func(l []string) []string { return slices.Delete(l, 2, 3) }))
			fill(t, dir, r, stop)
			fill(t, dir, r, 6)
			now, err := os.ReadFile(filepath.Join(dir, SealFile))
			if err != nil || !bytes.Equal(now, seal) || !bytes.Equal(counts(t, dir), counts(t, whole)) {
				t.Errorf("%d sealed, stopped at %d: %v\n%s", sealed, stop, err, now)
			}
		}
	}
	dir, r := sealedRun(t, 5)
	edit(t, dir, CountsFile, onLines(func(lines []string) []string {
		return slices.Delete(changedRow(lines), 2, 3)
	}))
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{50, 250} {
		if err := w.Append(synthetic(&r, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), CountsFile+":") {
		t.Error(err)
	}
}

// A writer that is killed before or after it puts rows in order leaves a run that is whole.
func TestKilledInOrder(t *testing.T) {
	whole, _ := sealedRun(t, 6)
	dir, r := t.TempDir(), sealRun()
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 3, 1, 2} {
		if err := w.Append(synthetic(&r, r.Examples.At(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	w.f.Close() // killed
	if err := checkSeal(t, dir); err != nil {
		t.Error(err)
	}
	ordered := bytes.Join(bytes.SplitAfter(counts(t, whole), []byte("\n"))[:5], nil)
	unordered := counts(t, dir)
	if err := os.WriteFile(filepath.Join(dir, CountsFile), ordered, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkSeal(t, dir); err != nil || bytes.Equal(ordered, unordered) {
		t.Error(err)
	}
	fill(t, dir, r, 6)
	if err := checkSeal(t, dir); err != nil || !bytes.Equal(counts(t, dir), counts(t, whole)) {
		t.Errorf("%v\n%s", err, counts(t, dir))
	}
}

// A merged run keeps its shards' seals. A shard that was relabelled before or after is found.
func TestMergeSeals(t *testing.T) {
	var shards []string
	for i := range 3 {
		dir, r := t.TempDir(), sealRun()
		if i == 2 {
			r.Seed = 2
		} else {
			r = r.Part(i, 2)
		}
		fill(t, dir, r, r.Examples.Count)
		shards = append(shards, dir)
	}
	merge := func(shards ...string) (string, error) {
		dir := filepath.Join(t.TempDir(), "run")
		_, _, err := Merge(t.Context(), dir, false, shards...)
		return dir, err
	}
	dir, err := merge(shards[:2]...)
	if err != nil || checkSeal(t, dir) != nil {
		t.Fatal(err, checkSeal(t, dir))
	}
	seal, err := readSeal(dir)
	if err != nil || len(seal.Shards) != 2 || seal.Shards[1].Rows != 3 {
		t.Fatal(seal, err)
	}
	again, err := merge(dir)
	if err != nil || checkSeal(t, again) != nil {
		t.Fatal(err, checkSeal(t, again))
	}
	if seal, err = readSeal(again); err != nil || len(seal.Shards) != 1 ||
		len(seal.Shards[0].Shards) != 2 {
		t.Fatal(seal, err)
	}
	edit(t, shards[2], RunFile, replacing(`"seed": 2`, `"seed": 1`))
	if _, err := merge(shards[2]); err == nil || !strings.Contains(err.Error(),
		"seed is 2 there, 1 here") {
		t.Error(err)
	}
	edit(t, shards[2], SealFile, replacing(`"seed": 2`, `"seed": 1`))
	if _, err := merge(shards[2]); err == nil || !strings.Contains(err.Error(), "seal.json: chain: ") {
		t.Error(err)
	}
	// Who makes the outer seal again leaves those of the shards.
	forge := func(change func(s *Seal)) error {
		dir, err := merge(shards[:2]...)
		if err != nil {
			t.Fatal(err)
		}
		s, err := readSeal(dir)
		if err != nil {
			t.Fatal(err)
		}
		change(s)
		text, _ := json.Marshal(s)
		os.WriteFile(filepath.Join(dir, SealFile), text, 0o644)
		return checkSeal(t, dir)
	}
	for want, change := range map[string]func(s *Seal){
		"shards: 0: the rows that it had": func(s *Seal) { s.Shards[0].Chain = s.Shards[1].Chain },
		"shards: 1: of another run: seed": func(s *Seal) {
			s.Shards[1].Run = bytes.Replace(s.Shards[1].Run, []byte(`"seed": 1`),
				[]byte(`"seed": 3`), 1)
		},
	} {
		if err := forge(change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := forge(func(s *Seal) { s.Shards = nil }); err != nil {
		t.Error(err)
	}
}
