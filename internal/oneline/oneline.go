// Package oneline makes one line of an error: libraries write stack traces and lists, our errors are read in a terminal.
package oneline

import "strings"

// Error returns err with its text's lines joined by semicolons, without blank ones. It unwraps to err.
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
