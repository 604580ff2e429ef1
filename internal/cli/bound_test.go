package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

func TestBound(t *testing.T) {
	model := filepath.Join(smoke(t), certify.ModelFolder)
	tsv := filepath.Join(t.TempDir(), "bound.tsv")
	r := withDevice("bound", model, "--observe", "--data", tiny(), "--out", tsv)
	if r.status != 0 {
		t.Fatal(r.err)
	}
	lines := strings.Split(strings.TrimSpace(read(t, tsv)), "\n")
	const want = "layer\tinput\tbound\tobserved\tbound_through\tobserved_through\tfloat32\tproof"
	if lines[0] != want || !strings.Contains(r.out, "two logits: Λ") {
		t.Errorf("%s, want %s, in\n%s", lines[1], want, r.out)
	}
	// the columns bound, observed and float32 of the last row, then of the one before
	last := make([]float64, 3)
	for _, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		if cells[7] == "" {
			t.Errorf("no proof: %s", line)
		}
		for i, column := range []int{2, 3, 6} {
			last[i], _ = strconv.ParseFloat(cells[column], 64)
		}
		through, _ := strconv.ParseFloat(cells[4], 64)
		seen, _ := strconv.ParseFloat(cells[5], 64)
		if last[1] > last[0]*(1+1e-5) || seen > through*(1+1e-5) {
			t.Errorf("more is observed than proved: %s", line)
		}
		if whole := strings.HasPrefix(line, figures.WholeRow); whole != (cells[4] == "") ||
			whole == (seen > 0) {
			t.Errorf("through its depth: %s", line)
		}
	}
	if !(last[1] > 0 && last[2] > 0 && last[2] < 0.1) {
		t.Errorf("bound, slope and error of float32 of two logits: %v", last)
	}
	noDevice(t)
	quiet, loud := must(t, "bound", model), must(t, "bound", model, "--sigma", "2")
	if quiet == loud || strings.Contains(quiet, "note") {
		t.Errorf("--sigma changes nothing:\n%s", quiet)
	}
	refused(t, lipsmooth("bound", model, "--observe"), "nonsense")
	refused(t, lipsmooth("bound", model, "--sigma", "0"), "--sigma 0")
	refused(t, lipsmooth("bound", filepath.Join(t.TempDir(), "none")), "no model here")
}

var marginErrorLine = regexp.MustCompile(`(?m)^  "margin_error": .*\n`)

// TestFloat32: certify --float32 subtracts a run's margin_error and prints its cost. verify proves
// margin_error again.
func TestFloat32(t *testing.T) {
	dir := copied(t, smoke(t))
	run := mustRun(t, dir)
	if !(run.MarginError > 1e-5 && run.MarginError < 0.1) {
		t.Errorf("margin_error %v", run.MarginError)
	}
	accuracy := func() string { return read(t, dir, "certificates.tsv") }
	before := must(t, "certify", dir)
	plain := accuracy()
	t.Run("costs", func(t *testing.T) {
		noDevice(t)
		after := must(t, "certify", dir, "--float32")
		if strings.Contains(before, "float32") || !strings.Contains(after, "for float32") ||
			!regexp.MustCompile(`that costs adaptive 0\.0`).MatchString(after) {
			t.Errorf("no cost in\n%s", after)
		}
		if plain == accuracy() {
			t.Error("--float32 changes no certificate")
		}
		out := must(t, "verify", dir)
		if !strings.Contains(out, "margin_error = ") || !strings.Contains(out, "results") {
			t.Error(out)
		}
	})
	t.Run("damaged", func(t *testing.T) {
		dir := copied(t, dir)
		unseal(t, dir)
		edit(t,
			func(s string) string {
				return marginErrorLine.ReplaceAllString(s,
					"  \"margin_error\": 0.00001,\n")
			}, dir, countlog.RunFile)
		refused(t, lipsmooth("verify", dir), "margin_error: 1e-05, but under this noise")
	})
	// A run of an older version knows none. It goes on all the same.
	unseal(t, dir)
	edit(t, func(s string) string { return marginErrorLine.ReplaceAllString(s, "") }, dir,
		countlog.RunFile)
	edit(t, func(s string) string { return s[:len(s)-40] }, dir, countlog.CountsFile)
	os.Remove(filepath.Join(dir, "table.tsv"))
	os.Remove(filepath.Join(dir, "certificates.tsv"))
	refused(t, lipsmooth("certify", dir, "--float32"), "--float32: ", "margin_error")
	if r := withDevice(reproduceArgs(dir)...); r.status != 0 {
		t.Fatal(r.err)
	}
	if mustRun(t, dir).MarginError != 0 || accuracy() != plain {
		t.Error("an older run isn't finished as it was begun")
	}
}
