package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/npy"
)

// numpyFormat is images and labels in arrays of NumPy: files .npy in a folder, or an archive .npz,
// which is a zip of them, as Keras' mnist.npz is.
var numpyFormat = format{
	name:   "NumPy arrays",
	layout: "x_test and y_test, …; .npy or .npz",
	match:  func(f files) bool { return len(splitsOfArrays(f)) > 0 },
	splits: splitsOfArrays,
	load:   loadNumPy,
}

// splitsOfArrays lists the splits of which there are images or labels: All where the arrays name
// none.
func splitsOfArrays(f files) (list []string) {
	seen := map[string]bool{} // splits and kinds
	for _, name := range f.names {
		if a, ok := parseArray(name); ok && a.prefix == "" {
			seen[a.split], seen[a.kind] = true, true
		}
	}
	if !seen["images"] || !seen["labels"] {
		return nil
	}
	for _, split := range []string{Train, Test, Val, All} {
		if seen[split] && (split != All || list == nil) {
			list = append(list, split)
		}
	}
	return list
}

// arrayName is what the name of an array says.
type arrayName struct {
	prefix string // of the dataset, such as "cifar10.1_v6_"
	kind   string // "images" or "labels"
	split  string // Train, Test, Val, or All where the name says none
}

var (
	arrayKinds = map[string]string{"x": "images", "image": "images", "images": "images",
		"img": "images", "imgs": "images", "data": "images", "y": "labels", "label": "labels",
		"labels": "labels", "target": "labels", "targets": "labels", "class": "labels",
		"classes": "labels"}
	arraySplits = map[string]string{"train": Train, "training": Train, "test": Test,
		"testing": Test, "t10k": Test, "val": Val, "valid": Val, "validation": Val, "": All}
	arrayKind  = `(?P<kind>x|images?|imgs?|data|y|labels?|targets?|class|classes)`
	arraySplit = `(?P<split>train|training|test|testing|t10k|val|valid|validation)`
	arrayForms = []*regexp.Regexp{
		regexp.MustCompile(`(?i)^(.*[-_.])?` + arrayKind + `[-_.]?` + arraySplit + `$`),
		regexp.MustCompile(`(?i)^(.*[-_.])?` + arraySplit + `[-_.]?` + arrayKind + `$`),
		regexp.MustCompile(`(?i)^(.*[-_.])?` + arrayKind + `(?P<split>)$`),
	}
)

// parseArray reads the name of a file .npy or .npz at the root.
func parseArray(name string) (a arrayName, ok bool) {
	if !hasSuffix(name, ".npy", ".npz") || strings.Contains(name, "/") {
		return a, false
	}
	for _, form := range arrayForms {
		if m := form.FindStringSubmatch(name[:len(name)-len(".npy")]); m != nil {
			kind := strings.ToLower(m[form.SubexpIndex("kind")])
			split := strings.ToLower(m[form.SubexpIndex("split")])
			return arrayName{m[1], arrayKinds[kind], arraySplits[split]}, true
		}
	}
	return a, false
}

// arrayOf returns the file with the images or the labels of a split, or "".
func (f files) arrayOf(kind, split string) (found string, err error) {
	for _, name := range f.names {
		a, ok := parseArray(name)
		if !ok || a != (arrayName{kind: kind, split: split}) {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%s and %s may both hold the %s: remove one", found, name, kind)
		}
		found = name
	}
	return found, nil
}

func loadNumPy(f files, split string) (*Dataset, error) {
	images, err := f.arrayOf("images", split)
	if err != nil {
		return nil, err
	}
	labels, err := f.arrayOf("labels", split)
	if err != nil {
		return nil, err
	}
	if images == "" || labels == "" {
		return nil, fmt.Errorf("the %s split lacks its array of images or of labels", split)
	}
	d, n, err := f.imageArray(images)
	if err != nil {
		return nil, err
	}
	var all [][]int
	var own []int
	for _, name := range f.names {
		a, ok := parseArray(name)
		if !ok || a.prefix != "" || a.kind != "labels" {
			continue
		}
		array, err := f.readArray(name)
		if err != nil {
			return nil, err
		}
		some, err := array.ints()
		if err == nil && name == labels && len(some) != n {
			err = fmt.Errorf("%d labels, %s has %d images: they do not belong together", len(some),
				images, n)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if all = append(all, some); name == labels {
			own = some
		}
	}
	if err := d.label(own, all); err != nil {
		return nil, fmt.Errorf("%s: %w", labels, err)
	}
	return d, nil
}

// imageArray is a dataset of the n images in a file, without labels.
func (f files) imageArray(name string) (d *Dataset, n int, err error) {
	a, err := f.readArray(name)
	if err != nil {
		return nil, 0, err
	}
	pixels, size, err := a.pixels()
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	d = &Dataset{Height: size[0], Width: size[1], Channels: size[2]}
	d.source = memory{pixels, d.Size()}
	return d, a.Shape[0], nil
}

// readArray reads the array of a file .npy, or the only array of a file .npz.
func (f files) readArray(name string) (a array, err error) {
	if hasSuffix(name, ".npz") {
		g, err := f.unpack(name)
		if err == nil && len(g.names) != 1 {
			err = fmt.Errorf("%s: %d arrays, want 1: give the path of this file alone", name,
				len(g.names))
		}
		if err != nil {
			return a, err
		}
		f, name = g, g.names[0]
	}
	r, err := f.open(name)
	if err != nil {
		return a, fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close()
	read, err := npy.Read(r)
	if err != nil {
		return a, fmt.Errorf("%s: %w", name, err)
	}
	return array{*read}, nil
}

// pair is the array of images in this file of the folder f, and the array of labels that belongs to
// it: the file of the same name but for the kind, or labels.npy, as in CIFAR-10-C.
func (f files) pair(images string) (files, error) {
	of, _ := parseArray(images)
	labels := ""
	for _, name := range f.names {
		if a, ok := parseArray(name); ok && a.kind == "labels" && name != images &&
			(a == arrayName{kind: "labels", split: All} && labels == "" ||
				a == arrayName{of.prefix, "labels", of.split}) {
			labels = name
		}
	}
	if labels == "" {
		return f, errors.New("no labels.npy beside it, nor labels of its name")
	}
	named := map[string]string{"images.npy": images, "labels.npy": labels}
	open := f.open
	f.names, f.dirs = []string{"images.npy", "labels.npy"}, nil
	f.open = func(name string) (io.ReadCloser, error) {
		if named[name] == "" {
			return nil, fs.ErrNotExist
		}
		return open(named[name])
	}
	return f, nil
}
