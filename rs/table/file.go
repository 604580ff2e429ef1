package table

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
)

// About returns the path of the JSON file beside a table, which says with what settings the table
// was made.
func About(path string) string { return strings.TrimSuffix(path, ".tsv") + ".json" }

// caption is what the file beside a table has in one line for people, besides other fields.
type caption struct {
	Caption string `json:"caption"`
}

// WriteFile writes a table as TSV, and its settings as JSON beside it. The settings are any value,
// and a string is a caption. A file is written whole or not at all. WriteFile makes the folder if
// needed. Nil writes no such file.
func (t *Table) WriteFile(path string, about any) error {
	var text bytes.Buffer
	if err := t.WriteTSV(&text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if line, ok := about.(string); ok {
		about = caption{line}
	}
	if about != nil {
		if err := atomic.WriteJSON(About(path), about); err != nil {
			return err
		}
	}
	return atomic.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(text.Bytes())
		return err
	})
}

// ReadFile reads a table and its caption. The table is nil if there is no such file. Tables of
// older versions have the caption in a first line that begins with #.
func ReadFile(path string) (t *Table, line string, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if t, err = Read(bytes.NewReader(text), path); err != nil {
		return nil, "", err
	}
	if first, _, _ := strings.Cut(string(text), "\n"); strings.HasPrefix(first, "#") {
		return t, strings.TrimSpace(first[1:]), nil
	}
	var about caption
	if err := ReadAbout(path, &about); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, "", err
	}
	return t, about.Caption, nil
}

// ReadAbout reads what the file beside a table has. Its error wraps os.ErrNotExist where there is
// no such file.
func ReadAbout(path string, into any) error {
	text, err := os.ReadFile(About(path))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", About(path), err)
	}
	return nil
}
