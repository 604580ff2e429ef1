package jupyter

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkout makes a folder that looks like one, with these notebooks.
func checkout(t *testing.T, names ...string) string {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), module+"\n\ngo 1.26\n")
	for _, name := range names {
		write(t, filepath.Join(dir, folder, name+".ipynb"),
			`{"source": ["work init . $GONB_DIR/.."]}`)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func fails(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line with %q", err, want)
	}
}

func TestCheckout(t *testing.T) {
	dir := checkout(t, "01_a")
	for _, below := range []string{dir, filepath.Join(dir, folder)} {
		if got, err := Checkout(below); err != nil || got != dir {
			t.Errorf("of %s: %s, %v", below, got, err)
		}
	}
	_, err := Checkout(t.TempDir())
	fails(t, err, "is in no checkout of lipsmooth")
}

func TestFind(t *testing.T) {
	dir := checkout(t, "01_a", "02_b")
	other := filepath.Join(t.TempDir(), "mine.ipynb")
	write(t, other, "{}")
	for _, c := range []struct{ names, want string }{
		{"", "01_a 02_b"}, {"02_b", "02_b"}, {"02_b.ipynb 01_a", "02_b 01_a"}, {other, "mine"},
	} {
		paths, err := Find(dir, strings.Fields(c.names)...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, path := range paths {
			got = append(got, Name(path))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: got %s, want %s", c.names, s, c.want)
		}
	}
	_, err := Find(dir, "03_c")
	fails(t, err, `no notebook "03_c"; known: 01_a, 02_b`)
	_, err = Find(t.TempDir())
	fails(t, err, "has no notebooks")
}

// TestCopy: a copy names its checkout, and one that was worked on stays as it is.
func TestCopy(t *testing.T) {
	dir, to := checkout(t, "01_a", "02_b"), filepath.Join(t.TempDir(), "new", "folder")
	write(t, filepath.Join(to, "02_b.ipynb"), "worked on")
	paths, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	copies, err := Copy(`/odd "checkout`, to, paths)
	if err != nil || len(copies) != 2 || copies[1] != filepath.Join(to, "02_b.ipynb") {
		t.Fatal(copies, err)
	}
	for name, want := range map[string]string{"01_a": `{"source": ["work init . /odd \"checkout"]}`,
		"02_b": "worked on"} {
		got, err := fs.ReadFile(os.DirFS(to), name+".ipynb")
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, want)
		}
	}
}

// TestMissing runs Setup where a program is missing: the error is one line that says which.
func TestMissing(t *testing.T) {
	dir := checkout(t, "01_a")
	for _, name := range []string{"go.mod", "go.sum"} {
		write(t, filepath.Join(dir, folder, "tools", name), "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	_, err := Setup(t.Context(), dir, Options{})
	fails(t, err, "compiling GoNB: no go on PATH")

	script := func(name, text string) {
		write(t, filepath.Join(bin, name), "#!/bin/sh\n"+text+"\n")
		if err := os.Chmod(filepath.Join(bin, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script("go", "exit 0")
	_, err = Setup(t.Context(), dir, Options{})
	fails(t, err, "no python3 on PATH: install Python 3.11 or later with pip and venv")

	script("python3", `echo "3.8 is older than 3.11" >&2; exit 1`)
	_, err = Setup(t.Context(), dir, Options{})
	fails(t, err, "3.8 is older than 3.11")

	script("python3", `case "$2" in venv) echo "ensurepip is not available" >&2; exit 1; esac`)
	_, err = Setup(t.Context(), dir, Options{})
	fails(t, err, "exit status 1: ensurepip is not available (on Debian, apt install python3-venv)")

	// An environment whose pip finds no network.
	script("python3", `case "$2" in venv) `+mkdir+` -p "$3/bin"; `+cp+
		` "$0" "$3/bin/python";; pip) printf 'WARNING: retrying\nERROR: no route\nmore\n' >&2; `+
		`exit 1; esac`)
	_, err = Setup(t.Context(), dir, Options{})
	fails(t, err, "installing nbclient and nbconvert: pip install, which takes a network "+
		"or a mirror that pip is set to: exit status 1: ERROR: no route")
}

// Programs of the scripts, whose PATH has none.
const mkdir, cp = "/bin/mkdir", "/bin/cp"
