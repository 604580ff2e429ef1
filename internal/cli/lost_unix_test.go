//go:build unix

package cli

import (
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// bytes a file may have in a process that a test starts
const fileLimit = "LIPSMOOTH_TEST_FILE_LIMIT"

func init() {
	if n, err := strconv.ParseUint(os.Getenv(fileLimit), 10, 64); err == nil {
		signal.Ignore(syscall.SIGXFSZ) // a write gives EFBIG then
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE,
			&syscall.Rlimit{Cur: n, Max: n}); err != nil {
			panic(err)
		}
	}
}

// limited runs the command as a process whose files are limited.
func limited(t *testing.T, limit int, args ...string) result {
	t.Helper()
	t.Setenv(fileLimit, strconv.Itoa(limit))
	c, ended, stderr := running(t, func() bool { return true }, args...)
	os.Unsetenv(fileLimit)
	<-ended
	return result{status: c.ProcessState.ExitCode(), err: stderr.String()}
}

// TestNoRoom: where a file has no room, as on a full disk, sampling ends with one line and keeps
// its complete rows. With room, it continues.
func TestNoRoom(t *testing.T) {
	want, model := long(t)
	dir := filepath.Join(t.TempDir(), "run")
	args := longArgs(model, dir)
	refused(t, limited(t, 300, args...), dir, "run.json", "file too large")
	whole := read(t, want, countlog.CountsFile)
	before := 0
	for _, limit := range []int{len(whole) / 3, len(whole)/3 + 1, len(whole) / 2,
		1 + strings.LastIndexByte(whole[:len(whole)*3/4], '\n'), len(whole) - 1} {
		refused(t, limited(t, limit, args...), dir, countlog.CountsFile+": writing: file too large",
			"complete rows are kept; sample again to go on")
		text := goesOnFrom(t, dir, want)
		if !strings.HasSuffix(text, "\n") || len(text) < before || len(text) < limit-4096 ||
			len(text) > limit {
			t.Errorf("%d bytes kept under a limit of %d", len(text), limit)
		}
		before = len(text)
	}
	must(t, args...)
	sameRun(t, dir, want)
}

// A second process on a run's folder is refused, a reader isn't, and the first doesn't notice.
func TestSecondProcess(t *testing.T) {
	want, model := long(t)
	dir := filepath.Join(t.TempDir(), "run")
	args := longArgs(model, dir)
	first, ended, stderr := running(t, lines(5, dir), args...)
	if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	refused(t, lipsmooth(args...), filepath.Join(dir, countlog.CountsFile)+
		": another process is writing this run")
	if got := must(t, "certify", dir, "--tau", "0.2", "--out", t.TempDir()); !strings.Contains(got,
		"sampling isn't finished") {
		t.Errorf("certify beside it:\n%s", got)
	}
	if err := first.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	<-ended
	if !first.ProcessState.Success() {
		t.Errorf("the first: %v\n%s", first.ProcessState, stderr)
	}
	sameRun(t, dir, want)
}

// In a folder without rights to write nothing is begun, and nothing is lost of what was.
func TestNoRights(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root has all rights; TestReadOnlyFolder mounts")
	}
	want, model := long(t)
	above := t.TempDir()
	dir := filepath.Join(above, "run")
	if err := os.CopyFS(dir, os.DirFS(want)); err != nil {
		t.Fatal(err)
	}
	edit(t, func(s string) string { return s[:len(s)*9/10] }, dir, countlog.CountsFile)
	before := read(t, dir, countlog.CountsFile)
	counts := filepath.Join(dir, countlog.CountsFile)
	for path, mode := range map[string]os.FileMode{above: 0o755, counts: 0o644} {
		if err := os.Chmod(path, mode&^0o222); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(path, mode) })
	}
	refused(t, lipsmooth(longArgs(model, filepath.Join(above, "new"))...), above,
		"permission denied")
	refused(t, lipsmooth(longArgs(model, dir)...), counts, "permission denied")
	if read(t, dir, countlog.CountsFile) != before {
		t.Error("the log has changed")
	}
	if err := os.Chmod(counts, 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, longArgs(model, dir)...)
	sameRun(t, dir, want)
}
