package data

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"path"
	"slices"
	"strings"
	"sync/atomic"
)

func isImage(name string) bool {
	return slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(path.Ext(name)))
}

// images is the split of these image files, whose labels are positions in classes. Of the files in
// shaped, the first that can be read says which shape the images have.
func (f files) images(names []string, labels []int32, classes, shaped []string) (*Dataset, error) {
	d := &Dataset{ClassNames: classes, labels: labels}
	source := &imageFiles{files: f, names: names}
	for _, name := range shaped {
		text, err := f.read(name)
		if err != nil {
			return nil, err
		}
		config, _, err := image.DecodeConfig(bytes.NewReader(text))
		if err != nil {
			continue
		}
		source.first = name
		d.Height, d.Width, d.Channels = config.Height, config.Width, 3
		if isGray(config.ColorModel) {
			d.Channels = 1
		}
		break
	}
	source.height, source.width, source.channels = d.Height, d.Width, d.Channels
	d.source = source
	return d, d.look(source)
}

// cacheLimit bounds the decoded images kept in memory, in bytes; larger splits are decoded
// at each use.
const cacheLimit = 4 << 30

// imageFiles is a source of image files, decoded when first used.
type imageFiles struct {
	files                   files
	names                   []string
	first                   string // gave height, width and channels
	height, width, channels int
	cache                   []atomic.Pointer[[]byte] // nil above cacheLimit
}

func (e *imageFiles) lazy() bool                    { return true }
func (e *imageFiles) content(i int) ([]byte, error) { return e.files.read(e.names[i]) }

func (e *imageFiles) pixels(i int) ([]byte, error) {
	if e.cache != nil {
		if p := e.cache[i].Load(); p != nil {
			return *p, nil
		}
	}
	text, err := e.files.read(e.names[i])
	if err != nil {
		return nil, err
	}
	p, err := e.decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.names[i], err)
	}
	if e.cache != nil {
		e.cache[i].Store(&p)
	}
	return p, nil
}

func isGray(m color.Model) bool { return m == color.GrayModel || m == color.Gray16Model }

// header checks what an image file says of its shape.
func (e *imageFiles) header(text []byte) error {
	config, _, err := image.DecodeConfig(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%w: replace or remove it", err)
	}
	if config.Height != e.height || config.Width != e.width {
		return fmt.Errorf("%d×%d pixels (height × width), while %s has %d×%d: "+
			"images must have one size: resize it",
			config.Height, config.Width, e.first, e.height, e.width)
	}
	if e.channels == 1 && !isGray(config.ColorModel) {
		return fmt.Errorf("it has colour, while %s is gray: convert one of them", e.first)
	}
	return nil
}

// decode returns the pixels of an image file, [height, width, channels], 8 bits a channel.
func (e *imageFiles) decode(text []byte) ([]byte, error) {
	if err := e.header(text); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("broken image: %w: replace or remove it", err)
	}
	b := img.Bounds()
	out := make([]byte, 0, e.height*e.width*e.channels)
	switch img := img.(type) {
	case *image.YCbCr:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				l, c := img.YOffset(x, y), img.COffset(x, y)
				r, g, b := color.YCbCrToRGB(img.Y[l], img.Cb[c], img.Cr[c])
				out = append(out, r, g, b)
			}
		}
	default:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
				switch {
				case c.A != 255:
					return nil, fmt.Errorf("it is transparent at row %d, column %d: flatten it",
						y-b.Min.Y, x-b.Min.X)
				case e.channels == 1:
					out = append(out, c.R)
				default:
					out = append(out, c.R, c.G, c.B)
				}
			}
		}
	}
	return out, nil
}
