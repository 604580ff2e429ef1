package show

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/lipsmooth/lipsmooth/figures"
)

// TestSmaller looks at every pixel of a figure again.
func TestSmaller(t *testing.T) {
	f, err := figures.Exact(0.1, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.WritePNG(&b, 144); err != nil {
		t.Fatal(err)
	}
	small, err := smaller(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(small) > b.Len()/2 {
		t.Errorf("%d bytes of %d", len(small), b.Len())
	}
	want, _ := png.Decode(&b)
	got, err := png.Decode(bytes.NewReader(small))
	if err != nil || got.Bounds() != want.Bounds() {
		t.Fatalf("%v, %v", got.Bounds(), err)
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			if far := distance(got.At(x, y), want.At(x, y)); far > 32 {
				t.Fatalf("at %d, %d: %v, want %v", x, y, got.At(x, y), want.At(x, y))
			}
		}
	}
	if _, err := smaller([]byte("no PNG")); err == nil {
		t.Error("no PNG is read")
	}
}

// TestPalette: a picture of few colours stays as it is. Of similar colours, the most common one
// remains.
func TestPalette(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 256, 20))
	for x := range 256 {
		for y := range 20 {
			img.Set(x, y, color.RGBA{uint8(x), uint8(16 * y), 0, 255})
		}
		img.Set(x, 0, color.RGBA{1, 2, 3, 255})
	}
	if p := palette(img); len(p.Palette) != 255 || p.At(7, 0) != (color.RGBA{1, 2, 3, 255}) {
		t.Errorf("%d colours, %v of the one there is most of", len(p.Palette), p.At(7, 0))
	}
	few := palette(img.SubImage(image.Rect(15, 0, 17, 2)))
	if len(few.Palette) != 3 || few.At(16, 1) != (color.RGBA{16, 16, 0, 255}) {
		t.Errorf("%d colours, %v", len(few.Palette), few.At(16, 1))
	}
}

// distance is the largest of the three channels', in 256 levels.
func distance(a, b color.Color) (most int) {
	r, g, bl, _ := a.RGBA()
	r2, g2, bl2, _ := b.RGBA()
	for _, d := range []int{int(r>>8) - int(r2>>8), int(g>>8) - int(g2>>8),
		int(bl>>8) - int(bl2>>8)} {
		most = max(most, d, -d)
	}
	return most
}
