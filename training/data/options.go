package data

import (
	"fmt"
	"io/fs"
	"reflect"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// The other splits of a dataset.
const (
	Val = "val" // the folder val, or validation
	All = "all" // every image that there is
)

// Options say how a dataset is read. The zero Options take what the path holds: the test split of a
// dataset that has one, else its validation split, else every image.
type Options struct {
	// Split is Train, Test, Val, All, or empty.
	Split string
	// Classes names the outputs of a model, in order: a text file with one name a line, or "imagenet".
	// The names of folders and the labels of a file map to them. Without it, folders are classes in
	// order of their names.
	Classes string
	// Labels is a table of paths and labels, tab or comma separated, for images without class folders.
	Labels string
	// SkipBad leaves out images that can't be read, which are an error otherwise.
	SkipBad bool
	// Resize is the length in pixels to which the shorter side of each image is resized, and Crop the
	// side of the square that is then taken from the middle. 0 does neither.
	Resize, Crop int
	// Size is the height and width that a model takes, or zero. If it is a square, images of several
	// sizes are resized to its side and cropped to it; those of Resize without Crop are cropped to it.
	Size [2]int
}

// Load reads the split of a dataset. [Open] says what ref may be.
func (o Options) Load(ref string) (*Dataset, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f, err := find(ref)
	return o.read(f, err)
}

// LoadFS is Load for the files of fsys. Errors and Dataset.Name call the dataset name.
func (o Options) LoadFS(fsys fs.FS, name string) (*Dataset, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f, err := fromFS(fsys, name)
	return o.read(f, err)
}

func (o Options) check() error {
	if err := (scaling{o.Resize, o.Crop}).check(); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	switch o.Split {
	case "", Train, Test, Val, All:
		return nil
	}
	return fmt.Errorf("data: no split %q; there are %s, %s, %s and %s", o.Split, Train, Test, Val,
		All)
}

// read reads the split of files, which the options go with.
func (o Options) read(f files, err error) (*Dataset, error) {
	var d *Dataset
	if err == nil {
		f.options = o
		if f.classes, err = readClasses(o.Classes); err == nil {
			d, err = f.load(o.Split)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return d, nil
}

// record is what a run keeps of the options, nil where they say nothing.
func (o Options) record(skipped []string) *countlog.DatasetSource {
	s := countlog.DatasetSource{Classes: o.Classes, Labels: o.Labels, Resize: o.Resize, Crop: o.Crop,
		Skipped: skipped}
	if reflect.ValueOf(s).IsZero() {
		return nil
	}
	return &s
}

// OptionsOf are those with which a run's dataset was read.
func OptionsOf(d countlog.Dataset) Options {
	o := Options{Split: d.Split}
	if s := d.Source; s != nil {
		o.Classes, o.Labels, o.Resize, o.Crop = s.Classes, s.Labels, s.Resize, s.Crop
		o.SkipBad = len(s.Skipped) > 0
	}
	return o
}
