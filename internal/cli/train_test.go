package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training"
)

// trainArgs trains very little.
func trainArgs(out string, more ...string) []string {
	return append([]string{"train", "--data", tiny(), "--arch", "dense", "--width", "2", "--epochs",
		"1", "--epoch-images", "1280", "--out", out}, more...)
}

// table of a sweep, less the column of seconds.
func sweepTable(t *testing.T, dir string) (rows []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, training.SweepFile))
	if err != nil {
		t.Fatal(err)
	}
	table, err := table.Read(bytes.NewReader(text), training.SweepFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range append([][]string{table.Columns}, table.Rows...) {
		rows = append(rows, strings.Join(row[:len(row)-1], " "))
	}
	return rows
}

func TestSweep(t *testing.T) {
	t.Setenv(backendVariable, "go") // compiles nothing
	dir := filepath.Join(t.TempDir(), "sweep")
	args := trainArgs(dir, "--loss", "offset,emma", "--sigma", "0,0.25", "--method", "gaussian")
	r := lipsmooth(args...)
	if r.status != 0 {
		t.Fatal(r.err)
	}
	rows := sweepTable(t, dir)
	const header = "point loss sigma accuracy r=36/255 r=0.25 r=0.5 r=1 r=1.5 r=1.58 r=2 " +
		"average_radius lambda slope"
	if rows[0] != header {
		t.Errorf("columns %s, want %s", rows[0], header)
	}
	names := []string{"loss-offset_sigma-0", "loss-offset_sigma-0.25", "loss-emma_sigma-0",
		"loss-emma_sigma-0.25"}
	for i, name := range names {
		if i+1 >= len(rows) || !strings.HasPrefix(rows[i+1], name+" ") {
			t.Fatalf("row %d isn't of %s:\n%s", i, name, strings.Join(rows, "\n"))
		}
	}
	lines := strings.Split(r.out, "\n")
	if !strings.HasPrefix(lines[0], "loss    sigma  accuracy") ||
		!strings.HasPrefix(lines[3], "emma        0    0.") ||
		!strings.Contains(r.out, filepath.Join(dir, training.SweepFile)) {
		t.Errorf("printed:\n%s", r.out)
	}
	for _, ext := range []string{"svg", "png", "pdf"} {
		if _, err := os.Stat(filepath.Join(dir, "sweep."+ext)); err != nil {
			t.Error(err)
		}
	}

	// Done, nothing is trained, and all is said again.
	before := read(t, dir, training.SweepFile)
	again := lipsmooth(args...)
	if again.out != r.out || strings.Contains(again.err, "point") ||
		read(t, dir, training.SweepFile) != before {
		t.Errorf("again:\n%s%s", again.out, again.err)
	}

	// Of a model saved before a radius was measured the cell is empty.
	old := filepath.Join(dir, names[0], "model.json")
	text := read(t, old)
	start := strings.Index(text, `"1.58"`)
	if err := os.WriteFile(old, []byte(text[:start]+
		text[start+strings.Index(text[start:], `"2"`):]), 0o666); err != nil {
		t.Fatal(err)
	}
	must(t, args...)
	if was, is := strings.Fields(rows[1]), strings.Split(sweepTable(t, dir)[1], " "); is[9] != "" ||
		!slices.Equal(was[10:], is[10:]) {
		t.Errorf("%q, was %q", is, was)
	}

	// A point is what the same training alone is.
	alone := filepath.Join(t.TempDir(), "alone")
	must(t, trainArgs(alone, "--loss", "emma", "--sigma", "0.25")...)
	if a, b := read(t, alone, "model.json"), read(t, dir, names[3], "model.json"); a != b {
		t.Errorf("alone:\n%s\nin the sweep:\n%s", a, b)
	}

	// A longer list trains what is new.
	r = lipsmooth(trainArgs(dir, "--loss", "offset,emma", "--sigma", "0,0.25,0.5")...)
	if r.status != 0 || strings.Count(r.err, "training: point") != 2 ||
		!strings.Contains(r.err, "point 3 of 6, loss-offset_sigma-0.5\n") ||
		len(sweepTable(t, dir)) != 7 {
		t.Errorf("three values of sigma:\n%s", r.err)
	}
	// Other settings have another folder.
	refused(t, lipsmooth(append(args, "--batch", "64")...), names[0]+": training: ",
		"the training begun here has", "take another folder")
	if err := os.WriteFile(filepath.Join(dir, training.SweepFile), []byte("a\tb\n"),
		0o666); err != nil {
		t.Fatal(err)
	}
	refused(t, lipsmooth(args...), filepath.Join(dir, training.SweepFile), "not the table of a sweep")
}

// Killed along the way, a sweep goes on and ends with the same table.
func TestSweepKilled(t *testing.T) {
	t.Setenv(backendVariable, "go")
	dir, whole := filepath.Join(t.TempDir(), "sweep"), filepath.Join(t.TempDir(), "whole")
	more := []string{"--method", "gaussian,consistency,smoothadv", "--draws", "3"}
	state, _ := stopWhen(t, there(dir, "method-gaussian", "model.json"), syscall.SIGKILL,
		trainArgs(dir, more...)...)
	if state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Log("done before it was killed")
	}
	r := lipsmooth(trainArgs(dir, more...)...)
	if r.status != 0 || strings.Contains(r.err, "point 1 of 3") {
		t.Fatalf("status %d:\n%s", r.status, r.err)
	}
	must(t, trainArgs(whole, more...)...)
	if a, b := sweepTable(t, dir), sweepTable(t, whole); !slices.Equal(a, b) {
		t.Errorf("%s\nwant\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	// What doesn't take draws has none.
	info, err := training.ReadInfo(filepath.Join(dir, "method-gaussian"))
	if err != nil || info.Config.Draws != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	if info, err = training.ReadInfo(filepath.Join(dir, "method-smoothadv")); err != nil ||
		info.Config.Draws != 3 || info.Config.AttackRadius != 0.5 {
		t.Errorf("%+v, %v", info, err)
	}
}

// A training that diverges keeps what it had, and others go on; alone, it is the command's error.
func TestDiverging(t *testing.T) {
	t.Setenv(backendVariable, "go")
	dir := filepath.Join(t.TempDir(), "sweep")
	r := lipsmooth(trainArgs(dir, "--lr", "1e30,0.01", "--arch", "dense")...)
	refused(t, r, "1 of 2 points diverged", "lr-1e+30")
	if rows := sweepTable(t, dir); len(rows) != 2 || !strings.HasPrefix(rows[1], "lr-0.01 0.01 ") ||
		!strings.Contains(r.out, "0.01") {
		t.Errorf("%q\n%s", rows, r.out)
	}
	refused(t, lipsmooth(trainArgs(filepath.Join(dir, "alone"), "--lr", "1e30")...), "training: ",
		"lower the learning rate")
}
