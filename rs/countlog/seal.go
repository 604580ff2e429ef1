package countlog

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
)

// SealFile is the seal of a run, in its folder.
const SealFile = "seal.json"

// A Seal says which settings and rows a run's folder had when its writer last put rows on disk. A
// later change of either is found. Whoever can write the folder can make the seal again, so a seal
// binds no one until it is signed ([Sign]).
type Seal struct {
	Run  json.RawMessage `json:"run"`  // run.json
	Rows int             `json:"rows"` // the first rows of the table; a killed writer may leave more
	// Chain is "sha256:" and the last link in hexadecimal. The first link is the SHA-256 of Run
	// without white space. Each row adds a link, in the order of the indices: the SHA-256 of the link
	// before it and of the row's own SHA-256, newline left out.
	Chain string `json:"chain"`
	// Tags are the first three bytes of each row's SHA-256, in the order of the file, in base64. They
	// say which row was changed.
	Tags string `json:"tags,omitempty"`
	// Unordered says that the rows don't stand in the order of the plan.
	Unordered bool `json:"unordered,omitempty"`
	// Shards are the seals of the runs that were merged, without tags.
	Shards []Seal `json:"shards,omitempty"`
}

// rowSum is the hash of a row and where the row is: bytes begin to end of the file.
type rowSum struct {
	index      int
	sum        [sha256.Size]byte
	begin, end int64
}

// rowSums are of the rows of a file, in its order.
type rowSums []rowSum

// add adds a line that has no newline.
func (s *rowSums) add(index int, line []byte, begin int64) {
	*s = append(*s, rowSum{index, sha256.Sum256(line), begin, begin + int64(len(line)) + 1})
}

func byIndex(a, b rowSum) int { return cmp.Compare(a.index, b.index) }

func (s rowSums) ordered() bool { return slices.IsSortedFunc(s, byIndex) }

// chain is [Seal.Chain] of a run.json and these rows.
func (s rowSums) chain(run []byte) string {
	if !s.ordered() {
		s = slices.SortedFunc(slices.Values(s), byIndex)
	}
	var text bytes.Buffer
	json.Compact(&text, run) // which was parsed before
	link := sha256.Sum256(text.Bytes())
	var both [2 * sha256.Size]byte
	for _, row := range s {
		copy(both[copy(both[:], link[:]):], row.sum[:])
		link = sha256.Sum256(both[:])
	}
	return "sha256:" + hex.EncodeToString(link[:])
}

// tags is [Seal.Tags].
func (s rowSums) tags() string {
	var tags []byte
	for _, row := range s {
		tags = append(tags, row.sum[:3]...)
	}
	return base64.StdEncoding.EncodeToString(tags)
}

// sealed makes the seal of a run.json and all rows.
func (s rowSums) sealed(run []byte) *Seal {
	return &Seal{Run: run, Rows: len(s), Chain: s.chain(run), Tags: s.tags(), Unordered: !s.ordered()}
}

// readSeal reads the seal in a run's folder, and compares its settings with run.json. It returns
// nil where there is none.
func readSeal(dir string) (*Seal, error) {
	path := filepath.Join(dir, SealFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(Seal)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, jsonError(text, err))
	}
	there, err := parseRun(s.Run)
	if err != nil {
		return nil, fmt.Errorf("%s: run: %w", path, err)
	}
	if s.Rows < 0 {
		return nil, fmt.Errorf("%s: rows: %d, want >= 0", path, s.Rows)
	}
	here, err := os.ReadFile(filepath.Join(dir, RunFile))
	if err != nil {
		return nil, err
	}
	run, err := parseRun(here)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, RunFile), err)
	}
	if rowSums(nil).chain(s.Run) != rowSums(nil).chain(here) {
		d := differ("", reflect.ValueOf(there), reflect.ValueOf(run))
		return nil, fmt.Errorf("%s: changed since %s was written: %s", filepath.Join(dir, RunFile),
			SealFile, cmp.Or(d, "a number is written in another way, or a key is there twice"))
	}
	return s, nil
}

// check compares rows with the seal of their folder; nil is no seal. More rows may follow.
func (s *Seal) check(dir string, run *Run, rows rowSums) error {
	path := filepath.Join(dir, CountsFile)
	switch {
	case s == nil && run.Sealed && len(rows) > 0:
		return fmt.Errorf("%s: gone: %s says that its rows are sealed", filepath.Join(dir, SealFile),
			RunFile)
	case s == nil:
		return nil
	case len(rows) >= s.Rows && rows[:s.Rows].chain(s.Run) == s.Chain:
		return nil
	}
	if err := s.inPlace(path, rows); err != nil {
		return err
	}
	if len(rows) < s.Rows {
		return fmt.Errorf("%s: %d rows, but %s has %d: rows were deleted", path, len(rows), SealFile,
			s.Rows)
	}
	return fmt.Errorf("%s: chain: the settings and the %d rows don't give it: it was changed",
		filepath.Join(dir, SealFile), s.Rows)
}

// inPlace compares the tags of rows, in the order of the file.
func (s *Seal) inPlace(path string, rows rowSums) error {
	tags, _ := base64.StdEncoding.DecodeString(s.Tags)
	for i, row := range rows[:min(len(rows), s.Rows, len(tags)/3)] {
		if !bytes.Equal(row.sum[:3], tags[3*i:3*i+3]) {
			return fmt.Errorf("%s:%d: example %d: isn't the row that %s has here: a row was changed, "+
				"moved or deleted", path, i+2, row.index, SealFile)
		}
	}
	return nil
}

// checkShards compares the seals of the shards with the run and the rows that they were merged to.
// A shard that lacked rows is compared by its settings alone.
func (s *Seal) checkShards(dir string, run *Run, rows rowSums) error {
	for i, shard := range s.Shards {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("%s: shards: %d: %w", filepath.Join(dir, SealFile), i,
				fmt.Errorf(format, args...))
		}
		r, err := parseRun(shard.Run)
		if err != nil {
			return fail("run: %w", err)
		}
		same := r
		same.Examples, same.Shard = run.Examples, run.Shard
		if d := difference(same, *run); d != "" {
			return fail("of another run: %s", d)
		}
		var own rowSums
		for _, row := range rows {
			if r.Examples.Position(row.index) >= 0 {
				own = append(own, row)
			}
		}
		if shard.Rows == r.Examples.Count && own.chain(shard.Run) != shard.Chain {
			return fail("the rows that it had aren't those of %s", CountsFile)
		}
		if err := shard.checkShards(dir, run, own); err != nil {
			return err
		}
	}
	return nil
}

// CheckSeal compares the settings and the rows with the run's seal, which it returns. The seal is
// nil for a run that an older version wrote. The error names the first row that differs.
func (l *Log) CheckSeal() (*Seal, error) {
	seal, err := readSeal(l.dir) // before the rows: another process may add some
	if err != nil {
		return nil, err
	}
	path := filepath.Join(l.dir, CountsFile)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows rowSums
	s := newScanner(f, path, newParser(&l.Run))
	for seal == nil && len(rows) == 0 || seal != nil && len(rows) < seal.Rows {
		line, n, err := s.rowLine()
		if err == io.EOF || errors.Is(err, ErrTorn) {
			break
		}
		if err != nil {
			return nil, err
		}
		index, _ := digits(line, 0)
		rows.add(index, line, s.end)
		s.end += n
	}
	if err := seal.check(l.dir, &l.Run, rows); err != nil || seal == nil {
		return nil, err
	}
	killed := seal.Unordered && rows.ordered() // after its writer put the rows in order
	if !killed && rows.tags() != seal.Tags {
		return nil, cmp.Or(seal.inPlace(path, rows), fmt.Errorf("%s: tags: not those of the rows",
			filepath.Join(l.dir, SealFile)))
	}
	return seal, seal.checkShards(l.dir, &l.Run, rows)
}

// seal writes the seal of the rows on disk, where they are others than those of the last seal. It
// first compares the rows that were there with the seal that was there. Where fewer rows are left
// than that seal has, it waits until they are drawn again.
func (w *Writer) seal() error {
	dir, there := filepath.Dir(w.path), w.sealed
	if there != nil && len(w.sums) < there.Rows {
		return nil
	}
	if !w.checked {
		if err := there.check(dir, w.run, w.sums); err != nil {
			return fmt.Errorf("%w; restore the file, or sample into another folder", err)
		}
		w.checked = true
	}
	older := there == nil && w.count > 0 && w.count == w.begun // complete, of an older version
	if older || there != nil && there.Rows == w.count && there.Unordered == !w.sums.ordered() {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, RunFile))
	if err != nil {
		return err
	}
	now := w.sums.sealed(text)
	if there != nil {
		now.Shards = there.Shards
	}
	if err := os.Remove(filepath.Join(dir, SignatureFile)); err != nil &&
		!errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := atomic.WriteJSON(filepath.Join(dir, SealFile), now); err != nil {
		return err
	}
	w.sealed = now
	return nil
}

// order puts the rows in the order of the plan: a row that was missing was added behind the others.
func (w *Writer) order() error {
	slices.SortFunc(w.sums, byIndex)
	err := atomic.WriteFile(w.path, func(to io.Writer) error {
		from, err := os.Open(w.path)
		if err != nil {
			return err
		}
		defer from.Close()
		if _, err := io.WriteString(to, w.header+"\n"); err != nil {
			return err
		}
		for _, row := range w.sums {
			part := io.NewSectionReader(from, row.begin, row.end-row.begin)
			if _, err := io.Copy(to, part); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.seal()
}
