// Package notebooks_test executes the notebooks of this folder from top to bottom, as a reader
// would.
package notebooks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lipsmooth/lipsmooth/notebooks/jupyter"
	// what cells import: go test runs anew where it changed
	_ "github.com/lipsmooth/lipsmooth/notebooks/lab"
)

// setup installs GoNB and the Python packages that execute notebooks. Without Python, the test
// skips. Without a network, it skips too, except in CI.
func setup(t *testing.T, home jupyter.Home, o jupyter.Options) *jupyter.Tools {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: executes no notebook")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 on PATH: executes no notebook")
	}
	o.Log = t.Output()
	tools, err := jupyter.Setup(t.Context(), home, o)
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("executes no notebook: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tools
}

// here is this checkout.
func here(t *testing.T) jupyter.Home {
	t.Helper()
	home, err := jupyter.Here(".")
	if err != nil {
		t.Fatal(err)
	}
	return home
}

// all are the paths of this folder's notebooks.
func all(t *testing.T) []string {
	t.Helper()
	paths, err := jupyter.Find(here(t))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestNotebooks executes every notebook: each checks its own claims.
func TestNotebooks(t *testing.T) {
	tools := setup(t, here(t), jupyter.Options{Python: true})
	for _, path := range all(t) {
		t.Run(jupyter.Name(path), func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "out.ipynb")
			cells, err := tools.Execute(t.Context(), path, jupyter.Execution{Folder: dir, Out: out,
				Cell: 10 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			executed, kept := read(t, out), read(t, path)
			if n := len(executed.code()); cells != n {
				t.Errorf("%d cells of code executed, want %d", cells, n)
			}
			// The outputs that are kept are of this notebook as it stands.
			for i, c := range kept.code() {
				if got, want := kinds(c), kinds(executed.code()[i]); got != want {
					t.Errorf("cell %d is kept with the outputs %q, and has %q: run `lipsmooth "+
						"notebooks --execute --save %s`", i+1, got, want, jupyter.Name(path))
				}
			}
		})
	}
}

// TestKept reads the committed notebooks. Their outputs are there and whole, and name no path of a
// machine.
func TestKept(t *testing.T) {
	home, _ := os.UserHomeDir()
	for _, path := range all(t) {
		shown := false
		for i, c := range read(t, path).code() {
			shown = shown || strings.Contains(kinds(c), "display_data")
			if strings.Contains(kinds(c), "error") || strings.Contains(kinds(c), "stderr") {
				t.Errorf("%s: cell %d is kept with an error", path, i+1)
			}
			if c.ExecutionCount == nil || *c.ExecutionCount != i+1 {
				t.Errorf("%s: cell %d wasn't executed in its turn", path, i+1)
			}
			for _, place := range []string{home + "/", os.TempDir() + "/", "gonb_"} {
				if strings.Contains(string(c.raw), place) {
					t.Errorf("%s: cell %d names a place of a machine: %s", path, i+1, place)
				}
			}
		}
		if !shown {
			t.Errorf("%s is kept without outputs", path)
		}
	}
}

// TestFailures: GoNB calls these cells a success, or never ends.
func TestFailures(t *testing.T) {
	tools := setup(t, here(t), jupyter.Options{})
	for _, c := range []struct{ name, want string }{
		{"panics", "cell 3, `var claims []string`: panic: runtime error: index out of range [3] " +
			"with length 0"},
		{"doesnt_compile", "cell 2, `var radius int = \"large\"`: line 2: cannot use \"large\" " +
			"(untyped string constant) as int value in variable declaration"},
		{"command_fails", "cell 1, `!exit 4`: exit status 4"},
		{"hangs", "cell 2, `select {`: not done after 8 s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, dir := filepath.Join("testdata", c.name+".ipynb"), t.TempDir()
			out := filepath.Join(dir, "out.ipynb")
			limit := 5 * time.Minute
			if c.name == "hangs" {
				limit = 8 * time.Second
			}
			_, err := tools.Execute(t.Context(), path, jupyter.Execution{Folder: dir, Out: out,
				Cell: limit})
			if failed := (*jupyter.CellError)(nil); !errors.As(err, &failed) ||
				failed.Path != path || failed.What != c.want {
				t.Errorf("got %v, want %s: %s", err, path, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("the outputs of a notebook that failed are kept")
			}
		})
	}
	t.Run("ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := tools.Execute(ctx, "testdata/hangs.ipynb",
			jupyter.Execution{Folder: t.TempDir(), Out: os.DevNull, Cell: time.Minute})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	})
}

// TestCopy executes a notebook in a folder outside of the checkout, as `lipsmooth notebooks --copy`
// makes one. Its cells use a layer, a loss and a figure of a package beside it.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	home, copies, err := jupyter.Copy(here(t), dir, []string{filepath.Join("testdata", "own.ipynb")})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "sketch"), os.DirFS("testdata/sketch")); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.ipynb")
	if _, err := setup(t, home, jupyter.Options{}).Execute(t.Context(), copies[0],
		jupyter.Execution{Folder: t.TempDir(), Out: out, Cell: 10 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	if cells := read(t, out).code(); kinds(cells[len(cells)-1]) != "display_data, stream stdout" {
		t.Errorf("the last cell shows %q", kinds(cells[len(cells)-1]))
	}
}

// TestHTML exports a page with its pictures. Nothing has to be fetched to see or drag them.
func TestHTML(t *testing.T) {
	tools := setup(t, here(t), jupyter.Options{})
	out := filepath.Join(t.TempDir(), "page.html")
	if err := tools.HTML(t.Context(), "01_quickstart.ipynb", out); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<h1`, `<input[^>]* type="range"`,
		`src="data:image/svg\+xml;base64,`, `src="data:image/png;base64,`} {
		if !regexp.MustCompile(want).Match(page) {
			t.Errorf("the page has no %s", want)
		}
	}
	if from := regexp.MustCompile(`<(img|link)[^>]*(src|href)="https?:[^"]*"`).Find(
		page); from != nil {
		t.Errorf("the page fetches %s", from)
	}
}

type notebook struct {
	Cells []cell `json:"cells"`
}

type cell struct {
	Kind     string `json:"cell_type"`
	Source   any    `json:"source"` // a string, or one a line
	Metadata struct {
		Tags []string `json:"tags"`
	} `json:"metadata"`
	ExecutionCount *int `json:"execution_count"`
	Outputs        []struct {
		Kind   string         `json:"output_type"`
		Stream string         `json:"name"`
		Data   map[string]any `json:"data"`
	} `json:"outputs"`
	raw json.RawMessage
}

func (c *cell) UnmarshalJSON(text []byte) error {
	type plain cell
	c.raw = append(json.RawMessage(nil), text...)
	return json.Unmarshal(text, (*plain)(c))
}

// source is the text of the cell.
func (c cell) source() string {
	lines, ok := c.Source.([]any)
	if !ok {
		return fmt.Sprint(c.Source)
	}
	return fmt.Sprint(lines...)
}

func (n notebook) code() (cells []cell) {
	for _, c := range n.Cells {
		if c.Kind == "code" {
			cells = append(cells, c)
		}
	}
	return cells
}

// kinds names the kinds of a cell's outputs. Text and pictures come on separate ways, so their
// order isn't sure.
func kinds(c cell) string {
	var s []string
	for _, o := range c.Outputs {
		s = append(s, strings.TrimSpace(o.Kind+" "+o.Stream))
	}
	slices.Sort(s)
	return strings.Join(slices.Compact(s), ", ")
}

func read(t *testing.T, path string) (n notebook) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &n); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return n
}
