package show

import "github.com/janpfeifer/gonb/gonbui"

// A Canvas is a place in the running cell. A new drawing replaces the old one.
type Canvas struct {
	id   string
	show func(id, html string) // replace
}

// NewCanvas returns a Canvas, which appears with its first drawing.
func NewCanvas() *Canvas { return &Canvas{"canvas_" + gonbui.UniqueId(), replace} }

// Draw shows the output of draw.
func (c *Canvas) Draw(draw func()) { c.show(c.id, gather(draw)) }
