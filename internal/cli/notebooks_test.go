package cli

import (
	"io"
	"strings"
	"testing"
)

// TestNotebooksRefused: what is wrong is said before anything is installed.
func TestNotebooksRefused(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--save", "--save keeps the outputs of --execute: give both"},
		{"--copy dir --execute", "--copy opens a copy"},
		{"--copy dir --html dir", "--copy opens a copy"},
		{"--execute --limit 10ms", "--limit 10ms: want at least 1s"},
		{"--execute 99_nothing", `no notebook "99_nothing"; known: 01_quickstart`},
	} {
		err := Run(t.Context(), append([]string{"notebooks"}, strings.Fields(c.args)...),
			io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %q", c.args, err, c.want)
		}
	}
	t.Chdir(t.TempDir())
	err := Run(t.Context(), []string{"notebooks"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "is in no checkout of lipsmooth and "+
		"no copy of its notebooks: make one with `lipsmooth notebooks --copy DIR`") {
		t.Errorf("outside a checkout: %v", err)
	}
}
