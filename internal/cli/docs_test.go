package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// docs are the documents whose commands and links must work.
var docs = []string{
	"README.md", "figures/CLAIMS.md", "training/RESULTS.md", "internal/peers/README.md",
	"notebooks/README.md",
}

const checkout = "../.."

// TestDocs: every command that the documents name exists, with its flags and tests, and every link
// leads to a file.
func TestDocs(t *testing.T) {
	link := regexp.MustCompile(`(?:\]\(|src=")([^)"#:]+)[)"]`)
	commands := 0
	for _, doc := range docs {
		text, err := os.ReadFile(filepath.Join(checkout, doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(checkout, filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s: %v", doc, err)
			}
		}
		for _, line := range strings.Split(string(text), "\n") {
			for _, c := range commandsIn(line) {
				commands++
				var err string
				if strings.HasPrefix(c, "go run . ") {
					err = checkSubcommand(shellWords(c)[3:])
				} else {
					err = checkTests(shellWords(c)[2:])
				}
				if err != "" {
					t.Errorf("%s: %s: %s", doc, c, err)
				}
			}
		}
	}
	if commands < 50 {
		t.Errorf("%d commands were found, want at least 50", commands)
	}
}

// TestReadmeIsShort holds the README to 900 words and 100 columns.
func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(checkout, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(string(text))); n > 900 {
		t.Errorf("README.md has %d words, want at most 900", n)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if n := utf8.RuneCountInString(line); n > 100 {
			t.Errorf("README.md:%d has %d columns, want at most 100", i+1, n)
		}
	}
}

var commandStart = regexp.MustCompile(`go run \. |go test `)

// commandsIn returns the commands of a line of Markdown, each up to the next one or the end of its
// code span.
func commandsIn(line string) (commands []string) {
	at := commandStart.FindAllStringIndex(line, -1)
	for i, a := range at {
		end := len(line)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		c, _, _ := strings.Cut(line[a[0]:end], "`")
		commands = append(commands, c)
	}
	return commands
}

var shellWord = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)

// shellWords splits a command as a shell does, and ends where its arguments do.
func shellWords(command string) (words []string) {
	for _, w := range shellWord.FindAllString(command, -1) {
		if strings.HasPrefix(w, "#") || w == "&&" || w == "|" || w == ">" || w == ";" {
			break
		}
		words = append(words, strings.Trim(w, `"'`))
	}
	return words
}

// checkSubcommand says what is wrong with the arguments of the program; empty is nothing.
func checkSubcommand(args []string) string {
	root := &cobra.Command{Use: "lipsmooth"}
	for _, c := range commands {
		root.AddCommand(c())
	}
	c, rest, err := root.Find(args)
	if err != nil {
		return err.Error()
	}
	if c == root {
		return "names no subcommand"
	}
	c.InitDefaultHelpFlag()
	if err := c.ParseFlags(rest); err != nil {
		return err.Error()
	}
	if err := c.ValidateArgs(c.Flags().Args()); err != nil {
		return err.Error()
	}
	return ""
}

var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz|Example)\w*)\(`)

// checkTests says what is wrong with the arguments of go test: a package that isn't there, or a
// part of -run's or -bench's pattern that matches no function.
func checkTests(args []string) string {
	var names []string
	patterns := map[string]string{}
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-run" || a == "-bench":
			if i++; i == len(args) {
				return a + " without a pattern"
			}
			patterns[a] = args[i]
		case strings.HasPrefix(a, "./"):
			found, err := functionsOf(filepath.Join(checkout, a))
			if err != nil {
				return err.Error()
			}
			names = append(names, found...)
		}
	}
	for flag, pattern := range patterns {
		if pattern == "^$" && flag == "-run" && patterns["-bench"] != "" {
			continue
		}
		kind := map[string]string{"-run": "Test", "-bench": "Benchmark"}[flag]
		for part := range strings.SplitSeq(pattern, "|") {
			part, _, _ = strings.Cut(part, "/")
			if !matches(names, kind, part) {
				return flag + " " + part + " matches no function"
			}
		}
	}
	return ""
}

// matches says whether a pattern matches a name of this kind, as go test would have it.
func matches(names []string, kind, pattern string) bool {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return false
	}
	for _, name := range names {
		if strings.HasPrefix(name, kind) && re.MatchString(name) {
			return true
		}
	}
	return false
}

// functionsOf returns the names of the test functions of a package, or of a tree where its path
// ends in "...".
func functionsOf(pkg string) (names []string, err error) {
	root, tree := strings.CutSuffix(pkg, "...")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && !tree:
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunction.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
		return err
	})
	return names, err
}
