//go:build unix

package cli

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"
)

// onTerminal runs the command on a terminal of so many columns, and returns the lines that the
// terminal shows.
func onTerminal(t *testing.T, columns int, args ...string) (lines []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), asCommand+"=1")
	if startedSet {
		c.Env = append(c.Env, backendVariable+"="+startedWith)
	}
	f, err := pty.StartWithSize(c, &pty.Winsize{Rows: 24, Cols: uint16(columns)})
	if err != nil {
		t.Skip("this machine gives no pseudo-terminal: ", err)
	}
	defer f.Close()
	text, _ := io.ReadAll(f) // ends with an error, as a terminal does
	if err := c.Wait(); err != nil {
		t.Fatalf("lipsmooth %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\r\n", "\n")) {
		line = strings.TrimSuffix(line, "\n")
		for shown := range strings.SplitSeq(line, "\r") { // each drawn over the one before
			shown = strings.ReplaceAll(shown, "\x1b[K", "")
			lines = append(lines, shown)
		}
	}
	return lines
}

// TestScreen: no line is wider than the terminal, but for one word that is longer.
func TestScreen(t *testing.T) {
	dir := copied(t, smoke(t))
	out := t.TempDir()
	for _, columns := range []int{60, 80, 120} {
		for _, args := range [][]string{
			{"--help"}, {"sample", "--help"}, {"sample", "--help-all"}, {"train", "--help-all"},
			{"attack", "--help-all"}, {"certify", "--help-all"}, {"import", "--help"},
			{"figures", "list"}, {"info"}, {"certify", dir, "--interval", "0.9"},
			{"compare", dir, filepath.Join(dir, "sigma", "0.25")}, {"verify", dir},
			{"reproduce", "--preset", "smoke", "--data", tiny(), "--out", dir},
			{"sample", filepath.Join(dir, "model"), "--data", tiny(), "--images", "30", "--n", "2000",
				"--out", filepath.Join(out, string(rune('a'+columns/60)))},
		} {
			for _, line := range onTerminal(t, columns, args...) {
				n := utf8.RuneCountInString(line)
				if n > columns && len(strings.Fields(line)) > 1 && !longWord(line, columns) {
					t.Errorf("lipsmooth %s: %d columns of %d: %q", args[0], n, columns, line)
				}
			}
		}
	}
}

// longWord reports whether a word of the line, such as a path, leaves no room beside it.
func longWord(line string, columns int) bool {
	return slices.ContainsFunc(strings.Fields(line), func(word string) bool {
		return utf8.RuneCountInString(word) > columns-24
	})
}

// TestHelpAll: --help shows the common flags in groups, --help-all shows every flag, and neither
// names a type of Go.
func TestHelpAll(t *testing.T) {
	for _, c := range commands {
		name := c().Name()
		short, all := must(t, name, "--help"), must(t, name, "--help-all")
		for _, text := range []string{short, all} {
			for _, bad := range []string{"float64", "Slice", "0.000000", "default -1", "uint"} {
				if strings.Contains(text, bad) {
					t.Errorf("%s --help says %s:\n%s", name, bad, text)
				}
			}
		}
		if strings.Contains(short, "--help-all shows") == (short == all) {
			t.Errorf("%s --help:\n%s", name, short)
		}
	}
	short, all := must(t, "sample", "--help"), must(t, "sample", "--help-all")
	if strings.Contains(short, "--one-by-one") || !strings.Contains(all, "--one-by-one") ||
		strings.Index(short, "--data") > strings.Index(short, "--mean") ||
		strings.Contains(all, "Other flags") {
		t.Errorf("groups:\n%s", all)
	}
}

// TestJSON: every command that prints results prints one document with its tables.
func TestJSON(t *testing.T) {
	dir := copied(t, smoke(t))
	noDevice(t)
	for _, c := range []struct {
		key  string
		args []string
	}{
		{"accuracy", []string{"certify", dir}}, {"intervals", []string{"certify", dir, "--interval",
			"0.9"}},
		{"comparison", []string{"compare", dir, filepath.Join(dir, "sigma", "0.25")}},
		{"gap", reproduceArgs(dir)}, {"conclusion", reproduceArgs(dir)},
		{"gap", []string{"attack", dir, "--data", tiny(), "--images", "4", "--steps", "2",
			"--samples", "1", "--trial", "50", "--draws", "100"}},
		{"bounds", []string{"bound", filepath.Join(dir, "model")}},
		{"figures", []string{"figures", "list"}}, {"text", []string{"verify", dir}},
		{"text", []string{"report", dir}}, {"text", []string{"figures", dir, "margins"}},
		{"coverage", []string{"coverage", "--classes", "2,3", "--trials", "10", "--n", "50", "--out",
			t.TempDir()}},
	} {
		out := must(t, append(c.args, "--json", "--quiet")...)
		var document map[string]any
		if err := json.Unmarshal([]byte(out), &document); err != nil || document["command"] == nil ||
			document[c.key] == nil || document["notes"] != nil {
			t.Errorf("%s: no %s: %v\n%s", c.args, c.key, err, out)
		}
	}
	var document map[string]any
	r := lipsmooth("certify", "nowhere", "--json")
	if err := json.Unmarshal([]byte(r.out), &document); err != nil || r.status != 1 ||
		!strings.HasPrefix(document["error"].(string), "no run") {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestQuiet(t *testing.T) {
	r := lipsmooth("certify", smoke(t), "--quiet", "--out", t.TempDir())
	if r.err != "" || strings.Contains(r.out, "note:") || !strings.Contains(r.out, "mono") {
		t.Errorf("%+v", r)
	}
}

// TestComplete: a shell completes names of commands, values of flags, and folders of runs.
func TestComplete(t *testing.T) {
	dir := smoke(t)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"certify\t", []string{"cert"}}, {"adaptive", []string{"certify", "--method", ""}},
		{"mono,adaptive", []string{"certify", "--method", "mono,"}},
		{"smoke", []string{"reproduce", "--preset", ""}}, {"hkr", []string{"train", "--loss", ""}},
		{"cifar10", []string{"train", "--preset", ""}}, {"bcop", []string{"train", "--conv", ""}},
		{"margins", []string{"figures", ""}}, {dir, []string{"certify", filepath.Dir(dir) + "/smo"}},
		{filepath.Join(dir, "sigma") + "/", []string{"certify", dir + "/si"}},
	} {
		out := must(t, append([]string{"__complete"}, c.args...)...)
		if !slices.ContainsFunc(strings.Split(out, "\n"), func(line string) bool {
			return strings.HasPrefix(line, c.want)
		}) {
			t.Errorf("%q: no %s in\n%s", c.args, c.want, out)
		}
	}
}

// TestMeant: an error about a name says which name is meant.
func TestMeant(t *testing.T) {
	for want, args := range map[string][]string{
		"did you mean sample?":   {"sampel"},
		"did you mean --method?": {"certify", "run", "--metod", "mono"},
		"did you mean mono?":     {"certify", "run", "--method", "mno"},
		"did you mean radius?":   {"figures", "run", "raduis"},
		"did you mean smoke?":    {"reproduce", "--preset", "smok"},
		"did you mean quick?":    {"train", "--preset", "quik"},
	} {
		refused(t, lipsmooth(args...), want)
	}
}
