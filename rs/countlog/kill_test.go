package countlog

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const killedDir, killedRoom = "COUNTLOG_TEST_KILLED_DIR", "COUNTLOG_TEST_KILLED_ROOM"

// dying kills the process when it has written so many bytes, the last write in part.
type dying struct {
	file
	room int
}

func (f *dying) Write(b []byte) (int, error) {
	n, err := f.file.Write(b[:min(f.room, len(b))])
	if f.room -= n; f.room == 0 {
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		select {}
	}
	return n, err
}

// TestKilledFiftyTimes: a log whose writer was killed 50 times has the bytes of an undisturbed log.
// A kill comes after a number of bytes that falls in a row or at its end.
func TestKilledFiftyTimes(t *testing.T) {
	r := testRun()
	if dir := os.Getenv(killedDir); dir != "" { // the process to be killed
		w, err := Create(dir, r)
		if err != nil {
			t.Fatal(err)
		}
		room, _ := strconv.Atoi(os.Getenv(killedRoom))
		w.f = &dying{w.f, room}
		for index := range r.Examples.Indices() {
			if !w.Has(index) {
				if err := w.Append(synthetic(&r, index)); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Fatal("not killed")
	}
	whole, dir := t.TempDir(), t.TempDir()
	fill(t, whole, r, r.Examples.Count)
	want := counts(t, whole)
	row := len(want) / (r.Examples.Count + 1)
	rnd := rand.New(rand.NewPCG(1, 2))
	torn, between := 0, 0
	var got []byte
	for i := range 50 {
		room := 1 + rnd.IntN(6*row)
		if i%5 == 0 { // behind a row
			start := 1 + max(bytes.LastIndexByte(got, '\n'), bytes.IndexByte(want, '\n'))
			end := start
			for range 1 + rnd.IntN(4) {
				end += 1 + bytes.IndexByte(want[end:], '\n')
			}
			room = end - start
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledFiftyTimes$")
		cmd.Env = append(os.Environ(), killedDir+"="+dir, killedRoom+"="+strconv.Itoa(room))
		out, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != -1 && !strings.Contains(err.Error(),
			"killed") {
			t.Fatalf("kill %d: %v\n%s", i, err, out)
		}
		if got = counts(t, dir); !bytes.HasPrefix(want, got) {
			t.Fatalf("kill %d: the file isn't the start of the whole one:\n%s", i, got)
		}
		if log, err := Open(dir); err == nil {
			if _, err := log.CheckSeal(); err != nil {
				t.Fatalf("kill %d: %v", i, err)
			}
		}
		if bytes.HasSuffix(got, []byte("\n")) {
			between++
		} else {
			torn++
		}
	}
	t.Logf("%d kills in a row, %d behind one, %d of %d bytes written", torn, between, len(got),
		len(want))
	if torn < 20 || between < 10 {
		t.Error("too few of either")
	}
	if len(got) == len(want) {
		t.Error("done before the last kill")
	}
	fill(t, dir, r, r.Examples.Count)
	for _, name := range []string{CountsFile, RunFile, SealFile} {
		a, errA := os.ReadFile(filepath.Join(whole, name))
		b, errB := os.ReadFile(filepath.Join(dir, name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: not that of the run that wasn't killed: %v, %v", name, errA, errB)
		}
	}
}
