// Package atomic writes files whole: whoever reads one finds the old text or the new one, and
// never a part.
package atomic

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// WriteFile replaces the file at path by what write writes, and makes its folder. It writes
// beside path, under a name of its own, and renames at the end, so several writers may share a
// path: the last to end wins. Each check gets the name of the written file before it is renamed.
// Where write, a check or the disk fails, the old file stays. Errors begin with path.
func WriteFile(path string, write func(io.Writer) error,
	checks ...func(written string) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	sweep(path)
	next := filepath.Join(dir, fmt.Sprintf("%s%016x%s", prefix(path), rand.Uint64(), suffix))
	f, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return named(path, err)
	}
	defer os.Remove(next) // nothing is there after the rename
	defer f.Close()       // of a write that panics
	b := bufio.NewWriter(f)
	if err := write(b); err != nil {
		return named(path, err)
	}
	for _, end := range []func() error{b.Flush, f.Sync, f.Close} {
		if err := end(); err != nil {
			return named(path, err)
		}
	}
	for _, check := range checks {
		if err := check(next); err != nil {
			return named(path, err)
		}
	}
	if err := os.Rename(next, path); err != nil {
		return named(path, err)
	}
	return nil
}

// WriteBytes replaces the file at path by data, as WriteFile does.
func WriteBytes(path string, data []byte) error {
	return WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// named puts path in the place of the names that the operating system's error has.
func named(path string, err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	} else if link, ok := errors.AsType[*os.LinkError](err); ok {
		err = link.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

const suffix = ".new"

func prefix(path string) string { return "." + filepath.Base(path) + "-" }

// sweep removes what writers of path have left that were killed, a day later.
func sweep(path string) {
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, entry := range entries {
		middle, ours := strings.CutPrefix(entry.Name(), prefix(path))
		if !ours || len(middle) != 16+len(suffix) || !strings.HasSuffix(middle, suffix) {
			continue
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			os.Remove(filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
}

// WriteJSON replaces the file at path by a value, indented, as WriteFile does.
func WriteJSON(path string, value any) error {
	return WriteFile(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(value)
	})
}
