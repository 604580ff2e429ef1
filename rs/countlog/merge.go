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

// Merge makes the folder of one run from shards. The folder must not exist. Shards are runs of the
// same settings whose plans may differ. No row may be in two shards. Shards that state which
// [Shard] they are must be different shards of one run. The rows stand in the order of the plan,
// byte for byte as in a run of one piece. Unless partial, no shard and no row of the plan may be
// missing. Where ctx ends first, Merge makes nothing. It returns the run and the number of its
// rows.
func Merge(ctx context.Context, dir string, partial bool, shards ...string) (run Run, rows int,
	err error) {
	if run, err = mergedRun(partial, shards); err != nil {
		return run, 0, err
	}
	at := make([]place, run.Examples.Count)
	files := make([]*os.File, len(shards))
	var seals []Seal
	for i, shard := range shards {
		if files[i], err = os.Open(filepath.Join(shard, CountsFile)); err != nil {
			return run, 0, fmt.Errorf("the run has no rows: %w", err)
		}
		defer files[i].Close()
		n, seal, err := locate(ctx, shard, files[:i+1], run.Examples, at)
		if err != nil {
			return run, 0, err
		}
		if rows += n; seal != nil {
			seal.Tags = ""
			seals = append(seals, *seal)
		}
	}
	if i := slices.IndexFunc(at, func(p place) bool { return p.length == 0 }); i >= 0 && !partial {
		return run, 0, fmt.Errorf("example %d is in no shard; %d of %d examples are missing",
			run.Examples.At(i), run.Examples.Count-rows, run.Examples.Count)
	}
	if rows == 0 {
		return run, 0, fmt.Errorf("%s: no rows, nor in any other shard", shards[0])
	}
	err = writeNew(dir, run, func(w *Writer) error {
		w.sealed.Shards = seals
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

// A place is where an example's row is. length counts the row's newline. length is 0 where no shard
// has the row.
type place struct {
	shard, line, length int
	offset              int64
}

// locate checks each row of the shard in dir and fills in where the row is. The last of the files
// is the shard's own; at has one place an example of the plan. It returns the shard's seal.
func locate(ctx context.Context, dir string, files []*os.File, plan Plan, at []place) (rows int,
	seal *Seal, err error) {
	own, err := ReadRun(dir)
	if err != nil {
		return 0, nil, err
	}
	if seal, err = readSeal(dir); err != nil {
		return 0, nil, err
	}
	shard := len(files) - 1
	s := newScanner(files[shard], files[shard].Name(), newParser(&own))
	for {
		if ctx.Err() != nil {
			return rows, nil, fmt.Errorf("%s: stopped, nothing made: %w", dir, ctx.Err())
		}
		e, err := s.next()
		if err == io.EOF {
			return rows, seal, seal.check(dir, &own, s.sums)
		}
		if err != nil {
			return rows, nil, err
		}
		p := &at[plan.Position(e.Index)]
		if p.length > 0 {
			return rows, nil, &LineError{s.path, s.line, columns[0],
				fmt.Errorf("%d is in %s:%d too", e.Index, files[p.shard].Name(), p.line)}
		}
		*p = place{shard, s.line, len(s.buf), s.end - int64(len(s.buf))}
		rows++
	}
}

// mergedRun is the run that the shards are part of. Its plan is the shards' own where they share
// one, or else the plan that covers all of theirs.
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
		last = max(last, p.At(p.Count-1))
		*q = covering(*q, p, last)
	}
	if n := run.Examples.Count; n > 100*planned+1000 {
		return run, fmt.Errorf("%s: one evenly spaced plan over the %d examples of all shards "+
			"would have %d", shards[0], planned, n)
	}
	for i := range min(run.Shard.Of, run.Examples.Count) {
		if named[i] == "" && !partial {
			return run, fmt.Errorf("shard %d/%d is missing from the run of %s", i,
				run.Shard.Of, shards[0])
		}
	}
	run.Shard = Shard{}
	run.Versions = map[string]string{own: version.Unknown} // which older versions don't say
	for name, all := range versions {
		run.Versions[name] = strings.Join(all, ", ")
	}
	return run, run.Validate()
}

// covering is the evenest plan with the examples of two, the last of all known.
func covering(a, b Plan, last int) Plan {
	stride := divisor(step(a), divisor(step(b), max(a.Start-b.Start, b.Start-a.Start)))
	if stride = max(stride, 1); a.Over != b.Over || stride < a.over() {
		first := min(a.At(0), b.At(0))
		return Plan{Start: first, Stride: 1, Count: last - first + 1}
	}
	c := Plan{Start: min(a.Start, b.Start), Stride: stride, Over: a.Over}
	c.Count = ((last+1)*c.over()-1-c.Start)/stride + 1
	return c
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
	// With a slash at its end, dir would hold the temporary folder that must lie beside dir.
	dir = filepath.Clean(dir)
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
