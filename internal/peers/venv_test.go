//go:build unix

package peers

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePython stands for python3 -m venv. It makes a python that notes pip's requirements. That
// python imports "installed" packages, unless a requirement is refused.
const fakePython = `#!/bin/sh
test "$1 $2" = "-m venv" || exit 9
mkdir -p "$3/bin"
cat >"$3/bin/python" <<'END'
#!/bin/sh
here=$(dirname "$0")
case "$*" in
"-m pip install"*unheard==1) echo "WARNING: retrying" >&2
	echo "ERROR: No matching distribution found for unheard==1" >&2; exit 1 ;;
"-m pip install"*) echo "$*" >>"$here/installed" ;;
"-I -c import good") test -e "$here/installed" ;;
*) echo "ImportError: not so good" >&2; exit 1 ;;
esac
END
chmod +x "$3/bin/python"
`

func TestEnvironments(t *testing.T) {
	path := t.TempDir()
	t.Setenv("PATH", path+string(os.PathListSeparator)+os.Getenv("PATH"))
	if err := os.WriteFile(filepath.Join(path, "python3"), []byte(fakePython), 0o777); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	e := Environments{Dir: filepath.Join(t.TempDir(), "peers"), Log: &log}
	good := Peer{"jax", "good", []string{"numpy==1", "good==2"}}
	python := filepath.Join(e.Dir, "good", "bin", "python")
	// made says whether the environment was made anew.
	made := func(p Peer) bool {
		t.Helper()
		log.Reset()
		if got, err := e.Python(t.Context(), p); err != nil || got != python {
			t.Fatal(got, err)
		}
		return strings.Contains(log.String(), "installing "+strings.Join(p.Requirements, " "))
	}
	if !made(good) || made(good) {
		t.Error("it isn't made once")
	}
	pip, err := os.ReadFile(filepath.Join(e.Dir, "good", "bin", "installed"))
	if err != nil || strings.Count(string(pip), "\n") != 1 ||
		!strings.HasSuffix(string(pip), " numpy==1 good==2\n") {
		t.Errorf("pip: %s, %v", pip, err)
	}
	if err := os.Remove(filepath.Join(e.Dir, "good", "bin", "installed")); err != nil {
		t.Fatal(err)
	}
	if !made(good) || made(good) {
		t.Error("a broken one isn't made anew, once")
	}
	if err := os.Remove(filepath.Join(e.Dir, "good", marker)); err != nil {
		t.Fatal(err)
	}
	if !made(good) {
		t.Error("one whose making was cut off isn't made anew")
	}
	good.Requirements[1] = "good==3"
	if !made(good) || made(good) {
		t.Error("one of other versions isn't made anew, once")
	}

	for want, p := range map[string]Peer{
		"pip install, which takes a network or a mirror that pip is set to: exit status 1: " +
			"ERROR: No matching distribution found for unheard==1": {"a", "a",
			[]string{"unheard==1"}},
		"import bad, as installed: exit status 1: ImportError: not so good": {"b", "bad",
			[]string{"bad==1"}},
	} {
		for range 2 { // it isn't taken for done
			if _, err := e.Python(t.Context(), p); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
	t.Setenv("PATH", "")
	if _, err := e.Python(t.Context(), Peer{"c", "c", nil}); err == nil ||
		err.Error() != "no python3 on PATH: install Python 3 with pip and venv" {
		t.Error(err)
	}
}
