// Package oneline makes an error one line. Libraries put stack traces and lists into errors, and
// our errors are read in a terminal.
package oneline

import (
	"strings"
	"unicode"
)

// Error returns err with the lines of its text joined by semicolons, blank ones left out. The
// result unwraps to err.
func Error(err error) error {
	if err == nil || !strings.Contains(err.Error(), "\n") {
		return err
	}
	var lines []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return joined{strings.Join(lines, "; "), err}
}

type joined struct {
	text string
	err  error
}

func (j joined) Error() string { return j.text }
func (j joined) Unwrap() error { return j.err }

// Quoted is a word of a shell's command line that names a path: in quotes where the path needs
// them.
func Quoted(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("/._-+=:,%@", r) || r > 127 && unicode.IsPrint(r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
