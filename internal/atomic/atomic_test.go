package atomic

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// What can't be written whole leaves what was there, and nothing beside it.
func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "a.json")
	if err := WriteJSON(path, map[string]string{"α": "<0.001>"}); err != nil {
		t.Fatal(err)
	}
	const want = "{\n  \"α\": \"<0.001>\"\n}\n"
	broken := errors.New("broken")
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, "half")
		return broken
	})
	if text, _ := os.ReadFile(path); !errors.Is(err, broken) || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
	if err := WriteJSON(path, func() {}); err == nil {
		t.Error("a function is written")
	}
	there, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(there) != 1 {
		t.Error(there, err)
	}
	if info, err := there[0].Info(); err != nil || info.Mode().Perm() != 0o644 {
		t.Error(info, err)
	}
}
