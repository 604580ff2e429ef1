package countlog

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// syncs counts the syncs, and fails from one on.
type syncs struct {
	file
	n, fails int // fails is 0 for never
}

func (s *syncs) Sync() error {
	if s.n++; s.fails > 0 && s.n >= s.fails {
		return &fs.PathError{Op: "sync", Path: "x", Err: syscall.EIO}
	}
	return s.file.Sync()
}

// Append syncs once a second, however fast rows come, by the bubble's clock.
func TestSyncInGroups(t *testing.T) {
	for _, c := range []struct {
		between time.Duration
		want    int // syncs of 20 rows
	}{{0, 0}, {time.Millisecond, 0}, {time.Second / 4, 5}, {time.Second, 20}, {time.Minute, 20}} {
		synctest.Test(t, func(t *testing.T) {
			r := testRun()
			w, err := Create(t.TempDir(), r)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			f := &syncs{file: w.f}
			w.f = f
			for i := range 20 {
				time.Sleep(c.between)
				if err := w.Append(synthetic(&r, r.Examples.At(i))); err != nil {
					t.Fatal(err)
				}
			}
			if f.n != c.want {
				t.Errorf("%v between rows: %d syncs of 20 rows, want %d", c.between, f.n, c.want)
			}
		})
	}
}

// After a failed sync the file has the rows that are on disk, and goes on to the same bytes.
func TestSyncFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := testRun()
		whole, dir := t.TempDir(), t.TempDir()
		fill(t, whole, r, 8)
		w, err := Create(dir, r)
		if err != nil {
			t.Fatal(err)
		}
		w.f = &syncs{file: w.f, fails: 2}
		appended := 0
		for ; err == nil; appended++ {
			time.Sleep(syncEvery / 2)
			err = w.Append(synthetic(&r, r.Examples.At(appended)))
		}
		const want = ": putting rows on disk: input/output error (its 2 complete rows are kept; " +
			"sample again to go on)"
		if appended != 4 || !errors.Is(err, syscall.EIO) ||
			err.Error() != filepath.Join(dir, CountsFile)+want {
			t.Errorf("row %d: %v", appended, err)
		}
		if again := w.Append(synthetic(&r, 9950)); again != err {
			t.Error("a later Append:", again)
		}
		if again := w.Sync(); again != err {
			t.Error("a later Sync:", again)
		}
		if err := w.Close(); err != nil {
			t.Error("Close repeats it:", err)
		}
		if got := counts(t, dir); !bytes.HasPrefix(counts(t, whole), got) ||
			bytes.Count(got, []byte("\n")) != 1+2 {
			t.Errorf("left:\n%s", got)
		}
		fill(t, dir, r, 8)
		if !bytes.Equal(counts(t, dir), counts(t, whole)) {
			t.Error("it went on to other bytes")
		}
	})
}

// Rows for a file that is no longer there are no rows.
func TestGone(t *testing.T) {
	r := testRun()
	for what, spoil := range map[string]func(path string) error{
		"removed": os.Remove,
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+"~"), os.WriteFile(path, nil, 0o644))
		},
		"moved": func(path string) error {
			return os.Rename(filepath.Dir(path), filepath.Dir(path)+"~")
		},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		w, err := Create(dir, r)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append(synthetic(&r, 0)); err != nil {
			t.Fatal(err)
		}
		if err := spoil(filepath.Join(dir, CountsFile)); err != nil {
			t.Skip("this system keeps open files where they are:", err)
		}
		err = w.Sync()
		if err == nil || !strings.HasPrefix(err.Error(), filepath.Join(dir, CountsFile)+
			": gone, or another file") {
			t.Errorf("%s: %v", what, err)
		}
		if again := w.Append(synthetic(&r, 50)); again != err {
			t.Errorf("%s: a later Append: %v", what, again)
		}
		w.Close()
		fill(t, dir, r, 2)
		if n := bytes.Count(counts(t, dir), []byte("\n")); n != 1+2 {
			t.Errorf("%s: made anew with %d lines", what, n)
		}
	}
}
