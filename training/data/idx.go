package data

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/npy"
)

// idxFormat is the format of MNIST: a big-endian magic number 0x000008 and the number of
// dimensions, the dimensions as uint32, and bytes (yann.lecun.com/exdb/mnist). EMNIST's images lie
// transposed in its files, and stay so, as in torchvision.
var idxFormat = format{
	name: "idx", layout: "train-images-idx3-ubyte[.gz], …",
	match:  func(f files) bool { return len(idxSplits(f)) > 0 },
	splits: idxSplits,
	load:   loadIDX,
}

func idxSplits(f files) (list []string) {
	for _, split := range []string{Train, Test} {
		if f.idx(split, "images") != "" {
			list = append(list, split)
		}
	}
	return list
}

// idxSuffixes end the names of files. QMNIST's labels are rows of int32, and the first of a row is
// the digit.
var idxSuffixes = map[string][]string{
	"images": {"idx3-ubyte"}, "labels": {"idx1-ubyte", "idx2-int"},
}

// idx returns the name of a split's file of kind "images" or "labels", or "".
func (f files) idx(split, kind string) string {
	prefixes := []string{split}
	if split == Test {
		prefixes = []string{"t10k", "test"}
	}
	for _, prefix := range prefixes {
		for _, suffix := range idxSuffixes[kind] {
			for _, middle := range []string{"-", "."} {
				for _, end := range []string{"", ".gz"} {
					if name := prefix + "-" + kind + middle + suffix + end; f.has(name) {
						return name
					}
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
	shape, pixels, err := f.readIDX(images, 0x803)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Height: shape[1], Width: shape[2], Channels: 1}
	if d.Height == 0 || d.Width == 0 {
		return nil, fmt.Errorf("%s: offset 8: images of %d×%d", images, d.Height, d.Width)
	}
	d.source = memory{pixels, d.Size()}
	own, err := f.idxLabels(labels)
	if err != nil {
		return nil, err
	}
	if len(own) != shape[0] {
		return nil, fmt.Errorf("%s has %d labels, %s has %d images: they do not belong together",
			labels, len(own), images, shape[0])
	}
	all := [][]int{own}
	for _, other := range []string{Train, Test} {
		if name := f.idx(other, "labels"); name != "" && name != labels {
			classes, err := f.idxLabels(name)
			if err != nil {
				return nil, err
			}
			all = append(all, classes)
		}
	}
	return d, d.label(own, all)
}

// label gives d the labels of its split, and as classes those that any of all splits has. Where
// each split labels k classes from 1, as EMNIST's letters do, the first class is the label 1.
func (d *Dataset) label(own []int, all [][]int) error {
	top, from := 0, 1
	for _, labels := range all {
		seen := slices.Compact(slices.Sorted(slices.Values(labels)))
		if len(seen) == 0 {
			continue
		}
		low, high := seen[0], seen[len(seen)-1]
		if low < 0 || high >= maxClasses {
			return fmt.Errorf("labels from %d to %d, want at least 0 and less than %d", low, high,
				maxClasses)
		}
		if low != 1 || high != len(seen) || len(seen) == 1 || top > 0 && top != high {
			from = 0
		}
		top = max(top, high)
	}
	for _, c := range own {
		d.labels = append(d.labels, int32(c-from))
	}
	for c := from; c <= top; c++ {
		d.ClassNames = append(d.ClassNames, strconv.Itoa(c))
	}
	return nil
}

const maxClasses = 1 << 20

// idxLabels reads a file of labels.
func (f files) idxLabels(name string) (labels []int, err error) {
	if !strings.HasSuffix(strings.TrimSuffix(name, ".gz"), "-int") {
		_, body, err := f.readIDX(name, 0x801)
		for _, b := range body {
			labels = append(labels, int(b))
		}
		return labels, err
	}
	shape, body, err := f.readIDX(name, 0xc02)
	if err == nil && shape[1] == 0 {
		err = fmt.Errorf("%s: rows without a label", name)
	}
	for at := 0; err == nil && at < len(body); at += 4 * shape[1] {
		labels = append(labels, int(int32(binary.BigEndian.Uint32(body[at:]))))
	}
	return labels, err
}

// readIDX reads an idx file that begins with this magic number: 8 for bytes or 12 for int32, and
// the number of dimensions.
func (f files) readIDX(name string, magic uint32) (shape []int, body []byte, err error) {
	file, err := f.open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	var r io.Reader = file
	plain := strings.TrimSuffix(name, ".gz")
	if plain != name {
		if r, err = gunzip(file); err != nil {
			return nil, nil, fmt.Errorf("%s: %w: fetch it again", name, err)
		}
	}
	head := make([]byte, 4+4*(magic&255))
	at, err := io.ReadFull(r, head)
	fail := func(format string, args ...any) ([]int, []byte, error) {
		if err != nil && plain != name {
			format, args = "after %d unpacked bytes: %w: fetch it again", []any{at, err}
		}
		return nil, nil, fmt.Errorf("%s: "+format, append([]any{name}, args...)...)
	}
	if err != nil {
		return fail("ends at offset %d, within the header of %d bytes: fetch it again", at,
			len(head))
	}
	if got := binary.BigEndian.Uint32(head); got != magic {
		return fail("offset 0: magic number %#08x, want %#08x (idx with %d dimensions): "+
			"another file under this name?", got, magic, magic&255)
	}
	a := npy.Array{Type: map[uint32]string{8: "|u1", 12: ">i4"}[magic>>8]}
	for k := 4; k < len(head); k += 4 {
		a.Shape = append(a.Shape, int(binary.BigEndian.Uint32(head[k:])))
	}
	total, shapeErr := a.Bytes()
	if shapeErr != nil {
		return fail("offset 4: %w", shapeErr)
	}
	body, err = io.ReadAll(io.LimitReader(r, int64(total)+1))
	at += len(body)
	switch want := len(head) + total; {
	case err != nil || at < want:
		return fail("ends at offset %d, want %d for shape %v: fetch it again", at, want, a.Shape)
	case at > want:
		return fail("goes on after offset %d, where shape %v ends: fetch it again", want, a.Shape)
	}
	if want, known := f.md5[plain]; known {
		sum := md5.New()
		sum.Write(head)
		sum.Write(body)
		if got := hex.EncodeToString(sum.Sum(nil)); got != want {
			return fail("unpacked md5 is %s, want %s: fetch it again", got, want)
		}
	}
	return a.Shape, body, nil
}
