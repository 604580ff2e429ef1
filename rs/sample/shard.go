package sample

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// maxShards keeps a plan's arithmetic far from overflow.
const maxShards = 1 << 20

func isShard(s countlog.Shard) bool { return 0 <= s.Index && s.Index < s.Of && s.Of <= maxShards }

// ShardFolder is the name of a shard's folder in that of the whole run.
func ShardFolder(s countlog.Shard) string { return fmt.Sprintf("shard-%d-of-%d", s.Index, s.Of) }

// part is shard s of a run, each of whose shards must have an image.
func part(run countlog.Run, s countlog.Shard) (countlog.Run, error) {
	if n := run.Examples.Count; s.Of > n {
		return run, fmt.Errorf("shard %v: there are %d images to share: want at most as many shards",
			s, n)
	}
	return run.Part(s.Index, s.Of), nil
}

// ShardsVariable has the number of shards, for an engine that doesn't give it.
const ShardsVariable = "LIPSMOOTH_SHARDS"

// ParseShard reads I/N, shard I of N, or "auto", which asks the environment: [AutoShard].
func ParseShard(text string, env func(name string) string) (countlog.Shard, error) {
	if text == "auto" {
		return AutoShard(env)
	}
	index, of, _ := strings.Cut(text, "/")
	s := countlog.Shard{}
	var err error
	if s.Index, err = strconv.Atoi(index); err == nil {
		s.Of, err = strconv.Atoi(of)
	}
	if err != nil || !isShard(s) {
		return countlog.Shard{}, fmt.Errorf(
			"%s: want I/N with 0 <= I < N <= %d, as 0/4, or auto", text, maxShards)
	}
	return s, nil
}

// AutoShard is the task of a Slurm array (sbatch(1), "output environment variables") or of a
// Kubernetes Indexed Job. Where LIPSMOOTH_SHARDS says how many there are, tasks count from 0, and
// one of them may be submitted again alone.
func AutoShard(env func(name string) string) (s countlog.Shard, err error) {
	number := func(name string, otherwise int) int {
		text := env(name)
		if text == "" {
			return otherwise
		}
		n, bad := strconv.Atoi(text)
		if bad != nil && err == nil {
			err = fmt.Errorf("auto: %s=%s, want a whole number", name, text)
		}
		return n
	}
	if s.Of = number(ShardsVariable, 0); err != nil {
		return s, err
	}
	var task string
	switch {
	case env("SLURM_ARRAY_TASK_ID") != "":
		task = "SLURM_ARRAY_TASK_ID"
		s.Index = number(task, 0)
		if s.Of == 0 {
			least := number("SLURM_ARRAY_TASK_MIN", 0)
			s.Index, s.Of = s.Index-least, number("SLURM_ARRAY_TASK_COUNT", 0)
			most := number("SLURM_ARRAY_TASK_MAX", least+s.Of-1)
			if err == nil && most-least+1 != s.Of {
				return s, fmt.Errorf("auto: an array of %d tasks from %d to %d: "+
					"want consecutive ones, as --array=0-3, or %s set and tasks of it",
					s.Of, least, most, ShardsVariable)
			}
		}
	case env("JOB_COMPLETION_INDEX") != "":
		task = "JOB_COMPLETION_INDEX"
		s.Index = number(task, 0)
		if s.Of == 0 {
			return s, fmt.Errorf("auto: JOB_COMPLETION_INDEX says which shard, but not of how many: "+
				"set %s to the Job's completions", ShardsVariable)
		}
	default:
		return s, fmt.Errorf("auto: neither SLURM_ARRAY_TASK_ID (a task of a Slurm array) " +
			"nor JOB_COMPLETION_INDEX (of a Kubernetes Indexed Job) is set: give I/N")
	}
	if err == nil && !isShard(s) {
		err = fmt.Errorf("auto: %s=%s is shard %d of %d, want one from 0 to %d",
			task, env(task), s.Index, s.Of, s.Of-1)
	}
	return s, err
}
