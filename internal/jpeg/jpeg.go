// Package jpeg decodes JPEG files to the pixels that libjpeg-turbo gives, and so Pillow,
// torchvision and Keras: the same inverse cosine transform, upsampling of chroma and conversion of
// colours, each in integers. The pixels depend on the file alone.
//
// It reads baseline, extended and progressive files of 8 bits (ITU-T T.81) with one, three or four
// components. It refuses files that libjpeg reads with a warning, such as one with data missing.
package jpeg

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// The second bytes of markers.
const (
	sof0, sof2, sof15  = 0xC0, 0xC2, 0xCF
	dht                = 0xC4
	rst0, rst7         = 0xD0, 0xD7
	soi, eoi, sos, dqt = 0xD8, 0xD9, 0xDA, 0xDB
	dri, app0, app14   = 0xDD, 0xE0, 0xEE
)

// Config is what the header of a file says.
type Config struct {
	Width, Height int
	Gray          bool // one component
}

// decoder holds the state between segments.
type decoder struct {
	r             *bufio.Reader
	half          bool // the first byte of a marker is read
	width, height int
	progressive   bool
	comps         []*component
	hmax, vmax    int // the largest sampling factors
	quant         [4][64]int32
	huff          [2][4]*huffman // of DC and AC
	restart       int            // MCUs between restart markers; 0: there are none
	jfif          bool
	adobe         int // colour transform of Adobe's segment, or -1
	scans         int
}

// component is one plane of the image.
type component struct {
	id            byte
	h, v          int // sampling factors
	table         int // of quantisation
	width, height int // in samples
	across, down  int // in blocks, filled up to whole MCUs
	coef          [][64]int16
	samples       []byte // [8·down, 8·across]
}

// DecodeConfig reads the header of a file.
func DecodeConfig(r io.Reader) (Config, error) {
	d, err := read(r, true)
	if err != nil {
		return Config{}, fmt.Errorf("jpeg: %w", err)
	}
	return Config{Width: d.width, Height: d.height, Gray: len(d.comps) == 1}, nil
}

// Decode returns the pixels of a file, [height, width, channels], 8 bits a channel. There is one
// channel where Config.Gray says so, and else red, green and blue. Inks become colours as in
// Pillow's convert("RGB").
func Decode(r io.Reader) (pix []byte, c Config, err error) {
	d, err := read(r, false)
	if err != nil {
		return nil, c, fmt.Errorf("jpeg: %w", err)
	}
	for _, c := range d.comps {
		c.transform(&d.quant[c.table])
	}
	return d.pixels(), Config{d.width, d.height, len(d.comps) == 1}, nil
}

// read reads segments up to the frame's header, or to the end of the image.
func read(r io.Reader, header bool) (*decoder, error) {
	d := &decoder{r: bufio.NewReader(r), adobe: -1}
	var start [2]byte
	if _, err := io.ReadFull(d.r, start[:]); err != nil || start != [2]byte{0xFF, soi} {
		return nil, errors.New("it doesn't start as a JPEG file does")
	}
	for {
		marker, err := d.marker()
		if err != nil {
			return nil, d.cut(err)
		}
		if marker == eoi {
			break
		}
		if marker == soi || marker <= rst7 && marker >= rst0 || marker == 1 {
			continue // no segment follows
		}
		body, err := d.segment()
		if err != nil {
			return nil, d.cut(err)
		}
		if err := d.take(marker, body); err != nil {
			return nil, err
		}
		if header && d.comps != nil {
			return d, nil
		}
		if marker == sos {
			if err := d.scan(body); err != nil {
				return nil, err
			}
			d.scans++
		}
	}
	if d.scans == 0 {
		return nil, errors.New("it holds no image")
	}
	for _, c := range d.comps {
		if c.coef == nil {
			return nil, fmt.Errorf("component %d has no data", c.id)
		}
	}
	return d, nil
}

// cut is the error of a file that ends too early.
func (d *decoder) cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends before the image does")
	}
	return err
}

// marker skips to the next marker.
func (d *decoder) marker() (byte, error) {
	after := d.half
	for d.half = false; ; {
		b, err := d.r.ReadByte()
		if err != nil || after && b != 0 && b != 0xFF {
			return b, err
		}
		after = b == 0xFF
	}
}

// segment reads the body of a segment.
func (d *decoder) segment() ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(d.r, size[:]); err != nil {
		return nil, err
	}
	n := int(size[0])<<8 | int(size[1])
	if n < 2 {
		return nil, fmt.Errorf("a segment of %d bytes", n)
	}
	body := make([]byte, n-2)
	_, err := io.ReadFull(d.r, body)
	return body, err
}

// take reads a segment that isn't a scan.
func (d *decoder) take(marker byte, body []byte) error {
	switch {
	case marker == dht:
		return d.readHuffman(body)
	case marker == dqt:
		return d.readQuant(body)
	case marker == dri:
		if len(body) != 2 {
			return errors.New("a restart interval without its 2 bytes")
		}
		d.restart = int(body[0])<<8 | int(body[1])
	case marker == app0 && len(body) >= 5 && string(body[:5]) == "JFIF\x00":
		d.jfif = true
	case marker == app14 && len(body) >= 12 && string(body[:5]) == "Adobe":
		d.adobe = int(body[11])
	case marker >= sof0 && marker <= sof2:
		d.progressive = marker == sof2
		return d.readFrame(body)
	case marker > sof2 && marker <= sof15:
		return fmt.Errorf("frame type %#x (arithmetic, lossless or hierarchical coding) "+
			"isn't read: save it as baseline or progressive JPEG", marker)
	}
	return nil
}

// readQuant reads quantisation tables.
func (d *decoder) readQuant(body []byte) error {
	for len(body) > 0 {
		precision, id := body[0]>>4, body[0]&15
		size := 64 * (1 + int(precision))
		if body = body[1:]; precision > 1 || id > 3 || len(body) < size {
			return errors.New("broken quantisation table")
		}
		for k, at := range zigzag {
			if precision == 0 {
				d.quant[id][at] = int32(body[k])
			} else {
				d.quant[id][at] = int32(body[2*k])<<8 | int32(body[2*k+1])
			}
		}
		body = body[size:]
	}
	return nil
}

// readFrame reads size and components.
func (d *decoder) readFrame(body []byte) error {
	if d.comps != nil {
		return errors.New("a second frame")
	}
	if len(body) < 6 || len(body) != 6+3*int(body[5]) {
		return errors.New("broken frame header")
	}
	if body[0] != 8 {
		return fmt.Errorf("%d bits a sample, want 8", body[0])
	}
	d.height, d.width = int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4])
	if d.height == 0 || d.width == 0 {
		return fmt.Errorf("%d×%d pixels", d.height, d.width)
	}
	if n := body[5]; n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("%d components, want 1, 3 or 4", n)
	}
	for c := body[6:]; len(c) > 0; c = c[3:] {
		p := &component{id: c[0], h: int(c[1] >> 4), v: int(c[1] & 15), table: int(c[2])}
		if p.h < 1 || p.h > 4 || p.v < 1 || p.v > 4 || p.table > 3 {
			return errors.New("broken frame header")
		}
		for _, other := range d.comps {
			if p.id == other.id {
				return fmt.Errorf("component %d twice", p.id)
			}
		}
		d.comps = append(d.comps, p)
		d.hmax, d.vmax = max(d.hmax, p.h), max(d.vmax, p.v)
	}
	for _, c := range d.comps {
		if d.hmax%c.h != 0 || d.vmax%c.v != 0 {
			return fmt.Errorf("sampling factors %d×%d in %d×%d aren't read", c.h, c.v, d.hmax, d.vmax)
		}
		c.width, c.height = ceil(d.width*c.h, d.hmax), ceil(d.height*c.v, d.vmax)
		c.across, c.down = c.h*ceil(d.width, 8*d.hmax), c.v*ceil(d.height, 8*d.vmax)
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }
