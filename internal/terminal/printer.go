package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// note begins a line that isn't a result.
const note = "note: "

// A Printer takes what a command prints. It prints text, with lines wrapped at the width of a
// terminal, or one JSON document. A line that begins with "note: " is a note.
type Printer struct {
	// JSON keeps everything for one document, which Close writes. Lines of text are its fields
	// "text" and "notes".
	JSON bool
	// Quiet leaves out notes.
	Quiet bool

	out      io.Writer
	document map[string]any
	bar      bool // the terminal's line has progress
}

// NewPrinter returns a printer to w. It is w itself where w is a printer.
func NewPrinter(w io.Writer) *Printer {
	if p, ok := w.(*Printer); ok {
		return p
	}
	return &Printer{out: w, document: map[string]any{}}
}

// Width is the number of columns of the terminal, or 0 where there is none.
func (p *Printer) Width() int {
	if p.JSON {
		return 0
	}
	return Width(p.out)
}

// Write prints lines of text.
func (p *Printer) Write(text []byte) (int, error) {
	width, out := p.Width(), bytes.Buffer{}
	for line := range strings.Lines(string(text)) {
		line, end := strings.CutSuffix(line, "\n")
		isNote := strings.HasPrefix(line, note)
		switch {
		case isNote && p.Quiet:
		case p.JSON && isNote:
			p.add("notes", line[len(note):])
		case p.JSON && strings.TrimSpace(line) != "":
			p.add("text", line)
		case !p.JSON:
			if !strings.ContainsAny(line, "\t\r\x1b") {
				line = WrapLine(line, width)
			}
			out.WriteString(line)
			if end {
				out.WriteByte('\n')
			}
		}
	}
	if out.Len() == 0 {
		return len(text), nil
	}
	if p.bar { // which the text takes the place of
		p.bar = false
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	_, err := p.out.Write(out.Bytes())
	return len(text), err
}

// Raw prints text for another program, without wrapping it.
func (p *Printer) Raw(text string) {
	if p.JSON {
		p.Set("text", text)
		return
	}
	io.WriteString(p.out, text)
}

// add appends a line to a list of the document.
func (p *Printer) add(key, line string) {
	list, _ := p.document[key].([]string)
	p.document[key] = append(list, line)
}

// Set gives the document a value, which text doesn't show.
func (p *Printer) Set(key string, value any) {
	if p.JSON {
		p.document[key] = value
	}
}

// Table prints a table under the key. shown is the table for people, nil where it is t itself.
func (p *Printer) Table(key string, t, shown *table.Table) error {
	if p.JSON {
		p.document[key] = t
		return nil
	}
	if shown == nil {
		shown = t
	}
	fit, left := Fit(shown, p.Width())
	if err := fit.WriteText(p); err != nil || len(left) == 0 {
		return err
	}
	_, err := fmt.Fprintf(p, "note: this width leaves out: %s\n", strings.Join(left, ", "))
	return err
}

// Close writes the document, with the error that ended the command, if any.
func (p *Printer) Close(failed error) error {
	if !p.JSON {
		return nil
	}
	if failed != nil {
		p.document["error"] = failed.Error()
	}
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(p.document)
}
