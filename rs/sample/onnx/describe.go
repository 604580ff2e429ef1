package onnx

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Describe is what was understood, a line each: a name and what it is.
func (m *Model) Describe() []string {
	var lines []string
	row := func(name, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%-10s ", name)+fmt.Sprintf(format, args...))
	}
	row("file", "%s, %d bytes, operators of version %d%s", filepath.Base(m.path), m.bytes, m.file.opset, prefix(", by ", m.file.producer))
	elsewhere := map[string]bool{}
	for _, s := range m.file.external {
		if !elsewhere[s.location] {
			elsewhere[s.location] = true
			row("weights", "%s", s.location)
		}
	}
	row("hash", "%s", m.Hash)
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
	steps := []string{fmt.Sprintf("%v in [0, 1], noise added", size(m.Size[:]))}
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
