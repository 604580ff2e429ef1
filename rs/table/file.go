package table

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// ReadFile reads a table and the caption above it; nil where there is no such file.
func ReadFile(path string) (t *Table, caption string, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if first, _, _ := strings.Cut(string(text), "\n"); strings.HasPrefix(first, "#") {
		caption = strings.TrimSpace(first[1:])
	}
	t, err = Read(bytes.NewReader(text), path)
	return t, caption, err
}

// WriteFile writes a table as TSV, whole or not at all, into a folder that is made where there is none.
func (t *Table) WriteFile(path, caption string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	next := path + ".new"
	f, err := os.Create(next)
	if err != nil {
		return err
	}
	defer os.Remove(next)
	err = t.WriteTSV(f, caption)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(next, path)
}
