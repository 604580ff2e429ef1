package onnx

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Describe is what was understood, a line each: a name and what it is.
func (m *Model) Describe() []string { return m.describe("noise added") }

// describe is Describe of images to which something was done.
func (m *Model) describe(done string) []string {
	var lines rows
	row := lines.add
	row("file", "%s, %d bytes, operators of version %d%s", filepath.Base(m.path), m.bytes, m.file.opset, prefix(", by ", m.file.producer))
	elsewhere := map[string]bool{}
	for _, s := range m.file.external {
		if !elsewhere[s.location] {
			elsewhere[s.location] = true
			row("weights", "%s", s.location)
		}
	}
	row("hash", "%s", m.Hash)
	if c := m.file.claim; c > 0 {
		row("claims", "a Lipschitz constant of %.6g; sample --lipschitz %v certifies with it, as claimed", c, c)
	}
	row("runtime", "ONNX Runtime %s", m.version)
	row("input", "%v: %s", m.input, m.layout)
	if n := last(m.file, m.output.name); m.scale == Probabilities {
		row("output", "%v: probabilities%s, whose logarithms are taken; %d classes", m.output, n, m.Classes)
	} else {
		row("output", "%v: logits%s; %d classes", m.output, n, m.Classes)
	}
	if m.free {
		row("batch", "free; %d a run", m.Batch)
	} else {
		row("batch", "%d a run, as the file says", m.Batch)
	}
	steps := []string{fmt.Sprintf("%v in [0, 1], %s", size(m.Size[:]), done)}
	if s := m.scaler; s.resized != s.from {
		steps = append(steps, fmt.Sprintf("resized bilinearly to %v", size(s.resized[:])))
	}
	if s := m.scaler; s.to != s.resized {
		steps = append(steps, fmt.Sprintf("the middle %v taken", size(s.to[:])))
	}
	if m.mean != nil {
		steps = append(steps, fmt.Sprintf("less mean %v, by std %v", m.mean, m.std))
	}
	row("images", "%s", strings.Join(steps, ", "))
	return lines
}

// rows are lines of a name and what it is.
type rows []string

func (r *rows) add(name, format string, args ...any) {
	*r = append(*r, fmt.Sprintf("%-10s ", name)+fmt.Sprintf(format, args...))
}

// Describe is what was understood of the denoiser, a line each, then of the classifier, and the hash of both.
func (b *Denoised) Describe() []string {
	d := b.denoiser
	var lines rows
	lines.add("denoiser", "%s, %d bytes%s", filepath.Base(d.path), d.bytes, prefix(", by ", d.file.producer))
	lines.add("hash", "%s", d.hash)
	lines.add("input", "%v: %s", d.image, d.layout)
	if d.steps {
		lines.add("step", "%v: %d, of schedule %s: noise of %.4g in [0, 1]", d.step, b.step, d.schedule.name, d.schedule.noise(b.step)/2)
	}
	first := ""
	if d.wide {
		first = fmt.Sprintf(", in the first %d channels", d.Size[2])
	}
	lines.add("output", "%v: %s%s", d.output, d.predicts, first)
	lines.add("batch", "%d a run", d.Batch)
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
