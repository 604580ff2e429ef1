package report

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"math"
)

// A block is a square of pixels that a picture shows as one.
type block struct{ height, width, step int }

func blocks(height, width int) block {
	return block{height, width, (max(height, width) + largestSide - 1) / largestSide}
}

func (b block) bounds() image.Rectangle {
	return image.Rect(0, 0, (b.width+b.step-1)/b.step, (b.height+b.step-1)/b.step)
}

// mean is the mean over the block at (x, y) of what at says of each pixel, by its place in a row.
func (b block) mean(x, y int, at func(i int) float64) float64 {
	sum, n := 0.0, 0
	for i := y * b.step; i < min((y+1)*b.step, b.height); i++ {
		for j := x * b.step; j < min((x+1)*b.step, b.width); j++ {
			sum, n = sum+at(i*b.width+j), n+1
		}
	}
	return sum / float64(n)
}

// picture encodes pixels, [height, width, channels], as a data URI. Large images are reduced by
// averaging blocks.
func picture(pixels []byte, height, width, channels int) (template.URL, error) {
	b := blocks(height, width)
	mean := func(x, y, c int) uint8 {
		return uint8(b.mean(x, y, func(i int) float64 { return float64(pixels[i*channels+c]) }) + 0.5)
	}
	grey, colour := image.NewGray(b.bounds()), image.NewNRGBA(b.bounds())
	for y := range grey.Rect.Dy() {
		for x := range grey.Rect.Dx() {
			if channels == 1 {
				grey.SetGray(x, y, color.Gray{Y: mean(x, y, 0)})
			} else {
				colour.SetNRGBA(x, y, color.NRGBA{mean(x, y, 0), mean(x, y, 1), mean(x, y, 2), 255})
			}
		}
	}
	if channels == 1 {
		return encode(grey)
	}
	return encode(colour)
}

// change is by how much each pixel of an image, [pixels, channels], differs from a clean one. Of a
// pixel's channels it is the one that changes most.
func change(found, clean []float32, channels int) []float64 {
	values := make([]float64, len(found)/channels)
	for i, v := range found {
		if d := float64(v) - float64(clean[i]); math.Abs(d) > math.Abs(values[i/channels]) {
			values[i/channels] = d
		}
	}
	return values
}

// The ends of the scale of a difference map. Zero lies in the middle and is clear, so that it is
// the paper's colour on light and on dark paper.
var (
	lessColour = color.NRGBA{0, 114, 178, 255}
	moreColour = color.NRGBA{213, 94, 0, 255}
)

// differenceMap draws values of each pixel, [height, width], between −scale and scale, as a data
// URI.
func differenceMap(values []float64, height, width int, scale float64) (template.URL, error) {
	b := blocks(height, width)
	img := image.NewNRGBA(b.bounds())
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			v := b.mean(x, y, func(i int) float64 { return values[i] })
			c := moreColour
			if v < 0 {
				c = lessColour
			}
			c.A = uint8(math.Round(255 * min(1, math.Abs(v)/scale)))
			img.SetNRGBA(x, y, c)
		}
	}
	return encode(img)
}

func encode(img image.Image) (template.URL, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return "", err
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())),
		nil
}
