package atomic

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// alone reports what else lies in the folder of path.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		t.Errorf("the folder of %s holds %v, %v", path, entries, err)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "on the way", "a[*]")
	for _, text := range []string{"one", "", strings.Repeat("long ", 1e5)} {
		checked := false
		err := WriteFile(path, func(w io.Writer) error {
			for part := range strings.SplitAfterSeq(text, " ") {
				io.WriteString(w, part)
			}
			return nil
		}, func(written string) error {
			checked = written != path && read(t, written) == text
			return nil
		})
		if err != nil || !checked || read(t, path) != text {
			t.Errorf("%d bytes: %v, read %d, checked %v", len(text), err, len(read(t, path)),
				checked)
		}
		alone(t, path)
	}
	if err := WriteBytes(path, []byte("bytes")); err != nil || read(t, path) != "bytes" {
		t.Error(err)
	}
}

func TestFailuresKeepTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteBytes(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	none := func(io.Writer) error { return nil }
	for name, c := range map[string]struct {
		write func(io.Writer) error
		check func(string) error
		want  error
	}{
		"write": {func(w io.Writer) error {
			w.Write(bytes.Repeat([]byte("new"), 1e5))
			return io.ErrUnexpectedEOF
		}, nil, io.ErrUnexpectedEOF},
		"no room": {func(w io.Writer) error {
			w.Write(bytes.Repeat([]byte("new"), 1e5))
			return &os.PathError{Op: "write", Path: "elsewhere", Err: syscall.ENOSPC}
		}, nil, syscall.ENOSPC},
		"check": {none, func(string) error { return io.ErrNoProgress }, io.ErrNoProgress},
		"gone":  {none, os.Remove, os.ErrNotExist},
	} {
		checks := []func(string) error{func(string) error { return nil }}
		if c.check != nil {
			checks = append(checks, c.check)
		}
		err := WriteFile(path, c.write, checks...)
		if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), path+": ") ||
			strings.Contains(err.Error(), suffix) || strings.Contains(err.Error(), "elsewhere") {
			t.Errorf("%s: %v", name, err)
		}
		if got := read(t, path); got != "old" {
			t.Errorf("%s: the file is now %q", name, got)
		}
		alone(t, path)
	}
	func() {
		defer func() { _ = recover() }()
		_ = WriteFile(path, func(io.Writer) error { panic("write") })
	}()
	if got := read(t, path); got != "old" {
		t.Errorf("a panic: the file is now %q", got)
	}
	alone(t, path)
}

func TestNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := WriteBytes(file, nil); err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(file, "below")
	if err := WriteBytes(below, nil); err == nil || !strings.HasPrefix(err.Error(), below+": ") {
		t.Errorf("a file below a file: %v", err)
	}
	if err := WriteBytes(filepath.Dir(file), nil); err == nil {
		t.Error("a folder was replaced")
	}
}

// Of many writers of one path each succeeds, and the file is one of theirs.
func TestConcurrentWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	text := func(i int) string { return strings.Repeat(fmt.Sprintf("%02d\n", i), 1e4) }
	var writing sync.WaitGroup
	for i := 10; i < 30; i++ {
		writing.Go(func() {
			if err := WriteBytes(path, []byte(text(i))); err != nil {
				t.Error(err)
			}
			var first int
			got := read(t, path)
			if _, err := fmt.Sscan(got, &first); err != nil || got != text(first) {
				t.Errorf("writer %d reads %d bytes, a mixture", i, len(got))
			}
		})
	}
	writing.Wait()
	alone(t, path)
}

// What a killed writer left goes a day later; what another writer writes now stays, and so do
// files of other names.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, ".file-0123456789abcdef.new")
	now := filepath.Join(dir, ".file-0123456789abcdee.new")
	others := []string{filepath.Join(dir, ".file-notes.new"),
		filepath.Join(dir, ".fil-0123456789abcdef.new"),
		filepath.Join(dir, ".file-0123456789abcdef.neu")}
	for _, path := range append(others, old, now) {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if path == now {
			continue
		}
		long := time.Now().Add(-25 * time.Hour)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteBytes(filepath.Join(dir, "file"), nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range append(others, now) {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", old, err)
	}
}
