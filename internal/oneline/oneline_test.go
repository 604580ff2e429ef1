package oneline

import (
	"errors"
	"io"
	"testing"
)

func TestError(t *testing.T) {
	if Error(nil) != nil || Error(io.EOF) != io.EOF {
		t.Error("an error of one line is another")
	}
	err := Error(errors.Join(io.EOF, errors.New(" at\n\n\tf()\n")))
	if want := "EOF; at; f()"; err.Error() != want || !errors.Is(err, io.EOF) {
		t.Errorf("%q, want %q and an EOF", err, want)
	}
}

func TestQuoted(t *testing.T) {
	for path, want := range map[string]string{"runs/a-0.5": "runs/a-0.5", "σ/x": "σ/x", "": "''",
		"my runs": "'my runs'", "it's": `'it'\''s'`, "$HOME": "'$HOME'"} {
		if got := Quoted(path); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
}
