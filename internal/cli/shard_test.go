package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// TestShards: sampled in parts, one of them by an engine's variables and more than there are tuning
// images, a run is byte for byte the smoke job's, which was sampled in one; and a shard is a run
// that certify and verify take.
func TestShards(t *testing.T) {
	job, out := smoke(t), t.TempDir()
	model := filepath.Join(job, certify.ModelFolder)
	args := []string{"sample", model, "--data", tiny(), "--images", "20", "--tuning", "10", "--n0",
		"50", "--n", "200", "--out", out, "--shard"}
	const n = 11
	var shards []string
	for i := range n {
		part := fmt.Sprintf("%d/%d", i, n)
		if i == 3 {
			part = "auto"
			t.Setenv("JOB_COMPLETION_INDEX", "3")
			t.Setenv(sample.ShardsVariable, fmt.Sprint(n))
		}
		shards = append(shards, filepath.Join(out, fmt.Sprintf("shard-%d-of-%d", i, n)))
		if said := must(t, append(args, part)...); !strings.Contains(said,
			"next: lipsmooth certify "+shards[i]) {
			t.Errorf("%s: %s", part, said)
		}
	}
	if exists(filepath.Join(shards[10], countlog.TuningFolder)) ||
		!exists(filepath.Join(shards[9], countlog.TuningFolder)) {
		t.Error("11 shards of 10 tuning images: not one each for the first ten")
	}
	must(t, append(args, "3/11")...) // complete, as auto left it
	must(t, "certify", shards[0])
	must(t, "verify", shards[0], "--model", model, "--data", tiny(), "--redraw", "2")
	refused(t, lipsmooth(append(args, "0/21")...), "shard 0/21: there are 20 images to share")
	refused(t, lipsmooth(append(args, "0/2", "--until", "radius>=0.5", "--method", "lipschitz")...),
		"give tau")
	refused(t, lipsmooth(append(args, "2/2")...), "--shard 2/2: want I/N")

	whole := filepath.Join(out, "whole")
	merge := func(shards ...string) []string { return append([]string{"merge", whole}, shards...) }
	refused(t, lipsmooth(merge(shards[1:]...)...), "shard 0/11 is missing")
	refused(t, lipsmooth(merge(append(shards, shards[4])...)...), "both are shard 4/11")
	tuning, aside := filepath.Join(shards[2], countlog.TuningFolder), filepath.Join(out, "aside")
	if err := os.Rename(tuning, aside); err != nil {
		t.Fatal(err)
	}
	refused(t, lipsmooth(merge(shards...)...), "shard 2/11 is missing", countlog.TuningFolder)
	if exists(whole) {
		t.Error("a refused merge left a folder")
	}
	if err := os.Rename(aside, tuning); err != nil {
		t.Fatal(err)
	}
	must(t, merge(shards...)...)
	for _, file := range []string{countlog.CountsFile, filepath.Join(countlog.TuningFolder,
		countlog.CountsFile)} {
		if read(t, whole, file) != read(t, job, file) {
			t.Errorf("%s: not the bytes of a run sampled in one", file)
		}
	}
	must(t, "certify", whole)
	must(t, "verify", whole, "--model", model, "--data", tiny(), "--redraw", "2")
}
