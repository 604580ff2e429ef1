package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// longArgs sample 400 images in pure Go, which starts at once. An image takes a few milliseconds.
// The caller sets the backend.
func longArgs(model, out string) []string {
	return []string{"sample", model, "--data", tiny(), "--images", "400", "--tuning", "0", "--n0",
		"20", "--n", "60", "--block", "20", "--out", out}
}

// long returns the folder of a finished run with longArgs, and its model. The test continues in
// pure Go.
func long(t *testing.T) (dir, model string) {
	t.Helper()
	model = filepath.Join(smoke(t), certify.ModelFolder)
	t.Setenv(backendVariable, "go")
	dir = filepath.Join(fixtures, "long")
	longOnce.Do(func() { longResult = lipsmooth(longArgs(model, dir)...) })
	if longResult.status != 0 {
		t.Fatalf("the long run: status %d\n%s", longResult.status, longResult.err)
	}
	return dir, model
}

var (
	longOnce   sync.Once
	longResult result
)

// sameRun compares the rows and settings of two runs, but for when they were begun.
func sameRun(t *testing.T, dir, want string) {
	t.Helper()
	if a, b := read(t, dir, countlog.CountsFile), read(t, want, countlog.CountsFile); a != b {
		t.Errorf("%s: %d bytes of counts, not the %d of the run that went through", dir, len(a),
			len(b))
	}
	settings := func(dir string) (lines []string) {
		for line := range strings.Lines(read(t, dir, countlog.RunFile)) {
			if !strings.HasPrefix(line, `  "created": "`) {
				lines = append(lines, line)
			}
		}
		return lines
	}
	if a, b := strings.Join(settings(dir), ""), strings.Join(settings(want), ""); a != b {
		t.Errorf("%s: another run.json:\n%s\nwant\n%s", dir, a, b)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 3 {
		t.Errorf("%s: %d files (%v): %v", dir, len(files), err, files)
	}
}

// goesOnFrom checks that the rows so far are the first rows of the finished run, and returns their
// bytes.
func goesOnFrom(t *testing.T, dir, want string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, countlog.CountsFile))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if !strings.HasPrefix(read(t, want, countlog.CountsFile), string(text)) {
		t.Fatalf("not the start of the run that went through:\n%s", text)
	}
	return string(text)
}

// grown reports whether a run's counts have reached a size, in bytes.
func grown(size int, dir string) func() bool {
	return func() bool {
		info, err := os.Stat(filepath.Join(dir, countlog.CountsFile))
		return err == nil && info.Size() >= int64(size)
	}
}

// TestKilledFiftyTimes: a run that is killed 50 times, at its start and after random growth, ends
// with the bytes of an undisturbed run. rs/countlog tests kills in the middle of a write.
func TestKilledFiftyTimes(t *testing.T) {
	want, model := long(t)
	dir := filepath.Join(t.TempDir(), "run")
	rnd := rand.New(rand.NewPCG(1, 2))
	row := len(read(t, want, countlog.CountsFile)) / 401
	size, mostGrown := 0, 0
	for kill := range 50 {
		seen := grown(size+1+rnd.IntN(3*row), dir)
		switch kill {
		case 0:
			seen = there(dir)
		case 1:
			seen = there(dir, countlog.CountsFile)
		case 2:
			seen = there(dir, countlog.RunFile)
		}
		state, stderr := stopWhen(t, seen, syscall.SIGKILL, longArgs(model, dir)...)
		if state.Success() || state.Exited() {
			t.Fatalf("kill %d came too late: %v\n%s", kill, state, stderr)
		}
		before := size
		size = len(goesOnFrom(t, dir, want))
		mostGrown = max(mostGrown, size-before)
	}
	t.Logf("%d of %d rows after 50 kills, at most %d between two", size/row, 400, mostGrown/row)
	must(t, longArgs(model, dir)...)
	sameRun(t, dir, want)
}

// TestModelGone: a run that a cluster terminates says how to continue. Without its model, or with
// other weights, the run is refused in one line, and its log stays as it is. With the model back,
// it continues.
func TestModelGone(t *testing.T) {
	want, model := long(t)
	model = copied(t, model)
	dir := filepath.Join(t.TempDir(), "run")
	args := longArgs(model, dir)
	state, stderr := stopWhen(t, lines(5, dir), syscall.SIGTERM, args...)
	refused(t, result{status: state.ExitCode(), err: stderr}, "interrupted: sampling: stopped with",
		"of 400 examples; the same command goes on from there")
	before := goesOnFrom(t, dir, want)
	if !strings.HasSuffix(before, "\n") {
		t.Errorf("a torn row:\n%s", before)
	}
	whole := model + "~"
	if err := os.Rename(model, whole); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, word string
		spoil      func() error
	}{
		{"gone", "model.json: no model here", func() error { return os.RemoveAll(model) }},
		{"a file", "not a directory", func() error { return os.WriteFile(model, nil, 0o666) }},
		{"without weights", "weights: no weights here",
			func() error { return os.RemoveAll(filepath.Join(model, "weights")) }},
		{"with a bit flipped", "weights can't be read", func() error {
			weights, err := filepath.Glob(filepath.Join(model, "weights", "*.bin"))
			if err != nil || len(weights) != 1 {
				return fmt.Errorf("weights in %v: %v", weights, err)
			}
			edit(t, func(s string) string { return s[:len(s)-1] + string(s[len(s)-1]^1) },
				weights[0])
			return nil
		}},
	} {
		if err := os.RemoveAll(model); err != nil {
			t.Fatal(err)
		}
		if c.what != "a file" {
			if err := os.CopyFS(model, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.spoil(); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		refused(t, lipsmooth(args...), c.word)
	}
	if err := os.RemoveAll(model); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(whole, model); err != nil {
		t.Fatal(err)
	}
	if read(t, dir, countlog.CountsFile) != before {
		t.Error("the log has changed")
	}
	must(t, args...)
	sameRun(t, dir, want)
}

// What is left of a run's folder is refused where it can't be trusted, and otherwise made whole.
func TestFilesGone(t *testing.T) {
	want, model := long(t)
	dir := copied(t, want)
	settings := read(t, dir, countlog.RunFile)
	text := read(t, dir, countlog.CountsFile)
	both := func(sample, certify string) {
		t.Helper()
		refused(t, lipsmooth(longArgs(model, dir)...), sample, dir)
		refused(t, lipsmooth("certify", dir, "--tau", "0.2"), certify, dir)
		if read(t, dir, countlog.CountsFile) != text {
			t.Fatal("the log has changed")
		}
	}
	edit(t, func(s string) string { return s[:len(s)/2] }, dir, countlog.RunFile)
	both("run.json: ", "run.json: ")
	edit(t, func(string) string { return "" }, dir, countlog.RunFile)
	both("run.json: ", "run.json: ")
	if err := os.Remove(filepath.Join(dir, countlog.RunFile)); err != nil {
		t.Fatal(err)
	}
	both("holds rows, but no run.json says of which run", "no run to read")

	edit := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	edit(countlog.RunFile, settings)
	if err := os.Remove(filepath.Join(dir, countlog.CountsFile)); err != nil {
		t.Fatal(err)
	}
	refused(t, lipsmooth("certify", dir, "--tau", "0.2"), "the run has no rows", dir)
	must(t, longArgs(model, dir)...)
	sameRun(t, dir, want)
}
