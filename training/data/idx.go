package data

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// idxFormat is the format of MNIST: a big-endian magic number 0x000008 and the number of
// dimensions, the dimensions as uint32, and bytes (yann.lecun.com/exdb/mnist).
var idxFormat = format{
	name: "idx", layout: "train-images-idx3-ubyte[.gz], train-labels-idx1-ubyte[.gz], t10k-…",
	match: func(f files) bool {
		return f.idx(Train, "images") != "" || f.idx(Test, "images") != ""
	},
	load: loadIDX,
}

// idx returns the name of a split's file of kind "images" or "labels", or "".
func (f files) idx(split, kind string) string {
	suffix := map[string]string{"images": "idx3-ubyte", "labels": "idx1-ubyte"}[kind]
	prefixes := []string{split}
	if split == Test {
		prefixes = []string{"t10k", "test"}
	}
	for _, prefix := range prefixes {
		for _, middle := range []string{"-", "."} {
			for _, end := range []string{"", ".gz"} {
				if name := prefix + "-" + kind + middle + suffix + end; f.has(name) {
					return name
				}
			}
		}
	}
	return ""
}

func loadIDX(f files, split string) (*Dataset, error) {
	images, labels := f.idx(split, "images"), f.idx(split, "labels")
	if images == "" || labels == "" {
		return nil, fmt.Errorf("the %s split lacks its idx file of images or of labels", split)
	}
	shape, pixels, err := f.readIDX(images, 3)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Height: shape[1], Width: shape[2], Channels: 1}
	if d.Height == 0 || d.Width == 0 {
		return nil, fmt.Errorf("%s: offset 8: images of %d×%d", images, d.Height, d.Width)
	}
	d.source = memory{pixels, d.Size()}
	count, classes, err := f.readIDX(labels, 1)
	if err != nil {
		return nil, err
	}
	if count[0] != shape[0] {
		return nil, fmt.Errorf("%s has %d labels, %s has %d images: they do not belong together",
			labels, count[0], images, shape[0])
	}
	top := byte(0)
	for _, c := range classes {
		d.labels = append(d.labels, int32(c))
		top = max(top, c)
	}
	// Both splits have the classes of both.
	for _, other := range []string{Train, Test} {
		name := f.idx(other, "labels")
		if name == "" || name == labels {
			continue
		}
		if _, classes, err = f.readIDX(name, 1); err != nil {
			return nil, err
		}
		if len(classes) > 0 {
			top = max(top, slices.Max(classes))
		}
	}
	for c := range int(top) + 1 {
		d.ClassNames = append(d.ClassNames, strconv.Itoa(c))
	}
	return d, nil
}

const maxIDX = 1 << 40 // bytes

// readIDX reads an idx file of bytes with so many dimensions.
func (f files) readIDX(name string, dims int) (shape []int, body []byte, err error) {
	text, err := f.read(name)
	if err != nil {
		return nil, nil, err
	}
	plain := strings.TrimSuffix(name, ".gz")
	if plain != name {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w: fetch it again", name, err)
		}
		if text, err = io.ReadAll(z); err != nil {
			return nil, nil, fmt.Errorf("%s: after %d unpacked bytes: %w: fetch it again",
				name, len(text), err)
		}
	}
	header := 4 + 4*dims
	if len(text) < header {
		return nil, nil, fmt.Errorf("%s: ends at offset %d, within the header of %d bytes: "+
			"fetch it again", name, len(text), header)
	}
	magic := binary.BigEndian.Uint32(text)
	if want := 0x800 + uint32(dims); magic != want {
		return nil, nil, fmt.Errorf("%s: offset 0: magic number %#08x, "+
			"want %#08x (idx of bytes with %d dimensions): another file under this name?",
			name, magic, want, dims)
	}
	total := int64(1)
	for k := range dims {
		n := binary.BigEndian.Uint32(text[4+4*k:])
		shape = append(shape, int(n))
		if total > 0 && int64(n) > maxIDX/total {
			return nil, nil, fmt.Errorf("%s: offset %d: %d as dimension %d: not an idx file",
				name, 4+4*k, n, k)
		}
		total *= int64(n)
	}
	if got := int64(len(text) - header); got != total {
		return nil, nil, fmt.Errorf("%s: ends at offset %d, want %d for shape %v: fetch it again",
			name, len(text), int64(header)+total, shape)
	}
	if want, known := f.md5[plain]; known {
		if sum := md5.Sum(text); hex.EncodeToString(sum[:]) != want {
			return nil, nil, fmt.Errorf("%s: unpacked md5 is %x, want %s: fetch it again",
				name, sum, want)
		}
	}
	return shape, text[header:], nil
}
