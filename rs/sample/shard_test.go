package sample

import (
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Variables as sbatch(1) and the Kubernetes documentation of Jobs ("completion mode") have them.
func TestParseShard(t *testing.T) {
	for _, c := range []struct {
		text string
		env  string
		want countlog.Shard
		err  string
	}{
		{text: "0/1", want: countlog.Shard{Index: 0, Of: 1}},
		{text: "0/4", want: countlog.Shard{Index: 0, Of: 4}},
		{text: "3/4", want: countlog.Shard{Index: 3, Of: 4}},
		{text: "4/4", err: "4/4: want I/N with 0 <= I < N"},
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
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 " +
			"SLURM_ARRAY_TASK_MAX=3", want: countlog.Shard{Index: 2, Of: 4}},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=4",
			want: countlog.Shard{Index: 2, Of: 4}},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 " +
			"SLURM_ARRAY_TASK_MAX=4", want: countlog.Shard{Index: 3, Of: 4}},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 " +
			"SLURM_ARRAY_TASK_MAX=6", err: "an array of 4 tasks from 0 to 6"},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=2 " +
			"SLURM_ARRAY_TASK_MAX=2 LIPSMOOTH_SHARDS=4", want: countlog.Shard{Index: 2, Of: 4}},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=4 LIPSMOOTH_SHARDS=4",
			err: "SLURM_ARRAY_TASK_ID=4 is shard 4 of 4"},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2", err: "shard 2 of 0"},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_COUNT=4",
			err: "SLURM_ARRAY_TASK_ID=x, want a whole number"},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=four",
			err: "SLURM_ARRAY_TASK_COUNT=four, want a whole number"},
		{text: "auto", env: "JOB_COMPLETION_INDEX=3 LIPSMOOTH_SHARDS=4",
			want: countlog.Shard{Index: 3, Of: 4}},
		{text: "auto", env: "JOB_COMPLETION_INDEX=0 LIPSMOOTH_SHARDS=1",
			want: countlog.Shard{Index: 0, Of: 1}},
		{text: "auto", env: "JOB_COMPLETION_INDEX=3",
			err: "set LIPSMOOTH_SHARDS to the Job's completions"},
		{text: "auto", env: "JOB_COMPLETION_INDEX=4 LIPSMOOTH_SHARDS=4",
			err: "JOB_COMPLETION_INDEX=4 is shard 4 of 4"},
		{text: "auto", env: "JOB_COMPLETION_INDEX=-1 LIPSMOOTH_SHARDS=4", err: "is shard -1 of 4"},
		{text: "auto", env: "JOB_COMPLETION_INDEX=1 LIPSMOOTH_SHARDS=4.0",
			err: "LIPSMOOTH_SHARDS=4.0, want a whole number"},
	} {
		env := map[string]string{}
		for pair := range strings.FieldsSeq(c.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		got, err := ParseShard(c.text, func(name string) string { return env[name] })
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%s, %s: %v, %v", c.text, c.env, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s, %s: %v, %v, want %s", c.text, c.env, got, err, c.err)
		}
	}
}
