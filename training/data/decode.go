package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"
	_ "image/png"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/jpeg"
	_ "golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// imageFormats is what decodeImage reads, for errors.
const imageFormats = "PNG, JPEG, WebP, BMP, TIFF or GIF"

// isImage tells whether a file's name is that of an image, also of a format that isn't read: the
// error then names the format.
func isImage(name string) bool {
	return slices.Contains([]string{
		".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff",
		".ppm", ".pgm", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".psd", ".svg", ".ico",
	}, strings.ToLower(path.Ext(name)))
}

// maxPixels bounds an image: a small file can claim to be a huge one.
const maxPixels = 1 << 27

// head is what the header of an image file says.
type head struct {
	height, width int
	gray          bool // without colour, and without transparency
	jpeg          bool
}

// isTIFF tells a TIFF file by its first bytes.
func isTIFF(start []byte) bool {
	return bytes.HasPrefix(start, []byte("II*\x00")) || bytes.HasPrefix(start, []byte("MM\x00*"))
}

// readHead reads the header of an image file.
func readHead(r io.Reader) (h head, err error) {
	b := bufio.NewReader(r)
	start, _ := b.Peek(12)
	if bytes.HasPrefix(start, []byte("\xff\xd8")) {
		c, err := jpeg.DecodeConfig(b)
		if err != nil {
			return h, fmt.Errorf("broken image: %w: replace or remove it", err)
		}
		h = head{c.Height, c.Width, c.Gray, true}
	} else {
		c, err := readConfig(b, isTIFF(start))
		if errors.Is(err, image.ErrFormat) {
			return h, unread(start)
		}
		if err != nil {
			return h, fmt.Errorf("broken image: %w: replace or remove it", err)
		}
		gray := c.ColorModel == color.GrayModel || c.ColorModel == color.Gray16Model
		h = head{c.Height, c.Width, gray, false}
	}
	if h.height < 1 || h.width < 1 || h.height > maxPixels/h.width {
		return h, fmt.Errorf("%d×%d pixels (height × width), want 1 to %d in all", h.height, h.width,
			maxPixels)
	}
	return h, nil
}

// readConfig reads the header of what isn't JPEG. A TIFF file has it anywhere, and the decoder of a
// stream would make room up to there.
func readConfig(r io.Reader, isTIFF bool) (image.Config, error) {
	if !isTIFF {
		c, _, err := image.DecodeConfig(r)
		return c, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return image.Config{}, err
	}
	return tiff.DecodeConfig(bytes.NewReader(text))
}

// unread names the format of a file that isn't read, by its first 12 bytes.
func unread(start []byte) error {
	for _, f := range []struct{ at, name string }{
		{"P5", "PGM"}, {"P6", "PPM"}, {"8BPS", "PSD"}, {"<svg", "SVG"}, {"<?xml", "SVG"},
		{"\x00\x00\x01\x00", "ICO"}, {"\xff\x0a", "JPEG XL"}, {"\x00\x00\x00\x0cJXL ", "JPEG XL"},
		{"\x00\x00\x00\x0cjP  ", "JPEG 2000"},
	} {
		if bytes.HasPrefix(start, []byte(f.at)) {
			return fmt.Errorf("%s images aren't read: convert it to PNG", f.name)
		}
	}
	if len(start) == 12 && string(start[4:8]) == "ftyp" {
		name := "HEIC"
		if strings.HasPrefix(string(start[8:]), "avi") {
			name = "AVIF"
		}
		return fmt.Errorf("%s images aren't read: convert it to PNG", name)
	}
	return fmt.Errorf("unknown format: not %s: replace or remove it", imageFormats)
}

// decodeImage returns the pixels of an image file, [height, width, channels], 8 bits a channel.
// They are those of Pillow's convert("RGB"), or convert("L") of a gray image. Transparency is
// dropped. A rotation in EXIF data isn't applied, as torchvision doesn't apply it. Of 16 bits the
// upper 8 are taken, also of gray, which Pillow cuts off at 255.
func decodeImage(text []byte, channels int) ([]byte, head, error) {
	h, err := readHead(bytes.NewReader(text))
	if err != nil {
		return nil, h, err
	}
	if channels == 1 && !h.gray {
		return nil, h, errors.New("it has colour, and the others don't")
	}
	var pix []byte
	if h.jpeg {
		pix, _, err = jpeg.Decode(bytes.NewReader(text))
	} else {
		pix, err = decodeOther(text, h)
	}
	if err != nil {
		return nil, h, fmt.Errorf("broken image: %w: replace or remove it", err)
	}
	if h.gray && channels == 3 {
		gray := pix
		pix = make([]byte, 0, 3*len(gray))
		for _, v := range gray {
			pix = append(pix, v, v, v)
		}
	}
	return pix, h, nil
}

// decodeOther decodes what isn't JPEG.
func decodeOther(text []byte, h head) ([]byte, error) {
	var img image.Image
	var err error
	if r := bytes.NewReader(text); isTIFF(text) {
		img, err = tiff.Decode(r)
	} else {
		img, _, err = image.Decode(r)
	}
	if err != nil {
		return nil, err
	}
	b := img.Bounds()
	if b.Dx() != h.width || b.Dy() != h.height {
		return nil, fmt.Errorf("%d×%d pixels, while its header says %d×%d", b.Dy(), b.Dx(), h.height,
			h.width)
	}
	at := func(x, y int) color.NRGBA { return color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA) }
	switch img := img.(type) {
	case *image.YCbCr:
		return webp(img), nil
	case *image.NYCbCrA:
		return webp(&img.YCbCr), nil
	case *image.NRGBA:
		at = img.NRGBAAt
	case *image.NRGBA64: // the conversion would lose what is transparent
		at = func(x, y int) color.NRGBA {
			c := img.NRGBA64At(x, y)
			return color.NRGBA{byte(c.R >> 8), byte(c.G >> 8), byte(c.B >> 8), 255}
		}
	case *image.RGBA:
		if img.Opaque() {
			at = func(x, y int) color.NRGBA { return color.NRGBA(img.RGBAAt(x, y)) }
		}
	}
	pix := make([]byte, 0, 3*h.height*h.width)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := at(x, y)
			if pix = append(pix, c.R); !h.gray {
				pix = append(pix, c.G, c.B)
			}
		}
	}
	return pix, nil
}
