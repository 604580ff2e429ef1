package notebooks_test

import (
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/notebooks/jupyter"
)

// first is the first cell of every notebook in Go. It finds the packages in a checkout as in a
// copy.
const first = "%noautoget\n!*rm -f go.work; go work init . \"$(dirname " +
	"\"$(cd \"${LIPSMOOTH_NOTEBOOKS:-$GONB_DIR}\" && go env GOMOD)\")\""

// TestForm: the first words of a notebook say what the paper claims. A notebook has one preset,
// checks its claims, and is short: 1 MiB, and at most five lines a cell. Imports, other languages
// and lines that only close a bracket don't count.
func TestForm(t *testing.T) {
	paths := all(t)
	aside := regexp.MustCompile(`^\s*([)}\]]+|%.*)?$`)
	preset := regexp.MustCompile(`(?m)^(var )?preset = `)
	check := regexp.MustCompile(`lab\.Check\(|(?m)^assert `)
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || info.Size() > 1<<20 {
			t.Errorf("%s: %d bytes, want 1 MiB at most; %v", path, info.Size(), err)
		}
		n := read(t, path)
		if words := n.Cells[0].source(); !strings.Contains(words, "arxiv.org/abs/2504.02412") ||
			!strings.Contains(words, "claim") {
			t.Errorf("%s: its first cell doesn't say what the paper claims", path)
		}
		presets, checks := 0, 0
		for i, c := range n.code() {
			source := c.source()
			presets += len(preset.FindAllString(source, -1))
			checks += len(check.FindAllString(source, -1))
			if i == 0 && !strings.HasPrefix(source, "import") && source != first {
				t.Errorf("%s: its first cell isn't that of every notebook", path)
			}
			if strings.HasPrefix(source, "import") || strings.HasPrefix(source, "%%script") {
				continue
			}
			lines := slices.DeleteFunc(strings.Split(source, "\n"), aside.MatchString)
			if len(lines) > 5 {
				t.Errorf("%s: cell %d has %d lines", path, i+1, len(lines))
			}
		}
		if presets != 1 || checks == 0 {
			t.Errorf("%s: %d presets and %d checks, want one and some", path, presets, checks)
		}
	}
}

var update = flag.Bool("update", false, "write the pictures of the gallery, from the notebooks "+
	"as they are kept")

// TestGallery: README.md here shows a picture of each notebook, that of the cell tagged gallery.
func TestGallery(t *testing.T) {
	paths := all(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		var pictures []string
		for _, c := range read(t, path).code() {
			for _, o := range c.Outputs {
				if text, ok := o.Data["image/png"].(string); ok && slices.Contains(c.Metadata.Tags,
					"gallery") {
					pictures = append(pictures, text)
				}
			}
		}
		if len(pictures) != 1 {
			t.Errorf("%s: %d pictures in cells tagged gallery, want one", path, len(pictures))
			continue
		}
		picture, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(pictures[0], "\n", ""))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		name := filepath.Join("gallery", jupyter.Name(path)+".png")
		if !strings.Contains(string(readme), `src="`+filepath.ToSlash(name)+`"`) {
			t.Errorf("README.md doesn't show %s", name)
		}
		if *update {
			if err := os.WriteFile(name, picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if kept, err := os.ReadFile(name); err != nil || string(kept) != string(picture) {
			t.Errorf("%s isn't the picture of %s as it is kept: run go test ./notebooks -run "+
				"Gallery -update; %v", name, path, err)
		}
		if len(picture) > 60<<10 {
			t.Errorf("%s: %d bytes, want 60 KiB at most", name, len(picture))
		}
	}
}
