package show

import "github.com/janpfeifer/gonb/gonbui"

// A Canvas is a place in the cell that is running, where what is drawn takes the place of what was.
type Canvas struct {
	id   string
	show func(id, html string) // gonbui.UpdateHTML
}

// NewCanvas returns a Canvas; it is seen once something is drawn.
func NewCanvas() *Canvas { return &Canvas{"canvas_" + gonbui.UniqueId(), gonbui.UpdateHTML} }

// Draw shows what draw shows.
func (c *Canvas) Draw(draw func()) { c.show(c.id, gather(draw)) }
