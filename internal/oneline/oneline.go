// Package oneline makes an error one line. Libraries put stack traces and lists into errors, and
// our errors are read in a terminal.
package oneline

import "strings"

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
