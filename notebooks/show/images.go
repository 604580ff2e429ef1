package show

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"strings"
)

// Image is a picture of a gallery with its caption. The caption omits a zero.
type Image struct {
	// Pixels are [height, width, channels]. Values outside [0, 1] are drawn black or white.
	Pixels                  []float32
	Height, Width, Channels int // one channel is grey, three are RGB

	Class  string  // predicted
	Wrong  bool    // the prediction isn't the label's
	Radius float64 // certified, l2, in units of the image
	Attack float64 // l2 distance of the nearest image found that is classified otherwise
	Note   string  // anything else
}

// imageSize is how wide an image is shown, in CSS pixels.
const imageSize = 112

// Images shows images side by side, each with its class, certified radius and attack.
func Images(images ...Image) {
	var b strings.Builder
	b.WriteString(`<div style="display:flex;flex-wrap:wrap;gap:12px">`)
	for _, m := range images {
		fmt.Fprintf(&b,
			"\n"+
				`<figure style="margin:0;width:%dpx"><img width="%d" `+
				`style="image-rendering:pixelated" alt="%s" src="%s">`+
				`<figcaption style="font-size:small;line-height:1.3">%s</figcaption></figure>`,
			imageSize, imageSize, html.EscapeString(m.Class), pngURI(m.png()),
			strings.Join(m.caption(), "<br>"))
	}
	b.WriteString("\n</div>\n")
	HTML(b.String())
}

// caption is the caption of the image, in lines of HTML.
func (m Image) caption() (lines []string) {
	say := func(there bool, format string, args ...any) {
		if there {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	mark := ""
	if m.Wrong {
		mark = " ✗"
	}
	say(m.Class != "", "<b>%s</b>%s", html.EscapeString(m.Class), mark)
	say(m.Radius != 0, "certified %.3f", m.Radius)
	say(m.Attack != 0, "attacked at %.3f", m.Attack)
	say(m.Note != "", "%s", html.EscapeString(m.Note))
	return lines
}

func (m Image) png() []byte {
	if m.Channels != 1 && m.Channels != 3 || len(m.Pixels) != m.Height*m.Width*m.Channels {
		panic(fmt.Sprintf("show: %d pixels are no image of [%d, %d, %d] with 1 or 3 channels",
			len(m.Pixels), m.Height, m.Width, m.Channels))
	}
	img := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
	level := func(i int) uint8 { return uint8(255*min(max(m.Pixels[i], 0), 1) + 0.5) }
	for i := range m.Height * m.Width {
		at := i * m.Channels
		c := color.NRGBA{level(at), level(at), level(at), 255}
		if m.Channels == 3 {
			c.G, c.B = level(at+1), level(at+2)
		}
		img.SetNRGBA(i%m.Width, i/m.Width, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(fmt.Sprintf("show: %v", err))
	}
	return b.Bytes()
}
