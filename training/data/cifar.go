package data

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// CIFAR-10's binary version holds records of a label and three planes of 32×32 bytes, red,
// green and blue (www.cs.toronto.edu/~kriz/cifar.html).
const (
	cifarSide   = 32
	cifarPlane  = cifarSide * cifarSide
	cifarRecord = 1 + 3*cifarPlane
	cifarMeta   = "batches.meta.txt"
)

var cifarClasses = []string{
	"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
}

var cifarFormat = format{
	name: "CIFAR-10 binary", layout: "data_batch_1.bin … data_batch_5.bin, test_batch.bin",
	match: func(f files) bool { return f.has("data_batch_1.bin") || f.has("test_batch.bin") },
	load:  loadCIFAR,
}

func loadCIFAR(f files, split string) (*Dataset, error) {
	d := &Dataset{Height: cifarSide, Width: cifarSide, Channels: 3, ClassNames: cifarClasses}
	if f.has(cifarMeta) {
		text, err := f.read(cifarMeta)
		if err != nil {
			return nil, err
		}
		if d.ClassNames = strings.Fields(string(text)); len(d.ClassNames) != len(cifarClasses) {
			return nil, fmt.Errorf("%s names %d classes, want %d",
				cifarMeta, len(d.ClassNames), len(cifarClasses))
		}
	}
	batches := []string{"test_batch.bin"}
	if split == Train {
		batches = nil
		for k := range 5 {
			batches = append(batches, fmt.Sprintf("data_batch_%d.bin", k+1))
		}
	}
	var pixels []byte
	for _, name := range batches {
		if !f.has(name) {
			return nil, fmt.Errorf("%s is missing: unpack all of cifar-10-binary.tar.gz", name)
		}
		text, err := f.read(name)
		if err != nil {
			return nil, err
		}
		if extra := len(text) % cifarRecord; extra != 0 {
			return nil, fmt.Errorf("%s: ends at offset %d, %d bytes into a record of %d: "+
				"fetch it again", name, len(text), extra, cifarRecord)
		}
		pixels = slices.Grow(pixels, len(text))
		for at := 0; at < len(text); at += cifarRecord {
			label, planes := text[at], text[at+1:][:3*cifarPlane]
			if int(label) >= len(d.ClassNames) {
				return nil, fmt.Errorf("%s: offset %d: label %d, want less than %d: "+
					"is it CIFAR-10's binary version?", name, at, label, len(d.ClassNames))
			}
			d.labels = append(d.labels, int32(label))
			for p := range cifarPlane {
				pixels = append(pixels, planes[p], planes[cifarPlane+p], planes[2*cifarPlane+p])
			}
		}
	}
	d.source = memory{pixels, d.Size()}
	return d, nil
}

// cifar10Places are the names of files and folders that may hold CIFAR-10.
var cifar10Places = []string{
	"cifar10", "cifar10.zip", "cifar-10-batches-bin", "cifar-10-binary.tar.gz", "cifar10.tar.gz",
}

// cifar10Files looks for CIFAR-10 at the path LIPSMOOTH_CIFAR10, where set, else in
// os.UserCacheDir()/lipsmooth, and then in ./data. Nothing is downloaded.
func cifar10Files() (files, error) {
	path := os.Getenv("LIPSMOOTH_CIFAR10")
	var folders []string
	if cache, err := os.UserCacheDir(); err == nil {
		folders = append(folders, filepath.Join(cache, "lipsmooth"))
	}
	folders = append(folders, "data")
	for _, folder := range folders {
		for _, name := range cifar10Places {
			if place := filepath.Join(folder, name); path == "" {
				if _, err := os.Stat(place); err == nil {
					path = place
				}
			}
		}
	}
	if path == "" {
		return files{}, fmt.Errorf("not found: fetch cifar-10-binary.tar.gz "+
			"(www.cs.toronto.edu/~kriz/cifar.html) into %s, "+
			"or set LIPSMOOTH_CIFAR10 to it, to its unpacked folder, "+
			"or to a folder or zip of train/<class>/<image> and test/<class>/<image>",
			strings.Join(folders, " or "))
	}
	f, err := findPath(path)
	if err != nil && os.Getenv("LIPSMOOTH_CIFAR10") != "" {
		err = fmt.Errorf("LIPSMOOTH_CIFAR10: %w", err)
	}
	f.check = func(d *Dataset) error {
		size := d.scaling == (scaling{}) && (d.Height != cifarSide || d.Width != cifarSide)
		if size || d.Channels != 3 || !slices.Equal(d.ClassNames, cifarClasses) {
			return fmt.Errorf("not CIFAR-10: %d×%d×%d, classes %s",
				d.Height, d.Width, d.Channels, strings.Join(d.ClassNames, ", "))
		}
		return nil
	}
	return f, err
}
