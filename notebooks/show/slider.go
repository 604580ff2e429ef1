package show

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/comms"
	"github.com/janpfeifer/gonb/gonbui/dom"
	"github.com/janpfeifer/gonb/gonbui/protocol"
	"github.com/janpfeifer/gonb/gonbui/widgets"
)

// ownKeys is an attribute of an element that handles the keys pressed in it. Without it, JupyterLab
// takes arrows to move between cells.
const ownKeys = "data-lm-suppress-shortcuts"

// Frames shows a slider over frames. A frame is what draw shows for a value, and Frames calls draw
// for all values at once. No cell runs while a reader drags, so the slider works in a page exported
// to HTML, and without a network. Where scripts are removed, the page shows the first frame.
func Frames[T any](name string, values []T, draw func(T)) {
	if len(values) == 0 {
		panic(fmt.Sprintf("show: frames over %s: no value", name))
	}
	var b strings.Builder
	// The frames are the children after the label. Each has its value in data-value.
	fmt.Fprintf(&b,
		`<div><label style="display:block"><input type="range" %s min="0" max="%d" value="0" `+
			`style="vertical-align:middle;width:240px" oninput="`+
			`const frames=this.closest('div').querySelectorAll(':scope>section');`+
			`frames.forEach((f,i)=>f.style.display=i==this.value?'':'none');`+
			`this.nextElementSibling.textContent=frames[this.value].dataset.value"> `+
			`<span>%s</span></label>`,
		ownKeys, len(values)-1, said(name, values[0]))
	for i, v := range values {
		style := ""
		if i > 0 {
			style = ` style="display:none"`
		}
		fmt.Fprintf(&b, "\n<section data-value=\"%s\"%s>%s</section>", said(name, v), style,
			gather(func() { draw(v) }))
	}
	b.WriteString("\n</div>\n")
	HTML(b.String())
}

func said(name string, value any) string {
	return html.EscapeString(fmt.Sprintf("%s = %v", name, value))
}

// Slider shows a live slider. It calls draw for a value when the slider comes to the value, until
// the cell is interrupted. Where nobody can drag, as in a headless run, it shows the first value
// and returns.
func Slider[T any](name string, values []T, draw func(T)) {
	Sliders(func(at ...any) { draw(at[0].(T)) }, Over(name, 0, values...))
}

// A Knob is a slider of [Sliders] over these values. It begins at the value of index Start.
type Knob struct {
	Name   string
	Values []any
	Start  int
}

// Over is the Knob over values.
func Over[T any](name string, start int, values ...T) Knob {
	k := Knob{Name: name, Start: start}
	for _, v := range values {
		k.Values = append(k.Values, v)
	}
	return k
}

// Sliders is [Slider] with several: draw gets the value of each.
func Sliders(draw func(at ...any), knobs ...Knob) {
	at := make([]int, len(knobs))
	for i, k := range knobs {
		if at[i] = k.Start; at[i] < 0 || at[i] >= len(k.Values) {
			panic(fmt.Sprintf("show: slider over %s: no value at %d", k.Name, k.Start))
		}
	}
	frame := func() string {
		var values []any
		var names []string
		for i, k := range knobs {
			values, names = append(values, k.Values[at[i]]),
				append(names, said(k.Name, k.Values[at[i]]))
		}
		return strings.Join(names, ", ") + "<br>" + gather(func() { draw(values...) })
	}
	if !live() {
		HTML("<div>" + frame() + "</div>\n")
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	picture := gonbui.UniqueId()
	var places []string
	var row strings.Builder
	for _, k := range knobs {
		places = append(places, gonbui.UniqueId())
		fmt.Fprintf(&row, `<label>%s <span id="%s"></span></label> `, html.EscapeString(k.Name),
			places[len(places)-1])
	}
	HTML(fmt.Sprintf(`<div>%s</div><div id="%s">%s</div>`, row.String(), picture, frame()))
	// Heard from before the sliders are there, a browser's word is never lost.
	hand := &hand{at: slices.Clone(at), moved: make(chan struct{}, 1)}
	made := make(chan struct{})
	go func() {
		defer close(made)
		for i, k := range knobs {
			address := "/show/" + gonbui.UniqueId()
			comms.Subscribe(address, func(_ string, to int) { hand.move(i, to, len(k.Values)) })
			// This call waits for the browser.
			slider := widgets.Slider(0, len(k.Values)-1, k.Start).WithAddress(address).AppendTo(
				places[i]).Done()
			dom.TransientJavascript(fmt.Sprintf(`document.getElementById(%q).setAttribute(%q, "")`,
				slider.HtmlId(), ownKeys))
		}
	}()
	select {
	case <-ctx.Done():
		return
	case <-time.After(patience):
		panic("show: the browser doesn't answer the slider: run the cell again")
	case <-made:
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-hand.moved:
			if to := hand.place(); !slices.Equal(to, at) {
				at = to
				dom.SetInnerHtml(picture, frame())
			}
		}
	}
}

// patience is how long sliders wait for a browser to show them. GoNB gives up on a slider after 3
// s, and says so in the server's log alone.
const patience = 20 * time.Second

// A hand is where sliders were moved to last.
type hand struct {
	mu    sync.Mutex
	at    []int
	moved chan struct{} // of one, full while a move is unseen
}

// move puts slider i to a place below n. It ignores any other place.
func (h *hand) move(i, to, n int) {
	if to < 0 || to >= n {
		return
	}
	h.mu.Lock()
	h.at[i] = to
	h.mu.Unlock()
	select {
	case h.moved <- struct{}{}:
	default:
	}
}

func (h *hand) place() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.at)
}

// live reports whether a browser can answer: without a Jupyter server the kernel has no id.
func live() bool {
	return gonbui.IsNotebook &&
		os.Getenv(protocol.GONB_JUPYTER_KERNEL_ID_ENV) != ""
}
