package show

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/signal"
	"strings"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/dom"
	"github.com/janpfeifer/gonb/gonbui/protocol"
	"github.com/janpfeifer/gonb/gonbui/widgets"
)

// Frames shows a slider over frames: what draw shows for each value, drawn now. No cell runs while one drags, so
// it works in a page exported to HTML, and without a network. Where scripts are taken out, the first frame is seen.
func Frames[T any](name string, values []T, draw func(T)) {
	if len(values) == 0 {
		panic(fmt.Sprintf("show: frames over %s: no value", name))
	}
	var b strings.Builder
	// The frames are the children after the label; each has its value in data-value.
	fmt.Fprintf(&b, `<div><label style="display:block"><input type="range" min="0" max="%d" value="0" style="vertical-align:middle;width:240px" oninput="`+
		`const frames=this.closest('div').querySelectorAll(':scope>section');`+
		`frames.forEach((f,i)=>f.style.display=i==this.value?'':'none');`+
		`this.nextElementSibling.textContent=frames[this.value].dataset.value"> <span>%s</span></label>`,
		len(values)-1, said(name, values[0]))
	for i, v := range values {
		style := ""
		if i > 0 {
			style = ` style="display:none"`
		}
		fmt.Fprintf(&b, "\n<section data-value=\"%s\"%s>%s</section>", said(name, v), style, gather(func() { draw(v) }))
	}
	b.WriteString("\n</div>\n")
	HTML(b.String())
}

func said(name string, value any) string {
	return html.EscapeString(fmt.Sprintf("%s = %v", name, value))
}

// Slider shows a slider that is live: draw is called for a value when the slider comes to it, until the cell is
// interrupted. Where nobody can drag, as in a notebook executed headless, it shows the first value and returns.
func Slider[T any](name string, values []T, draw func(T)) {
	if len(values) == 0 {
		panic(fmt.Sprintf("show: slider over %s: no value", name))
	}
	frame := func(i int) string {
		return said(name, values[i]) + "<br>" + gather(func() { draw(values[i]) })
	}
	if !live() {
		HTML("<div>" + frame(0) + "</div>\n")
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	where, picture := gonbui.UniqueId(), gonbui.UniqueId()
	HTML(fmt.Sprintf(`<div id="%s"></div><div id="%s">%s</div>`, where, picture, frame(0)))
	slider := widgets.Slider(0, len(values)-1, 0).AppendTo(where).Done()
	moved := slider.Listen().LatestOnly()
	shown := 0
	for {
		select {
		case <-ctx.Done():
			return
		case i := <-moved.C:
			if i != shown && 0 <= i && i < len(values) {
				shown = i
				dom.SetInnerHtml(picture, frame(i))
			}
		}
	}
}

// live reports whether a browser can answer: without a Jupyter server the kernel has no id.
func live() bool { return gonbui.IsNotebook && os.Getenv(protocol.GONB_JUPYTER_KERNEL_ID_ENV) != "" }
