package report

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
)

// decoded is the image of a data URI.
func decoded(t *testing.T, uri template.URL) image.Image {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(uri),
		"data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestPicture: large images are shown by the means of their blocks.
func TestPicture(t *testing.T) {
	for _, c := range []struct {
		height, width, channels, rows, columns int
		pixel                                  color.NRGBA // of the last
	}{
		{2, 3, 1, 2, 3, color.NRGBA{5, 5, 5, 255}},
		{2, 3, 3, 2, 3, color.NRGBA{15, 16, 17, 255}},
		{129, 3, 1, 65, 2, color.NRGBA{130, 130, 130, 255}},  // 386 as a byte, a block of its own
		{2, 256, 1, 1, 128, color.NRGBA{128, 128, 128, 255}}, // of 0, 255, 255, 0
	} {
		pixels := make([]byte, c.height*c.width*c.channels)
		for i := range pixels {
			pixels[i] = byte(i)
		}
		if c.width == 256 {
			pixels[254], pixels[255], pixels[510], pixels[511] = 0, 255, 255, 0
		}
		uri, err := picture(pixels, c.height, c.width, c.channels)
		if err != nil {
			t.Fatal(err)
		}
		img := decoded(t, uri)
		b := img.Bounds()
		if got := color.NRGBAModel.Convert(img.At(b.Dx()-1, b.Dy()-1)); b.Dy() != c.rows ||
			b.Dx() != c.columns || got != c.pixel {
			t.Errorf("%d×%d×%d: %v, %v", c.height, c.width, c.channels, b, got)
		}
	}
}

// TestDifferenceMap: zero is clear, both signs have their colour, and the scale's end is solid.
func TestDifferenceMap(t *testing.T) {
	uri, err := differenceMap([]float64{0, 0.5, -0.25, -0.5, 2, 0.001}, 2, 3, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	solid := func(c color.NRGBA, alpha uint8) color.NRGBA { c.A = alpha; return c }
	img := decoded(t, uri)
	for i, want := range []color.NRGBA{solid(moreColour, 0), moreColour, solid(lessColour, 128),
		lessColour, moreColour, solid(moreColour, 1)} {
		got := color.NRGBAModel.Convert(img.At(i%3, i/3)).(color.NRGBA)
		if got != want {
			t.Errorf("pixel %d: %v, want %v", i, got, want)
		}
	}
	// Of channels the one that changes most.
	got := change([]float32{1, 0, 0.5, 0.25, 0, 0}, []float32{0.5, 0.75, 0.5, 0.25, 0.125, 0}, 3)
	if len(got) != 2 || got[0] != -0.75 || got[1] != -0.125 {
		t.Errorf("%v", got)
	}
}

// TestMapOfRun: the map of a run's attack shows the perturbation that its file holds, and the page
// states the scale.
func TestMapOfRun(t *testing.T) {
	text, p := html(t, write(t, run()), dataset(t, "a", "b", "c"))
	check(t, text)
	for _, m := range p.Gallery {
		for _, a := range m.Attacks {
			if (a.Map == "") != (a.PNG == "") {
				t.Errorf("image %d: a map without a picture, or a picture without a map", m.Index)
			}
			if a.Map == "" {
				continue
			}
			img := decoded(t, a.Map)
			for i := range 16 { // 1.25 more at (1, 1)
				if _, _, _, alpha := img.At(i%4, i/4).RGBA(); (alpha == 0xffff) != (i == 5) ||
					(alpha == 0) != (i != 5) {
					t.Errorf("pixel %d: alpha %d", i, alpha)
				}
			}
			if m.Scale != "1.25" {
				t.Errorf("scale %s", m.Scale)
			}
		}
	}
	if strings.Count(text, `<p class="scale"`) != 1 {
		t.Error("the scale isn't stated once")
	}
}
