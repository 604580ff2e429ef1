package cli

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// start starts the command as a process.
func start(t *testing.T, stderr *bytes.Buffer, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, args...)
	c.Env = append(os.Environ(), asCommand+"=1")
	c.Stderr = stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	return c
}

// running starts the command and returns when seen says so. ended is closed when the command has
// ended. The command may end by itself first, where the machine is too busy to look in time.
func running(t *testing.T, seen func() bool, args ...string) (c *exec.Cmd, ended <-chan struct{},
	stderr *bytes.Buffer) {
	t.Helper()
	stderr = &bytes.Buffer{}
	c = start(t, stderr, args...)
	end := make(chan struct{})
	go func() {
		c.Wait()
		close(end)
	}()
	for !seen() {
		select {
		case <-end:
			if !seen() {
				t.Fatalf("ended before it could be stopped:\n%s", stderr.String())
			}
		case <-time.After(200 * time.Microsecond):
		}
	}
	return c, end, stderr
}

// stopWhen starts the command, signals it when seen says so and returns how it ended.
func stopWhen(t *testing.T, seen func() bool, signal os.Signal, args ...string) (*os.ProcessState,
	string) {
	t.Helper()
	c, ended, stderr := running(t, seen, args...)
	if err := c.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	<-ended
	return c.ProcessState, stderr.String()
}

func there(path ...string) func() bool {
	return func() bool {
		_, err := os.Stat(filepath.Join(path...))
		return err == nil
	}
}

// lines reports whether a run has so many lines, its header among them.
func lines(n int, dir ...string) func() bool {
	return func() bool {
		text, _ := os.ReadFile(filepath.Join(append(dir, countlog.CountsFile)...))
		return bytes.Count(text, []byte("\n")) >= n
	}
}

// TestKilled: a job that was killed on the way and finished has the counts of an undisturbed job in
// another folder.
func TestKilled(t *testing.T) {
	want := counts(t, smoke(t))
	dir := filepath.Join(t.TempDir(), "job")
	args := reproduceArgs(dir)
	stopped := 0
	for _, stop := range []struct {
		what   string
		seen   func() bool
		signal os.Signal
		done   func() bool // too late
	}{
		{"training", there(dir, certify.ModelFolder, "checkpoint"), syscall.SIGKILL,
			there(dir, certify.ModelFolder, "model.json")},
		{"tuning", lines(3, dir, countlog.TuningFolder), syscall.SIGKILL,
			lines(11, dir, countlog.TuningFolder)},
		{"the run", lines(4, dir), os.Interrupt, lines(21, dir)},
		{"the sweep", lines(3, dir, figures.SigmaFolder, "0.25"), syscall.SIGKILL,
			lines(11, dir, figures.SigmaFolder, "0.25")},
		{"bounds", there(dir, figures.SigmaFolder, "0.5", countlog.RunFile), syscall.SIGKILL,
			there(dir, certify.AttackFile)},
		{"attacks", there(dir, certify.AttackFile), syscall.SIGKILL, there(dir, certify.GapFile)},
	} {
		state, stderr := stopWhen(t, stop.seen, stop.signal, args...)
		if stop.done() {
			t.Logf("%s: done before it was stopped", stop.what)
			continue
		}
		stopped++
		if stop.signal == syscall.SIGKILL {
			if state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Errorf("%s: not killed: %v\n%s", stop.what, state, stderr)
			}
			continue
		}
		last := stderr[strings.LastIndexByte(strings.TrimSpace(stderr), '\n')+1:]
		if state.ExitCode() != 1 || !strings.HasPrefix(last,
			"lipsmooth: interrupted: sampling: stopped with ") {
			t.Errorf("%s: interrupted, status %d:\n%s", stop.what, state.ExitCode(), stderr)
		}
		t.Log(strings.TrimSpace(last))
	}
	if stopped < 2 {
		t.Errorf("stopped in time %d times of 6", stopped)
	}
	must(t, args...)
	if got := counts(t, dir); !maps.Equal(got, want) {
		for run := range want {
			if got[run] != want[run] {
				t.Errorf("%s: other counts than the job that ran through:\n%s\nwant\n%s", run,
					got[run], want[run])
			}
		}
	}
	if a, b := read(t, dir, certify.ModelFolder, "training.tsv"),
		read(t, smoke(t), certify.ModelFolder, "training.tsv"); a != b {
		t.Errorf("another training curve:\n%s\nwant\n%s", a, b)
	}
	sameAttacks(t, dir)
}

// Interrupted in training, the job keeps a checkpoint and says so in one line.
func TestInterruptedTraining(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "job")
	state, stderr := stopWhen(t, there(dir, certify.ModelFolder), os.Interrupt,
		reproduceArgs(dir)...)
	last := stderr[strings.LastIndexByte(strings.TrimSpace(stderr), '\n')+1:]
	if state.ExitCode() != 1 || !strings.HasPrefix(last, "lipsmooth: interrupted: ") ||
		strings.Contains(last, "context canceled") {
		t.Errorf("status %d:\n%s", state.ExitCode(), stderr)
	}
	t.Log(strings.TrimSpace(last))
}
