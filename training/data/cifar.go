package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// CIFAR's images are three planes of 32×32 bytes, red, green and blue
// (www.cs.toronto.edu/~kriz/cifar.html).
const (
	cifarSide  = 32
	cifarImage = 3 * cifarSide * cifarSide
)

var cifarClasses = []string{
	"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
}

var cifar100Classes = strings.Fields(`apple aquarium_fish baby bear beaver bed bee beetle bicycle
bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle chair chimpanzee clock
cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster
house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain
plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm`)

// cifar is one of the two datasets.
type cifar struct {
	name        string
	classes     []string
	train, test []string // files, without .bin
	head        int      // bytes before each image, the last of which is the label
	meta, names string   // the files of class names, in Python's version and in the binary one
	nameKey     string   // in meta
	labelKey    string   // in Python's files
}

var cifars = []cifar{
	{"CIFAR-10", cifarClasses, []string{"data_batch_1", "data_batch_2", "data_batch_3",
		"data_batch_4", "data_batch_5"}, []string{"test_batch"}, 1, "batches.meta",
		"batches.meta.txt", "label_names", "labels"},
	{"CIFAR-100", cifar100Classes, []string{"train"}, []string{"test"}, 2, "meta",
		"fine_label_names.txt", "fine_label_names", "fine_labels"},
}

var cifarFormat = format{
	name: "CIFAR binary", layout: "test_batch.bin or test.bin, …",
	match:  func(f files) bool { return f.cifar(".bin") != nil },
	splits: trainTest,
	load:   func(f files, split string) (*Dataset, error) { return f.loadCIFAR(split, ".bin") },
}

var cifarPythonFormat = format{
	name: "CIFAR Python", layout: "test_batch, or test and meta, …",
	match:  func(f files) bool { return f.cifar("") != nil },
	splits: trainTest,
	load:   func(f files, split string) (*Dataset, error) { return f.loadCIFAR(split, "") },
}

func trainTest(files) []string { return []string{Train, Test} }

// cifar tells which of the datasets lies here in files that end so.
func (f files) cifar(end string) *cifar {
	for i, c := range cifars {
		if (f.has(c.train[0]+end) || f.has(c.test[0]+end)) &&
			(end != "" || c.head == 1 || f.has(c.meta)) {
			return &cifars[i]
		}
	}
	return nil
}

func (f files) loadCIFAR(split, end string) (*Dataset, error) {
	c := f.cifar(end)
	d := &Dataset{Height: cifarSide, Width: cifarSide, Channels: 3}
	var err error
	if d.ClassNames, err = c.classNames(f, end); err != nil {
		return nil, err
	}
	batches := c.test
	if split == Train {
		batches = c.train
	}
	var pixels []byte
	for _, batch := range batches {
		name := batch + end
		if !f.has(name) {
			return nil, fmt.Errorf("%s is missing: unpack all of %s's archive", name, c.name)
		}
		text, err := f.read(name)
		if err != nil {
			return nil, err
		}
		read := c.readBinary
		if end == "" {
			read = c.readPython
		}
		if err := read(text, func(label int, planes []byte) error {
			if label < 0 || label >= len(d.ClassNames) {
				return fmt.Errorf("label %d, want less than %d: is it %s?", label,
					len(d.ClassNames), c.name)
			}
			d.labels = append(d.labels, int32(label))
			pixels = appendPlanes(pixels, planes)
			return nil
		}); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	d.source = memory{pixels, d.Size()}
	return d, nil
}

// classNames reads the names that come with the files. Where they are absent, or not all
// different, the names are those of the dataset.
func (c *cifar) classNames(f files, end string) (names []string, err error) {
	file := c.names
	if end == "" {
		file = c.meta
	}
	if !f.has(file) {
		return c.classes, nil
	}
	text, err := f.read(file)
	if err != nil {
		return nil, err
	}
	if end == "" {
		meta, err := unpickleDict(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list, _ := meta[c.nameKey].(*pickleList)
		if list == nil {
			return c.classes, nil
		}
		for _, item := range list.items {
			name, _ := item.(string)
			names = append(names, name)
		}
	} else {
		names = strings.Fields(string(text))
	}
	if len(names) != len(c.classes) {
		return nil, fmt.Errorf("%s names %d classes, want %d", file, len(names), len(c.classes))
	}
	if len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		return c.classes, nil
	}
	return names, nil
}

// readBinary calls add for each record: a head and an image.
func (c *cifar) readBinary(text []byte, add func(label int, planes []byte) error) error {
	record := c.head + cifarImage
	if extra := len(text) % record; extra != 0 {
		return fmt.Errorf("ends at offset %d, %d bytes into a record of %d: fetch it again",
			len(text), extra, record)
	}
	for at := 0; at < len(text); at += record {
		if err := add(int(text[at+c.head-1]), text[at+c.head:][:cifarImage]); err != nil {
			return fmt.Errorf("offset %d: %w", at, err)
		}
	}
	return nil
}

// readPython calls add for each image of a pickle: a dict of data, [n, 3·32·32], and labels.
func (c *cifar) readPython(text []byte, add func(label int, planes []byte) error) error {
	batch, err := unpickleDict(text)
	if err != nil {
		return err
	}
	labels, err := pickledInts(batch[c.labelKey])
	if err != nil {
		return fmt.Errorf("%s: %w", strconv.Quote(c.labelKey), err)
	}
	var images []byte
	switch data := batch["data"].(type) {
	case string:
		images = []byte(data)
	case *pickleArray:
		if data.Type != "|u1" {
			return fmt.Errorf(`"data" has items of type %q, want "|u1", bytes`, data.Type)
		}
		images = data.Data
	default:
		return errors.New(`"data" is no array of bytes`)
	}
	if len(images) != len(labels)*cifarImage {
		return fmt.Errorf(`"data" holds %d bytes, want %d for %d images, one a label`, len(images),
			len(labels)*cifarImage, len(labels))
	}
	for i, label := range labels {
		if err := add(label, images[i*cifarImage:][:cifarImage]); err != nil {
			return fmt.Errorf("image %d: %w", i, err)
		}
	}
	return nil
}

func unpickleDict(text []byte) (pickleDict, error) {
	v, err := unpickle(text)
	dict, ok := v.(pickleDict)
	if err == nil && !ok {
		err = errors.New("a pickle of something else than a dict")
	}
	return dict, err
}

// cifar10Places are the names of files and folders that may hold CIFAR-10.
var cifar10Places = []string{
	"cifar10", "cifar10.zip", "cifar-10-batches-bin", "cifar-10-binary.tar.gz", "cifar10.tar.gz",
	"cifar-10-batches-py", "cifar-10-python.tar.gz",
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
		return files{}, fmt.Errorf("not found: fetch cifar-10-binary.tar.gz or "+
			"cifar-10-python.tar.gz (www.cs.toronto.edu/~kriz/cifar.html) into %s, "+
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
