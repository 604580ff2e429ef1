package show

import (
	"bytes"
	"fmt"
	"html"

	"github.com/janpfeifer/gonb/gonbui"
)

// A Status shows the last line that was written to it, until it is closed. It is an io.WriteCloser.
type Status struct {
	id   string
	line []byte
	show func(id, html string) // replace
}

// NewStatus returns a Status in the cell that is running.
func NewStatus() *Status {
	return &Status{id: "status_" + gonbui.UniqueId(), show: replace}
}

// replace shows HTML in the place named id. The HTML is there when replace returns: GoNB may lose
// what a program sends just before the program ends.
func replace(id, html string) {
	gonbui.UpdateHTML(id, html)
	gonbui.Sync()
}

// Write shows the last of the lines that end in p. A carriage return ends one as well.
func (s *Status) Write(p []byte) (int, error) {
	s.line = append(s.line, p...)
	if end := bytes.LastIndexAny(s.line, "\r\n"); end >= 0 {
		done := bytes.TrimRight(s.line[:end], "\r\n")
		s.Say(string(done[bytes.LastIndexAny(done, "\r\n")+1:]))
		s.line = append(s.line[:0], s.line[end+1:]...)
	}
	return len(p), nil
}

// Say shows a line of text.
func (s *Status) Say(line string) { s.show(s.id, "<small>"+html.EscapeString(line)+"</small>") }

// Close removes the line.
func (s *Status) Close() error {
	s.show(s.id, "")
	return nil
}

// Progress shows a bar, and returns a function to call with the number of steps done, of total. The
// bar goes away with the last step.
func Progress(what string, total int) func(done int) {
	return progress(NewStatus(), what, total)
}

func progress(s *Status, what string, total int) func(done int) {
	percent := -1
	return func(done int) {
		p := 100 * done / max(total, 1)
		switch {
		case done >= total:
			s.Close()
		case p != percent: // the browser needn't hear of more
			s.show(s.id,
				fmt.Sprintf(`<small>%s <progress max="%d" value="%d"></progress> %d of %d</small>`,
					html.EscapeString(what), total, done, done, total))
		}
		percent = p
	}
}
