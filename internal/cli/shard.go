package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// shard is which part of a run's images to draw; zero is all of them.
type shard struct{ index, of int }

// maxShards keeps a plan's arithmetic far from overflow.
const maxShards = 1 << 20

// folder holds the shard, in that of --out.
func (s shard) folder() string { return fmt.Sprintf("shard-%d-of-%d", s.index, s.of) }

// part is the shard of a run, each of whose shards must have an image.
func (s shard) part(run countlog.Run) (countlog.Run, error) {
	if n := run.Examples.Count; s.of > n {
		return run, fmt.Errorf("--shard %d/%d: there are %d images to share: want at most as many shards", s.index, s.of, n)
	}
	return run.Part(s.index, s.of), nil
}

// shardsVariable says of how many shards a task is one, where its engine doesn't.
const shardsVariable = "LIPSMOOTH_SHARDS"

// parseShard reads --shard: I/N, or auto, which asks the environment.
func parseShard(text string, env func(name string) string) (shard, error) {
	if text == "auto" {
		return autoShard(env)
	}
	index, of, _ := strings.Cut(text, "/")
	s := shard{}
	var err error
	if s.index, err = strconv.Atoi(index); err == nil {
		s.of, err = strconv.Atoi(of)
	}
	if err != nil || !s.ok() {
		return shard{}, fmt.Errorf("--shard %s: want I/N with 0 <= I < N <= %d, as 0/4, or auto", text, maxShards)
	}
	return s, nil
}

func (s shard) ok() bool { return 0 <= s.index && s.index < s.of && s.of <= maxShards }

// autoShard is the task of a Slurm array (sbatch(1), "output environment variables") or of a Kubernetes Indexed Job.
// Where LIPSMOOTH_SHARDS says how many there are, tasks count from 0, and one of them may be submitted again alone.
func autoShard(env func(name string) string) (s shard, err error) {
	number := func(name string, otherwise int) int {
		text := env(name)
		if text == "" {
			return otherwise
		}
		n, bad := strconv.Atoi(text)
		if bad != nil && err == nil {
			err = fmt.Errorf("--shard auto: %s=%s, want a whole number", name, text)
		}
		return n
	}
	if s.of = number(shardsVariable, 0); err != nil {
		return s, err
	}
	var task string
	switch {
	case env("SLURM_ARRAY_TASK_ID") != "":
		task = "SLURM_ARRAY_TASK_ID"
		s.index = number(task, 0)
		if s.of == 0 {
			least := number("SLURM_ARRAY_TASK_MIN", 0)
			s.index, s.of = s.index-least, number("SLURM_ARRAY_TASK_COUNT", 0)
			if most := number("SLURM_ARRAY_TASK_MAX", least+s.of-1); err == nil && most-least+1 != s.of {
				return s, fmt.Errorf("--shard auto: an array of %d tasks from %d to %d: want consecutive ones, as --array=0-3, or %s set and tasks of it", s.of, least, most, shardsVariable)
			}
		}
	case env("JOB_COMPLETION_INDEX") != "":
		task = "JOB_COMPLETION_INDEX"
		s.index = number(task, 0)
		if s.of == 0 {
			return s, fmt.Errorf("--shard auto: JOB_COMPLETION_INDEX says which shard, but not of how many: set %s to the Job's completions", shardsVariable)
		}
	default:
		return s, fmt.Errorf("--shard auto: neither SLURM_ARRAY_TASK_ID (a task of a Slurm array) nor JOB_COMPLETION_INDEX (of a Kubernetes Indexed Job) is set: give I/N")
	}
	if err == nil && !s.ok() {
		err = fmt.Errorf("--shard auto: %s=%s is shard %d of %d, want one from 0 to %d", task, env(task), s.index, s.of, s.of-1)
	}
	return s, err
}
