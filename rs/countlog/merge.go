package countlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/version"
)

// Merge makes one run's folder, which must not be there, of shards: runs of the same settings but for the examples planned,
// no row of which two shards have. Those that say which [Shard] they are must be of one run, each another. The rows are in the order
// of the plan: byte for byte those of one run. Unless partial, no shard and no row of the plan may be missing.
// Where ctx ends first, nothing is made. It returns the run and the number of its rows.
func Merge(ctx context.Context, dir string, partial bool, shards ...string) (run Run, rows int, err error) {
	if run, err = mergedRun(partial, shards); err != nil {
		return run, 0, err
	}
	at := make([]place, run.Examples.Count)
	files := make([]*os.File, len(shards))
	for i, shard := range shards {
		if files[i], err = os.Open(filepath.Join(shard, CountsFile)); err != nil {
			return run, 0, fmt.Errorf("a run without rows: %w", err)
		}
		defer files[i].Close()
		n, err := locate(ctx, at, i, files, shard, &run)
		if err != nil {
			return run, 0, err
		}
		rows += n
	}
	if i := slices.IndexFunc(at, func(p place) bool { return p.length == 0 }); i >= 0 && !partial {
		return run, 0, fmt.Errorf("example %d: no shard has it, and %d of %d are missing in all", run.Examples.At(i), run.Examples.Count-rows, run.Examples.Count)
	}
	if rows == 0 {
		return run, 0, fmt.Errorf("%s: no rows, nor in any other shard", shards[0])
	}
	err = writeNew(dir, run, func(w *Writer) error {
		for _, p := range at {
			if p.length == 0 {
				continue
			}
			if ctx.Err() != nil {
				return fmt.Errorf("%s: stopped, nothing made: %w", dir, ctx.Err())
			}
			line := make([]byte, p.length)
			if _, err := files[p.shard].ReadAt(line, p.offset); err != nil {
				return fmt.Errorf("%s:%d: %w", files[p.shard].Name(), p.line, err)
			}
			e, err := w.row(line[:p.length-1])
			if err != nil {
				return fmt.Errorf("%s:%d: %w", files[p.shard].Name(), p.line, err)
			}
			if err := w.Append(e); err != nil {
				return err
			}
		}
		return nil
	})
	return run, rows, err
}

// A place is where the row of an example is; length counts its newline, and is 0 where there is none.
type place struct {
	shard, line, length int
	offset              int64
}

// locate fills in where a shard's rows are, having checked each.
func locate(ctx context.Context, at []place, shard int, files []*os.File, dir string, run *Run) (rows int, err error) {
	own, err := ReadRun(dir)
	if err != nil {
		return 0, err
	}
	s := newScanner(files[shard], files[shard].Name(), newParser(&own))
	for {
		if ctx.Err() != nil {
			return rows, fmt.Errorf("%s: stopped, nothing made: %w", dir, ctx.Err())
		}
		e, err := s.next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		p := &at[run.Examples.Position(e.Index)]
		if p.length > 0 {
			return rows, &LineError{s.path, s.line, columns[0], fmt.Errorf("%d is in %s:%d too", e.Index, files[p.shard].Name(), p.line)}
		}
		*p = place{shard, s.line, len(s.buf), s.end - int64(len(s.buf))}
		rows++
	}
}

// mergedRun is the run that shards are of: their plan where they share one, else the one that covers all of theirs.
func mergedRun(partial bool, shards []string) (run Run, err error) {
	versions := map[string][]string{}
	named := map[int]string{} // folders, by the shard that they say they are
	planned, last := 0, 0
	for i, shard := range shards {
		r, err := ReadRun(shard)
		if err != nil {
			return run, err
		}
		for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
			if v := r.Versions[name]; !slices.Contains(versions[name], v) {
				versions[name] = append(versions[name], v)
			}
		}
		own := r.Shard
		r.Examples, r.Shard.Index = r.whole(), 0 // as all shards of one run have them
		p := r.Examples
		planned += p.Count
		if i == 0 {
			run, last = r, p.At(p.Count-1)
		}
		same := r
		if own == (Shard{}) {
			same.Examples = run.Examples
		}
		if d := difference(run, same); d != "" {
			return run, fmt.Errorf("%s holds another run than %s: %s", shard, shards[0], d)
		}
		if own != (Shard{}) {
			if other := named[own.Index]; other != "" {
				return run, fmt.Errorf("%s and %s both are shard %s", other, shard, own)
			}
			named[own.Index] = shard
		}
		if !r.Created.IsZero() && (run.Created.IsZero() || r.Created.Before(run.Created)) {
			run.Created = r.Created
		}
		q := &run.Examples
		if *q == p {
			continue
		}
		stride := divisor(step(*q), divisor(step(p), max(q.Start-p.Start, p.Start-q.Start)))
		last = max(last, p.At(p.Count-1))
		q.Start, q.Stride = min(q.Start, p.Start), max(stride, 1)
		q.Count = (last-q.Start)/q.Stride + 1
	}
	if n := run.Examples.Count; n > 100*planned+1000 {
		return run, fmt.Errorf("%s: one evenly spaced plan over the %d examples of all shards would have %d", shards[0], planned, n)
	}
	for i := range min(run.Shard.Of, run.Examples.Count) {
		if named[i] == "" && !partial {
			return run, fmt.Errorf("shard %d/%d is missing, of the run that %s is part of", i, run.Shard.Of, shards[0])
		}
	}
	run.Shard = Shard{}
	run.Versions = map[string]string{own: version.Unknown} // which older versions don't say
	for name, all := range versions {
		run.Versions[name] = strings.Join(all, ", ")
	}
	return run, run.Validate()
}

// step is the distance between a plan's examples, 0 where it has but one.
func step(p Plan) int {
	if p.Count == 1 {
		return 0
	}
	return p.Stride
}

// writeNew makes a run's folder, whole or not at all.
func writeNew(dir string, run Run, fill func(*Writer) error) error {
	dir = filepath.Clean(dir) // without a slash at its end, which would put what is beside it inside
	if base := filepath.Base(dir); base == "." || base == ".." {
		return fmt.Errorf("%s: name a folder to make", dir)
	}
	if err := mustBeNew(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	next, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(next)
	w, err := Create(next, run)
	if err != nil {
		return err
	}
	err = fill(w)
	if err = errors.Join(err, w.Close(), os.Chmod(next, 0o755)); err != nil {
		return err
	}
	os.Remove(dir) // empty
	if err := os.Rename(next, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func mustBeNew(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err == nil && len(entries) > 0:
		err = fmt.Errorf("%s: not empty; want a folder to make", dir)
	}
	return err
}
