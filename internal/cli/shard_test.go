package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Variables as sbatch(1) and the Kubernetes documentation of Jobs ("completion mode") have them.
func TestParseShard(t *testing.T) {
	for _, c := range []struct {
		text string
		env  string
		want shard
		err  string
	}{
		{text: "0/1", want: shard{0, 1}},
		{text: "0/4", want: shard{0, 4}},
		{text: "3/4", want: shard{3, 4}},
		{text: "4/4", err: "--shard 4/4: want I/N with 0 <= I < N"},
		{text: "-1/4", err: "0 <= I < N"},
		{text: "0/0", err: "0 <= I < N"},
		{text: "1", err: "want I/N"},
		{text: "1/", err: "want I/N"},
		{text: "/4", err: "want I/N"},
		{text: "1/4/5", err: "want I/N"},
		{text: "a/4", err: "want I/N"},
		{text: "0/9999999999", err: "want I/N"},
		{text: "Auto", err: "or auto"},
		{text: "auto", err: "neither SLURM_ARRAY_TASK_ID"},
		{text: "auto", env: "LIPSMOOTH_SHARDS=4", err: "neither SLURM_ARRAY_TASK_ID"},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3", want: shard{2, 4}},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=4", want: shard{2, 4}},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4", want: shard{3, 4}},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=6", err: "an array of 4 tasks from 0 to 6"},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=2 SLURM_ARRAY_TASK_MAX=2 LIPSMOOTH_SHARDS=4", want: shard{2, 4}},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=4 LIPSMOOTH_SHARDS=4", err: "SLURM_ARRAY_TASK_ID=4 is shard 4 of 4"},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2", err: "shard 2 of 0"},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_COUNT=4", err: "SLURM_ARRAY_TASK_ID=x, want a whole number"},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=four", err: "SLURM_ARRAY_TASK_COUNT=four, want a whole number"},
		{text: "auto", env: "JOB_COMPLETION_INDEX=3 LIPSMOOTH_SHARDS=4", want: shard{3, 4}},
		{text: "auto", env: "JOB_COMPLETION_INDEX=0 LIPSMOOTH_SHARDS=1", want: shard{0, 1}},
		{text: "auto", env: "JOB_COMPLETION_INDEX=3", err: "set LIPSMOOTH_SHARDS to the Job's completions"},
		{text: "auto", env: "JOB_COMPLETION_INDEX=4 LIPSMOOTH_SHARDS=4", err: "JOB_COMPLETION_INDEX=4 is shard 4 of 4"},
		{text: "auto", env: "JOB_COMPLETION_INDEX=-1 LIPSMOOTH_SHARDS=4", err: "is shard -1 of 4"},
		{text: "auto", env: "JOB_COMPLETION_INDEX=1 LIPSMOOTH_SHARDS=4.0", err: "LIPSMOOTH_SHARDS=4.0, want a whole number"},
	} {
		env := map[string]string{}
		for pair := range strings.FieldsSeq(c.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		got, err := parseShard(c.text, func(name string) string { return env[name] })
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%s, %s: %v, %v", c.text, c.env, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s, %s: %v, %v, want %s", c.text, c.env, got, err, c.err)
		}
	}
}

// TestShards: sampled in parts, one of them by an engine's variables and more than there are tuning images, a run is byte for byte
// the smoke job's, which was sampled in one; and a shard is a run that certify and verify take.
func TestShards(t *testing.T) {
	job, out := smoke(t), t.TempDir()
	model := filepath.Join(job, certify.ModelFolder)
	args := []string{"sample", model, "--data", tiny(), "--images", "20", "--tuning", "10", "--n0", "50", "--n", "200", "--out", out, "--shard"}
	const n = 11
	var shards []string
	for i := range n {
		part := fmt.Sprintf("%d/%d", i, n)
		if i == 3 {
			part = "auto"
			t.Setenv("JOB_COMPLETION_INDEX", "3")
			t.Setenv(shardsVariable, fmt.Sprint(n))
		}
		shards = append(shards, filepath.Join(out, fmt.Sprintf("shard-%d-of-%d", i, n)))
		if said := must(t, append(args, part)...); !strings.Contains(said, "next: lipsmooth certify "+shards[i]) {
			t.Errorf("%s: %s", part, said)
		}
	}
	if exists(filepath.Join(shards[10], countlog.TuningFolder)) || !exists(filepath.Join(shards[9], countlog.TuningFolder)) {
		t.Error("11 shards of 10 tuning images: not one each for the first ten")
	}
	must(t, append(args, "3/11")...) // complete, as auto left it
	must(t, "certify", shards[0])
	must(t, "verify", shards[0], "--model", model, "--data", tiny(), "--redraw", "2")
	refused(t, lipsmooth(append(args, "0/21")...), "--shard 0/21: there are 20 images to share")
	refused(t, lipsmooth(append(args, "0/2", "--until", "radius>=0.5", "--method", "lipschitz")...), "give --tau")
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
	for _, file := range []string{countlog.CountsFile, filepath.Join(countlog.TuningFolder, countlog.CountsFile)} {
		if read(t, whole, file) != read(t, job, file) {
			t.Errorf("%s: not the bytes of a run sampled in one", file)
		}
	}
	must(t, "certify", whole)
	must(t, "verify", whole, "--model", model, "--data", tiny(), "--redraw", "2")
}
