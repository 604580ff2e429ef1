package countlog

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lipsmooth/lipsmooth/rs"
)

// fill opens dir and appends the first rows up to n that are missing.
func fill(t *testing.T, dir string, r Run, n int) {
	t.Helper()
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if index := r.Examples.At(i); !w.Has(index) {
			if err := w.Append(synthetic(&r, index)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func counts(t *testing.T, dir string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, CountsFile))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWriteRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on the way")
	r := testRun()
	fill(t, dir, r, 5)
	log, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := log.All()
	if err != nil || len(rows) != 5 || log.Planned() != 200 {
		t.Fatalf("%d rows of %d, %v", len(rows), log.Planned(), err)
	}
	if n, err := log.Count(); n != 5 || err != nil {
		t.Error(n, err)
	}
	for i := range rows {
		if want := synthetic(&r, r.Examples.At(i)); !reflect.DeepEqual(&rows[i], want) {
			t.Errorf("row %d: got %+v, want %+v", i, rows[i], want)
		}
		if &rows[i].Margins.Edges[0] != &rows[0].SelectionMargins.Edges[0] {
			t.Error("rows do not share their edges")
		}
	}
}

// Equal draws give equal bytes, in one go or in three with a torn line between.
func TestResume(t *testing.T) {
	whole, parts := t.TempDir(), t.TempDir()
	r := testRun()
	fill(t, whole, r, 6)

	fill(t, parts, r, 2)
	r.Created, r.Versions = time.Now(), map[string]string{"go": "1.27"}
	f, _ := os.OpenFile(filepath.Join(parts, CountsFile), os.O_APPEND|os.O_WRONLY, 0)
	f.WriteString("100\t3\t4\t0.")
	f.Close()
	fill(t, parts, r, 4)
	fill(t, parts, r, 6)
	if !bytes.Equal(counts(t, whole), counts(t, parts)) {
		t.Error("the files differ")
	}
	first, _ := os.ReadFile(filepath.Join(whole, RunFile))
	second, _ := os.ReadFile(filepath.Join(parts, RunFile))
	if !bytes.Equal(first, second) {
		t.Error("going on altered run.json")
	}
}

// Cut anywhere, a file resumes to the same bytes.
func TestResumeEveryCut(t *testing.T) {
	dir := t.TempDir()
	r := testRun()
	fill(t, dir, r, 2)
	want := counts(t, dir)
	for n := range want {
		os.WriteFile(filepath.Join(dir, CountsFile), want[:n], 0o644)
		fill(t, dir, r, 2)
		if !bytes.Equal(counts(t, dir), want) {
			t.Fatalf("cut to %d bytes, resumed to %q", n, counts(t, dir))
		}
	}
}

func TestDamage(t *testing.T) {
	r := testRun()
	dir := t.TempDir()
	path := filepath.Join(dir, CountsFile)
	fill(t, dir, r, 2)
	good := string(counts(t, dir))
	at := strings.LastIndexByte(good[:len(good)-1], '\n') + 1
	last := good[at:]
	for _, c := range []struct {
		name, text, want string
		torn, dropped    bool
	}{
		{"torn", good[:len(good)-1], path + ":3: torn last line: unless sample is running, " +
			"running it again finishes it", true, true},
		{"last damaged", good[:at] + "x" + last,
			path +
				`:3: index: "x50", want an index of the dataset, at most 9999 ` +
				"(the last line: running sample again drops it and goes on)", false, true},
		{"zeros", good + strings.Repeat("\x00", 1<<20), path + ":4: torn last line", true, true},
		{"inner damaged", good[:at] + "x" + last + strings.Replace(last, "50\t", "100\t", 1),
			path + ":3: index: \"x50\", want an index of the dataset, at most 9999", false, false},
		{"twice", good + last, path + ":4: index: 50 is there twice", false, false},
		{"long", good + strings.Repeat("1", 1<<20) + "\n" + last,
			path + ":4: 1048577 bytes, and no row of this run takes more than", false, false},
		{"header", strings.Replace(good, "clean_class", "clean", 1), path + ":1: columns", false,
			false},
	} {
		os.WriteFile(path, []byte(c.text), 0o644)
		log, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for _, e := range log.Rows() {
			if err = e; err == nil {
				rows++
			}
		}
		if _, ok := errors.AsType[*LineError](err); !ok ||
			!strings.HasPrefix(err.Error(), c.want) || errors.Is(err, ErrTorn) != c.torn {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		w, err := Create(dir, r)
		if (err == nil) != c.dropped {
			t.Errorf("%s: Create: %v", c.name, err)
		}
		if err != nil {
			if string(counts(t, dir)) != c.text {
				t.Errorf("%s: Create failed and altered the file", c.name)
			}
			continue
		}
		if w.Dropped() == nil || w.Count() != rows || len(counts(t, dir)) >= len(c.text) {
			t.Errorf("%s: dropped %v, %d rows, read %d", c.name, w.Dropped(), w.Count(), rows)
		}
		w.Close()
	}
}

func TestAnotherRun(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, testRun(), 1)
	for field, alter := range map[string]func(*Run){
		`model.hash is sha256:ab there, sha256:ee here`: func(r *Run) {
			r.Model.Hash = "sha256:ee"
		},
		"sigma is 0.25 there, 0.5 here":         func(r *Run) { r.Sigma = 0.5 },
		"examples.count is 200 there, 100 here": func(r *Run) { r.Examples.Count = 100 },
		"seed is ":                              func(r *Run) { r.Seed = 1 },
		"backend is ":                           func(r *Run) { r.Backend = "go" },
	} {
		r := testRun()
		alter(&r)
		if _, err := Create(dir, r); err == nil ||
			!strings.Contains(err.Error(), dir+" holds another run: "+field) {
			t.Errorf("%v, want %s", err, field)
		}
	}
	os.Remove(filepath.Join(dir, RunFile))
	if _, err := Create(dir, testRun()); err == nil ||
		!strings.Contains(err.Error(), "no run.json says of which run") {
		t.Error(err)
	}
	r := testRun()
	r.N = 0
	if _, err := Create(filepath.Join(dir, "new"), r); err == nil ||
		!strings.Contains(err.Error(), "run: n: 0") {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("an invalid run left a folder")
	}
	if _, err := Open(filepath.Join(dir, "new")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, testRun())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, testRun()); err == nil ||
		!strings.Contains(err.Error(), "another process is writing this run") {
		t.Error(err)
	}
	if log, err := Open(dir); err != nil {
		t.Error("a reader beside the writer:", err)
	} else if n, err := log.Count(); n != 0 || err != nil {
		t.Error(n, err)
	}
	w.Close()
	if w, err = Create(dir, testRun()); err != nil {
		t.Fatal("after Close:", err)
	}
	w.Close()
}

// A reader of a log that grows has, each time it reads, the rows that were there when it opened it.
func TestReadWhileWriting(t *testing.T) {
	dir := t.TempDir()
	r := testRun()
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := range 10 {
		log, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append(synthetic(&r, r.Examples.At(i))); err != nil {
			t.Fatal(err)
		}
		if n, err := log.Count(); n != i || err != nil {
			t.Errorf("%d rows, %v, want the %d from before one more was written", n, err, i)
		}
	}
}

// The lock goes with the process, however it ends.
func TestLockOfTheDead(t *testing.T) {
	if dir := os.Getenv("COUNTLOG_TEST_DIR"); dir != "" { // the process to be killed
		if _, err := Create(dir, testRun()); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("locked\n")
		time.Sleep(time.Minute)
		return
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockOfTheDead$")
	cmd.Env = append(os.Environ(), "COUNTLOG_TEST_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the other process says %q", line)
	}
	if _, err := Create(dir, testRun()); err == nil {
		t.Error("no lock between processes")
	}
	cmd.Process.Kill()
	cmd.Wait()
	w, err := Create(dir, testRun())
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
}

func TestAppendRefuses(t *testing.T) {
	dir := t.TempDir()
	r := testRun()
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Append(synthetic(&r, 0)); err != nil {
		t.Fatal(err)
	}
	before := counts(t, dir)
	for want, spoil := range map[string]func(*rs.Evidence){
		"example 0: is there twice": func(e *rs.Evidence) {
			*e = *synthetic(&r, 0)
		},
		"example 51: index: 51 is not among": func(e *rs.Evidence) { e.Index = 51 },
		"example 50: class: ":                func(e *rs.Evidence) { e.Class++ },
		"example 50: selection: 9 draws": func(e *rs.Evidence) {
			e.Selection[e.Class]--
		},
		"example 50: estimation: votes of 9 classes": func(e *rs.Evidence) {
			e.Estimation = e.Estimation[1:]
		},
		"example 50: estimation: \"0:-1": func(e *rs.Evidence) {
			e.Estimation[0] = -1
		},
		"example 50: label: \"10\"":                func(e *rs.Evidence) { e.Label = 10 },
		"example 50: sigma: 0.5, the run has 0.25": func(e *rs.Evidence) { e.Sigma = 0.5 },
		"example 50: clean_margin: \"NaN\"": func(e *rs.Evidence) {
			e.Clean.Margin = math.NaN()
		},
		"example 50: margins: 0 bins, the run has 9": func(e *rs.Evidence) {
			e.Margins = rs.Histogram{}
		},
		"example 50: margins: its edges are not the run": func(e *rs.Evidence) {
			e.Margins.Edges = Edges(10, 8)
		},
		"example 50: margins: more than 100 draws": func(e *rs.Evidence) {
			e.Margins.Counts[9] = 101
		},
	} {
		e := synthetic(&r, 50)
		spoil(e)
		if err := w.Append(e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if !bytes.Equal(counts(t, dir), before) || w.Count() != 1 || w.Has(50) {
		t.Error("a refused row left a trace")
	}
	if err := w.Append(synthetic(&r, 50)); err != nil {
		t.Error("after refusals:", err)
	}
}

// fullDisk passes on the first bytes only.
type fullDisk struct {
	file
	room int
}

func (f *fullDisk) Write(b []byte) (int, error) {
	n, err := f.file.Write(b[:min(f.room, len(b))])
	if f.room -= n; err == nil && n < len(b) {
		err = &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	}
	return n, err
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	r := testRun()
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	w.f = &fullDisk{w.f, 200}
	for i := range 10 {
		if err = w.Append(synthetic(&r, r.Examples.At(i))); err != nil {
			break
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(),
		filepath.Join(dir, CountsFile)+": writing: no space left on device (its ") {
		t.Error(err)
	}
	if again := w.Append(synthetic(&r, 9950)); again != err {
		t.Error("a later Append:", again)
	}
	n := w.Count()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	log, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := log.Count(); got != n || n == 0 || err != nil {
		t.Errorf("%d rows readable of %d written: %v", got, n, err)
	}
}
