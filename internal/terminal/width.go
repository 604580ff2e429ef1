// Package terminal prints for people: text that fits the terminal's width, tables, progress, and,
// in place of text, one JSON document for programs.
package terminal

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Width is the number of columns of the terminal that w writes to, or 0 where w is no terminal. A
// writer may say its width by a method Width.
func Width(w io.Writer) int {
	switch w := w.(type) {
	case interface{ Width() int }:
		return w.Width()
	case *os.File:
		if n, _, err := term.GetSize(int(w.Fd())); err == nil && term.IsTerminal(int(w.Fd())) {
			return max(n, 20)
		}
	}
	return 0
}

// Wrap breaks a line at spaces, so that each piece has at most width columns. Pieces after the
// first one begin with the indent. A word that is longer than the width stays whole, where it is.
// A width of 0 has no end.
func Wrap(line, indent string, width int) string {
	if width <= 0 || length(line) <= width {
		return line
	}
	margin := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var out strings.Builder
	out.WriteString(margin)
	at, first := length(margin), true
	for rest := line[len(margin):]; rest != ""; {
		word := strings.TrimLeft(rest, " ")
		gap := rest[:len(rest)-len(word)]
		word, rest, _ = cutSpace(word)
		fits := length(indent)+length(word) <= width
		if !first && at+len(gap)+length(word) > width && fits {
			out.WriteString("\n" + indent)
			at, gap = length(indent), ""
		}
		out.WriteString(gap + word)
		at, first = at+len(gap)+length(word), false
	}
	return out.String()
}

// WrapLine wraps a line of text. Its pieces hang under its second column, which begins behind two
// spaces, and those of a note under its first word. An equation stays whole, and so does a command
// that is next, which can be pasted.
func WrapLine(line string, width int) string {
	if width <= 0 || length(line) <= width {
		return line
	}
	body := strings.TrimLeft(line, " ")
	at := len(line) - len(body)
	if i := strings.Index(body, "  "); i >= 0 {
		rest := strings.TrimLeft(body[i:], " ")
		if at += length(body) - length(rest); at > width/2 {
			at = len(line) - len(body) + 2
		}
	}
	if strings.HasPrefix(line, note) {
		at = len(note)
	}
	const next, whole = "next: ", "\u00a0"
	line = strings.ReplaceAll(line, " = ", whole+"="+whole)
	if i := strings.Index(line, next); i >= 0 {
		line = line[:i] + strings.ReplaceAll(line[i:], " ", whole)
	}
	return strings.ReplaceAll(Wrap(line, strings.Repeat(" ", at), width), whole, " ")
}

// cutSpace cuts text before its first space.
func cutSpace(text string) (before, after string, found bool) {
	if i := strings.IndexByte(text, ' '); i >= 0 {
		return text[:i], text[i:], true
	}
	return text, "", false
}

func length(text string) int { return utf8.RuneCountInString(text) }

// Number is x in three significant digits, without an exponent between 0.001 and a million.
func Number(x float64) string {
	text := strconv.FormatFloat(x, 'g', 3, 64)
	if strings.Contains(text, "e+0") {
		text = strconv.FormatFloat(x, 'f', 0, 64)
	}
	return text
}
