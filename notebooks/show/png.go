package show

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"slices"
)

// palette returns a picture in 255 colours at most. It keeps the most common colour among similar
// ones, and every other colour becomes the nearest of these. A figure has few colours, which blend
// at edges, so it takes a quarter of the bytes.
func palette(img image.Image) *image.Paletted {
	rgba := image.NewRGBA(img.Bounds())
	draw.Draw(rgba, rgba.Rect, img, img.Bounds().Min, draw.Src)
	counts := map[color.RGBA]int{}
	for i := 0; i < len(rgba.Pix); i += 4 {
		counts[color.RGBA{rgba.Pix[i], rgba.Pix[i+1], rgba.Pix[i+2], rgba.Pix[i+3]}]++
	}
	key := func(c color.RGBA) int { return int(c.R)<<24 | int(c.G)<<16 | int(c.B)<<8 | int(c.A) }
	colors := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(key(a), key(b)))
	})
	var of color.Palette
	like := map[color.RGBA]bool{}
	for _, c := range colors {
		if alike := (color.RGBA{c.R / 16, c.G / 16, c.B / 16, c.A / 16}); !like[alike] &&
			len(of) < 255 {
			of, like[alike] = append(of, c), true
		}
	}
	nearest := map[color.RGBA]uint8{}
	for _, c := range colors {
		nearest[c] = uint8(of.Index(c))
	}
	p := image.NewPaletted(rgba.Rect, of)
	for i := range p.Pix {
		p.Pix[i] = nearest[color.RGBA{rgba.Pix[4*i], rgba.Pix[4*i+1], rgba.Pix[4*i+2],
			rgba.Pix[4*i+3]}]
	}
	return p
}

// smaller writes a PNG again, in 255 colours.
func smaller(raster []byte) ([]byte, error) {
	img, err := png.Decode(bytes.NewReader(raster))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, palette(img))
	return b.Bytes(), err
}
