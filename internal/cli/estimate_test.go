package cli

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// TestEstimateActs: --estimate tells the size of a run's log within 25%, and draws nothing into its
// folder.
func TestEstimateActs(t *testing.T) {
	model, out := filepath.Join(smoke(t), certify.ModelFolder), filepath.Join(t.TempDir(), "run")
	args := []string{"sample", model, "--data", tiny(), "--n", "5000", "--images", "24", "--tuning",
		"4", "--out", out}
	text := must(t, append(args, "--estimate")...)
	if _, err := os.Stat(out); err == nil {
		t.Error("an estimate made the folder")
	}
	words := regexp.MustCompile(`24 images of 100 \+ 5000 draws, and 4 of 100 \+ 1000 .* draws/s\) ` +
		`and ([0-9.]+) KiB, with .* of memory; nothing`).FindStringSubmatch(text)
	if words == nil {
		t.Fatalf("it says %q", text)
	}
	said, _ := strconv.ParseFloat(words[1], 64)
	must(t, args...)
	size := 0
	for _, folder := range []string{"", countlog.TuningFolder} {
		size += len(read(t, out, folder, countlog.CountsFile))
	}
	if is := float64(size) / 1024; math.Abs(said-is) > 0.25*is {
		t.Errorf("%.1f KiB were estimated, and it is %.1f", said, is)
	}
	refused(t, lipsmooth(append(args, "--batch", "-1")...), "--blocks-at-once -1")

	// Of all images, and of a number that doesn't divide them.
	args = []string{"sample", model, "--data", tiny(), "--out", out + "0", "--estimate", "--images"}
	must(t, append(args, "0")...)
	refused(t, lipsmooth(append(args, "0", "--tuning", "5")...), "set tuning to 0")
	if said := must(t, append(args, "300")...); !strings.Contains(said, ": 300 images of 100 ") {
		t.Errorf("of 300 images it says %q", said)
	}

	text = must(t, "sample", model, "--data", tiny(), "--n", "300", "--images", "1", "--tuning", "0",
		"--out", out+"1", "--estimate")
	if rate := regexp.MustCompile(`then ([0-9]+) draws/s`).FindStringSubmatch(text); rate == nil ||
		len(rate[1]) > 7 {
		t.Errorf("of one image it says %q", text)
	}
}
