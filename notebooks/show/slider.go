package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"strings"
)

// ownKeys is an attribute of an element that handles the keys pressed in it. Without it, JupyterLab
// takes arrows to move between cells.
const ownKeys = "data-lm-suppress-shortcuts"

// Frames is [Sliders] with one slider, which begins at the first value.
func Frames[T any](name string, values []T, draw func(T)) {
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

// moved is what the browser does when a slider moves. At first, the section has the lines of the
// frame shown. The attribute data-frames has all other lines once, and each frame as the places of
// its lines. The last slider moves on by one frame.
const moved = `const s = this.querySelector(':scope>section');` +
	`const [text, frames] = JSON.parse(this.dataset.frames);` +
	`const lines = this.lines ??= (s.innerHTML + '\n' + text).split('\n');` +
	`let at = 0;` +
	`for (const i of this.querySelectorAll(':scope>label>input')) {` +
	`at = at * (+i.max + 1) + +i.value;` +
	`i.nextElementSibling.textContent = JSON.parse(i.dataset.values)[i.value]}` +
	`s.innerHTML = frames[at].map(l => lines[l]).join('\n')`

// Sliders shows sliders over frames. A frame is what draw shows for a value of each knob. Sliders
// draws the frames of all combinations at once, so no cell runs while a reader drags, and a page
// exported to HTML needs no network. Where scripts are removed, the page shows the first frame.
func Sliders(draw func(at ...any), knobs ...Knob) {
	start := 0
	for _, k := range knobs {
		if k.Start < 0 || k.Start >= len(k.Values) {
			panic(fmt.Sprintf("show: slider over %s: no value at %d", k.Name, k.Start))
		}
		start = start*len(k.Values) + k.Start
	}
	frames := combinations(nil, draw, knobs)
	text, places := shared(frames, start)
	var b strings.Builder
	fmt.Fprintf(&b, `<div data-frames="%s" oninput="%s">`,
		attribute([]any{text, places}), moved)
	for _, k := range knobs {
		said := make([]string, len(k.Values))
		for i, v := range k.Values {
			said[i] = fmt.Sprintf("%s = %v", k.Name, v)
		}
		fmt.Fprintf(&b, "\n"+`<label style="display:block"><input type="range" %s min="0" `+
			`max="%d" value="%d" style="vertical-align:middle;width:240px" data-values="%s"> `+
			`<span>%s</span></label>`, ownKeys, len(said)-1, k.Start, attribute(said),
			html.EscapeString(said[k.Start]))
	}
	fmt.Fprintf(&b, "\n<section>%s</section>\n</div>\n", frames[start])
	HTML(b.String())
}

// combinations are the frames of all values of the knobs, after the given values of knobs before.
func combinations(at []any, draw func(at ...any), knobs []Knob) (frames []string) {
	if len(knobs) == 0 {
		return []string{gather(func() { draw(at...) })}
	}
	for _, v := range knobs[0].Values {
		frames = append(frames, combinations(append(at[:len(at):len(at)], v), draw, knobs[1:])...)
	}
	return frames
}

// shared returns each line of the frames once, but for those of the frame at start, and each frame
// as the places of its lines among the lines of that frame and these. Frames of a figure have most
// of their lines in common.
func shared(frames []string, start int) (text string, places [][]int) {
	lines := strings.Split(frames[start], "\n")
	first, place := len(lines), map[string]int{}
	for i, line := range lines {
		place[line] = i
	}
	places = make([][]int, len(frames))
	for i, f := range frames {
		for line := range strings.SplitSeq(f, "\n") {
			if _, ok := place[line]; !ok {
				place[line] = len(lines)
				lines = append(lines, line)
			}
			places[i] = append(places[i], place[line])
		}
	}
	return strings.Join(lines[first:], "\n"), places
}

// attribute is a value as JSON, within the quotes of an attribute.
func attribute(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("show: %v", err))
	}
	return strings.NewReplacer("&", "&amp;", `"`, "&#34;").Replace(strings.TrimSpace(b.String()))
}
