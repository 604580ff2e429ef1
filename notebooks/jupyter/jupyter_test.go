package jupyter

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/version"
)

// made makes a folder that looks like a checkout, with these notebooks.
func made(t *testing.T, names ...string) Home {
	h := checkout(t.TempDir())
	write(t, filepath.Join(h.Module, "go.mod"), "module "+module+"\n\ngo 1.26\n")
	write(t, filepath.Join(h.Module, "go.sum"), "some v1.0.0 h1:AAAA=\n")
	for _, name := range names {
		write(t, filepath.Join(h.Notebooks, name+".ipynb"), "cells of "+name)
	}
	return h
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

func TestHere(t *testing.T) {
	h := made(t, "01_a")
	for _, below := range []string{h.Module, h.Notebooks} {
		if got, err := Here(below); err != nil || got != h {
			t.Errorf("of %s: %v, %v", below, got, err)
		}
	}
	other := t.TempDir()
	write(t, filepath.Join(other, "go.mod"), "module mine\n\nrequire "+module+"x v1.0.0\n")
	_, err := Here(other)
	fails(t, err, "is in no checkout of lipsmooth and no copy of its notebooks: make one with")
}

func TestFind(t *testing.T) {
	h := made(t, "01_a", "02_b")
	other := filepath.Join(t.TempDir(), "mine.ipynb")
	write(t, other, "{}")
	for _, c := range []struct{ names, want string }{
		{"", "01_a 02_b"}, {"02_b", "02_b"}, {"02_b.ipynb 01_a", "02_b 01_a"}, {other, "mine"},
	} {
		paths, err := Find(h, strings.Fields(c.names)...)
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
	_, err := Find(h, "03_c")
	fails(t, err, `no notebook "03_c"; known: 01_a, 02_b`)
	_, err = Find(Home{Notebooks: t.TempDir()})
	fails(t, err, "has no notebooks")
}

// TestCopy: a copy is a module that takes the packages from where it was made. What was worked on
// stays as it is. A copy of a copy is like the first.
func TestCopy(t *testing.T) {
	h, to := made(t, "01_a", "02_b"), filepath.Join(t.TempDir(), "new", "folder")
	write(t, filepath.Join(to, "02_b.ipynb"), "worked on")
	paths, err := Find(h)
	if err != nil {
		t.Fatal(err)
	}
	copied, copies, err := Copy(h, to, paths)
	if err != nil || len(copies) != 2 || copies[1] != filepath.Join(to, "02_b.ipynb") {
		t.Fatal(copies, err)
	}
	want := map[string]string{
		"01_a.ipynb": "cells of 01_a",
		"02_b.ipynb": "worked on",
		"go.mod": "module own\n\ngo 1.26\n\nrequire " + module + " v0.0.0\n\nreplace " + module +
			" => \"" + h.Module + "\"\n",
		"go.sum": "some v1.0.0 h1:AAAA=\n",
	}
	holds(t, to, want)
	if got, err := Here(to); err != nil || got != copied || got.Notebooks != to {
		t.Errorf("in a copy: %v, %v", got, err)
	}

	again := t.TempDir()
	if _, _, err := Copy(copied, again, copies); err != nil {
		t.Fatal(err)
	}
	holds(t, again, want)

	write(t, filepath.Join(again, "go.mod"), "module another\n")
	_, _, err = Copy(h, again, paths)
	fails(t, err, "is of a module that doesn't require lipsmooth: copy into another folder")
}

func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	for name, want := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, want)
		}
	}
}

// TestSource: a program of a checkout takes the checkout, and a release the module that is
// published.
func TestSource(t *testing.T) {
	h := made(t, "01_a")
	if got, err := source(t.Context(), h.Module, "v1.2.3"); err != nil || got != h {
		t.Errorf("of a checkout: %v, %v", got, err)
	}
	gone := filepath.Join(t.TempDir(), "gone")
	_, err := source(t.Context(), gone, version.Unknown)
	fails(t, err, "the notebooks of this lipsmooth are gone with its checkout: install a release")

	proxy := filepath.ToSlash(publish(t, "v1.2.3"))
	t.Setenv("GOPROXY", "file://"+proxy)
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw")
	got, err := source(t.Context(), gone, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	paths, err := Find(got)
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if _, _, err := Copy(got, to, paths); err != nil {
		t.Fatal(err)
	}
	holds(t, to, map[string]string{
		"01_a.ipynb": "cells of 01_a",
		"go.mod":     "module own\n\ngo 1.26\n\nrequire " + module + " v1.2.3\n",
	})
	if sum, err := os.ReadFile(filepath.Join(to, "go.sum")); err != nil ||
		strings.Count(string(sum), "\n"+module+" v1.2.3") != 2 {
		t.Errorf("go.sum: %s, %v", sum, err)
	}
	_, err = source(t.Context(), gone, "v1.2.4")
	fails(t, err, "downloading "+module+"@v1.2.4 for its notebooks")
}

// publish makes a module proxy with one version of a module that looks like this one.
func publish(t *testing.T, version string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	base := filepath.Join(dir, filepath.FromSlash(module), "@v", version)
	h := made(t, "01_a")
	write(t, base+".info", `{"Version": "`+version+`"}`)
	text, err := os.ReadFile(filepath.Join(h.Module, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, base+".mod", string(text))
	f, err := os.Create(base + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	defer z.Close()
	for _, name := range []string{"go.mod", "go.sum", "notebooks/01_a.ipynb"} {
		text, err := os.ReadFile(filepath.Join(h.Module, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(module + "@" + version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestInPython(t *testing.T) {
	dir := t.TempDir()
	g, p, no := filepath.Join(dir, "go.ipynb"), filepath.Join(dir, "python.ipynb"),
		filepath.Join(dir, "no.ipynb")
	write(t, g, `{"metadata": {"kernelspec": {"language": "go"}}}`)
	write(t, p, `{"metadata": {"kernelspec": {"language": "python"}}}`)
	write(t, no, "none")
	if of, err := InPython([]string{g}); of || err != nil {
		t.Error("Go:", of, err)
	}
	if of, err := InPython([]string{g, p}); !of || err != nil {
		t.Error("Python:", of, err)
	}
	_, err := InPython([]string{no})
	fails(t, err, "no.ipynb is no notebook")
}

// TestMissing runs Setup where a program is missing: the error is one line that says which.
func TestMissing(t *testing.T) {
	h := made(t, "01_a")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	_, err := Setup(t.Context(), h, Options{})
	fails(t, err, "compiling GoNB: no go on PATH")

	script := func(name, text string) {
		write(t, filepath.Join(bin, name), "#!/bin/sh\n"+text+"\n")
		if err := os.Chmod(filepath.Join(bin, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script("go", "exit 0")
	_, err = Setup(t.Context(), h, Options{})
	fails(t, err, "no python3 on PATH: install Python 3.11 or later with pip and venv")

	script("python3", `echo "3.8 is older than 3.11" >&2; exit 1`)
	_, err = Setup(t.Context(), h, Options{})
	fails(t, err, "3.8 is older than 3.11")

	script("python3", `case "$2" in venv) echo "ensurepip is not available" >&2; exit 1; esac`)
	_, err = Setup(t.Context(), h, Options{})
	fails(t, err, "exit status 1: ensurepip is not available (on Debian, apt install python3-venv)")

	// An environment whose pip finds no network.
	script("python3", `case "$2" in venv) `+mkdir+` -p "$3/bin"; `+cp+
		` "$0" "$3/bin/python";; pip) printf 'WARNING: retrying\nERROR: no route\nmore\n' >&2; `+
		`exit 1; esac`)
	_, err = Setup(t.Context(), h, Options{})
	fails(t, err, "installing nbclient and nbconvert: pip install, which takes a network "+
		"or a mirror that pip is set to: exit status 1: ERROR: no route")
}

// Programs of the scripts, whose PATH has none.
const mkdir, cp = "/bin/mkdir", "/bin/cp"
