package onnx

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// Describe says what was understood of the file, in lines of a name and what it is.
func (m *Model) Describe() []string { return m.describe("noise added") }

// describe is Describe of images to which something was done.
func (m *Model) describe(done string) []string {
	var lines rows
	row := lines.add
	row("file", "%s, %d bytes, operators of version %d%s", filepath.Base(m.path), m.bytes,
		m.file.opset, prefix(", by ", m.file.producer))
	elsewhere := map[string]bool{}
	for _, s := range m.file.external {
		if !elsewhere[s.location] {
			elsewhere[s.location] = true
			row("weights", "%s", s.location)
		}
	}
	row("hash", "%s", m.Hash)
	if c := m.file.claim; c > 0 {
		row("claims", "a Lipschitz constant of %.6g; sample --lipschitz %v certifies with it, as claimed",
			c, c)
	}
	row("runtime", "ONNX Runtime %s", m.version)
	switch {
	case len(m.input.dims) == 4:
		row("input", "%v: %s", m.input, m.layout)
	case m.channels > 1:
		row("input", "%v: the values of %s images", m.input, m.layout)
	default:
		row("input", "%v: gray images", m.input)
	}
	logarithms := ""
	if m.scale == Probabilities {
		logarithms = ", whose logarithms are taken"
	}
	row("output", "%v: %s%s%s; %s", m.output, m.scale, last(m.file, m.output.name), logarithms,
		m.classes())
	switch {
	case m.note != "":
		row("batch", "free; %s", m.note)
	case m.free:
		row("batch", "free; %d a run", m.Batch)
	case m.each < m.Batch:
		row("batch", "%d a run, as the file says: an image and zeros", m.Batch)
	default:
		row("batch", "%d a run, as the file says", m.Batch)
	}
	row("images", "%s", strings.Join(m.steps(done), ", "))
	return lines
}

// steps are those between an image to which something was done and the model.
func (m *Model) steps(done string) []string {
	steps := []string{fmt.Sprintf("%v in [0, 1], %s", size(m.Size[:]), done)}
	if s := m.scaler; s.resized != s.from {
		steps = append(steps, fmt.Sprintf("resized bilinearly to %v", size(s.resized[:])))
	}
	if s := m.scaler; s.to != s.resized {
		steps = append(steps, fmt.Sprintf("the middle %v taken", size(s.to[:])))
	}
	switch m.order {
	case BGR:
		steps = append(steps, "blue first")
	case Repeat:
		steps = append(steps, "the one channel three times")
	}
	if m.mean != nil {
		steps = append(steps, fmt.Sprintf("less mean %v, by std %v", m.mean, m.std))
	}
	if m.input.kind == onnxfile.Uint8 {
		steps = append(steps, "rounded to 0, 1, …, 255")
	}
	return steps
}

// rows are lines of a name and what it is.
type rows []string

func (r *rows) add(name, format string, args ...any) {
	*r = append(*r, fmt.Sprintf("%-10s ", name)+fmt.Sprintf(format, args...))
}

// Describe says what was understood of the denoiser, in lines, then of the classifier, and the hash
// of both.
func (b *Denoised) Describe() []string {
	d := b.denoiser
	var lines rows
	lines.add("denoiser", "%s, %d bytes%s", filepath.Base(d.path), d.bytes,
		prefix(", by ", d.file.producer))
	lines.add("hash", "%s", d.hash)
	lines.add("input", "%v: %s", d.image, d.layout)
	if d.steps {
		lines.add("step", "%v: %d, of schedule %s: noise of %.4g in [0, 1]", d.step, b.step,
			d.schedule.name, d.schedule.noise(b.step)/2)
	}
	first := ""
	if d.wide {
		first = fmt.Sprintf(", in the first %d channels", d.Size[2])
	}
	lines.add("output", "%v: %s%s", d.output, d.predicts, first)
	lines.add("batch", "%s", cmp.Or(d.note, fmt.Sprintf("%d a run", d.Batch)))
	lines = append(lines, b.model.describe("denoised")...)
	lines.add("both", "hash %s", d.Hash(b.model))
	return lines
}

func prefix(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

// last names the last operator of an output, in brackets.
func last(f *file, output string) string {
	n := f.last(output)
	if n.op == "" {
		return ""
	}
	return " (" + n.op + ")"
}
