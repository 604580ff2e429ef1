package terminal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// screen is a terminal of a width.
type screen struct {
	io.Writer
	width int
}

func (s screen) Width() int { return s.width }

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		line, indent string
		width        int
		want         string
	}{
		{"one two three", "", 8, "one two|three"},
		{"one two three", "", 0, "one two three"},
		{"  a     word that hangs", "        ", 16, "  a     word|        that|        hangs"},
		{"alonglongword b", "", 5, "alonglongword|b"},
		{"σσσ σσσ", "", 7, "σσσ σσσ"},
	} {
		if got := strings.ReplaceAll(Wrap(c.line, c.indent, c.width), "\n", "|"); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{1.2573: "1.26", 12345: "12345", 0.00123456: "0.00123",
		0.0009999999999999998: "0.001", 5: "5", 1e-9: "1e-09", 2.5e8: "250000000"} {
		if got := Number(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
}

// TestFit: seconds go first, then radii so that the others stay evenly spaced, and no row is wider
// than the terminal.
func TestFit(t *testing.T) {
	accuracy := &table.Table{Columns: []string{"method", "alpha", "r=0", "r=0.25", "r=0.5", "r=0.75",
		"r=1", "average radius", "seconds"}, Rows: [][]string{{"isoperimetric", "0.001", "0.950",
		"0.930", "0.900", "0.840", "0.760", "1.41 ± 0.09", "0.001"}}}
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, ""}, {120, ""}, {80, "seconds"}, {64, "seconds r=0.25 r=0.75"},
		{40, "seconds r=0.25 r=0.75 r=0.5 alpha r=1"},
	} {
		fit, left := Fit(accuracy, c.width)
		if got := strings.Join(left, " "); got != c.want {
			t.Errorf("width %d leaves out %q, want %q", c.width, got, c.want)
		}
		if c.width > 0 && textWidth(fit) > c.width {
			t.Errorf("width %d: %d columns", c.width, textWidth(fit))
		}
	}
	list := &table.Table{Columns: []string{"figure", "shows"}, Rows: [][]string{{"radius",
		"certified accuracy against radius, method by method"}}}
	fit, left := Fit(list, 40)
	if len(left) > 0 || len(fit.Rows) != 2 || fit.Rows[1][0] != "" || textWidth(fit) > 40 {
		t.Errorf("%q without %q", fit.Rows, left)
	}
}

func TestPrinter(t *testing.T) {
	accuracy := &table.Table{Columns: []string{"method", "r=0", "note"},
		Rows: [][]string{{"mono", "0.950", ""}, {"0x1", "+Inf", "1e-3"}}}
	show := func(p *Printer) {
		fmt.Fprintln(p, "one line")
		fmt.Fprintln(p, "note: a remark of several words")
		if err := p.Table("accuracy", accuracy, nil); err != nil {
			t.Fatal(err)
		}
		p.Set("answer", 42)
		if err := p.Close(errors.New("it failed")); err != nil {
			t.Fatal(err)
		}
	}
	var text bytes.Buffer
	show(NewPrinter(screen{&text, 20}))
	if want := "one line\nnote: a remark of\n      several words\nmethod    r=0  note\n" +
		"mono    0.950\n0x1      +Inf  1e-3\n"; text.String() != want {
		t.Errorf("%q, want %q", &text, want)
	}
	text.Reset()
	p := NewPrinter(&text)
	p.Quiet = true
	if show(p); strings.Contains(text.String(), "remark") {
		t.Errorf("quiet: %q", &text)
	}
	text.Reset()
	p = NewPrinter(&text)
	p.JSON = true
	show(p)
	var document map[string]any
	if err := json.Unmarshal(text.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(document), "map[accuracy:[map[method:mono note:<nil> r=0:0.95] "+
		"map[method:0x1 note:0.001 r=0:+Inf]] answer:42 error:it failed "+
		"notes:[a remark of several words] text:[one line]]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestProgress: at every width the line fits, and text that comes between takes its place.
func TestProgress(t *testing.T) {
	for _, width := range []int{30, 60, 80, 120} {
		var out bytes.Buffer
		w := NewPrinter(screen{&out, width})
		p := NewProgress(w, "sampling σ=0.5 (for the temperature)", "images", 50, 20000)
		p.At(100)
		fmt.Fprintln(w, "note: between")
		p.said = time.Time{}
		p.At(12345)
		p.At(20000)
		lines := strings.Split(out.String(), "\n")
		if len(lines) != 3 || lines[2] != "" || !strings.HasSuffix(lines[0], "\r\x1b[Knote: between") {
			t.Fatalf("width %d: %q", width, lines)
		}
		for line := range strings.SplitSeq(out.String(), "\r") {
			line, _, _ = strings.Cut(line, "\x1b[K")
			if n := length(line); n >= width {
				t.Errorf("%d of %d columns: %q", n, width, line)
			}
		}
		if !strings.Contains(lines[1], "100%") {
			t.Errorf("the end isn't said: %q", lines[1])
		}
	}
}
