package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Progress says how far work is: in one line of a terminal that is drawn again, and elsewhere in a
// line every ten seconds.
type Progress struct {
	What, Unit   string // "sampling", "images"
	Begun, Total int    // units done at the start, and in the end

	w           io.Writer
	start, said time.Time
}

// NewProgress begins to count time.
func NewProgress(w io.Writer, what, unit string, begun, total int) *Progress {
	p := &Progress{What: what, Unit: unit, Begun: begun, Total: total, w: w, start: time.Now()}
	if Width(w) == 0 {
		p.said = p.start
	}
	return p
}

// At says how many units are done, unless it said so a moment ago.
func (p *Progress) At(done int) {
	now, width := time.Now(), Width(p.w)
	spent, every := now.Sub(p.start), 10*time.Second
	if width > 0 {
		every = 100 * time.Millisecond
	}
	if now.Sub(p.said) < every && (width == 0 || done < p.Total) {
		return
	}
	p.said = now
	if width == 0 {
		fmt.Fprintf(p.w, "%s: %d of %d %s, %s\n", p.What, done, p.Total, p.Unit, p.rate(done, spent))
		return
	}
	fmt.Fprintf(p.w, "\r%s\x1b[K", p.line(done, spent, width-1))
	screen, _ := p.w.(*Printer)
	if done >= p.Total {
		fmt.Fprint(p.w, "\r\n")
	}
	if screen != nil {
		screen.bar = done < p.Total
	}
}

// rate is the speed and the time that is left.
func (p *Progress) rate(done int, spent time.Duration) string {
	rate := float64(done-p.Begun) / max(spent.Seconds(), 1e-9)
	if done <= p.Begun {
		return "starting"
	}
	left := time.Duration(float64(p.Total-done) / rate * 1e9).Round(time.Second)
	return fmt.Sprintf("%s %s/s, %v left", Number(rate), p.Unit, left)
}

// line is the progress in at most width columns: with a bar where there is room, and without the
// rate where there is little.
func (p *Progress) line(done int, spent time.Duration, width int) string {
	count := fmt.Sprintf("%d%%  %d/%d %s", 100*done/max(1, p.Total), done, p.Total, p.Unit)
	what, full := p.What, count+", "+p.rate(done, spent)
	switch room := width - length(what) - 2; {
	case room >= length(full):
		if bar := min(30, room-length(full)-2); bar >= 8 {
			filled := bar * min(done, p.Total) / max(1, p.Total)
			full = strings.Repeat("█", filled) + strings.Repeat("░", bar-filled) + "  " + full
		}
		return what + "  " + full
	case room >= length(count):
		return what + "  " + count
	}
	runes := []rune(what + "  " + count)
	return string(runes[max(0, len(runes)-width):])
}
