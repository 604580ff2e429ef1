package data

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A place is a dataset that lies in a folder, and its format.
type place struct {
	files
	format format
}

// places lists the datasets at the root of f or, where there is none, those in its folders. Files
// at the root that share the prefix of a dataset, such as emnist-letters-, count as a folder.
func (f files) places(formats []format) (found []place) {
	for _, format := range formats {
		if format.match(f) {
			return []place{{f, format}}
		}
	}
	var inner []files
	for _, prefix := range f.prefixes() {
		inner = append(inner, f.within(prefix))
	}
	for _, dir := range f.dirs {
		if !strings.Contains(dir, "/") {
			inner = append(inner, f.sub(dir))
		}
	}
	for _, g := range inner {
		found = append(found, g.places(formats)...)
	}
	return found
}

var idxPrefix = regexp.MustCompile(`^(.+-)(train|t10k|test)-(images|labels)[-.]idx`)

// prefixes lists what the names of a dataset's files at the root begin with.
func (f files) prefixes() (list []string) {
	for _, name := range f.names {
		if strings.Contains(name, "/") {
			continue
		}
		if m := idxPrefix.FindStringSubmatch(name); m != nil {
			list = append(list, m[1])
		} else if a, ok := parseArray(name); ok && a.prefix != "" {
			list = append(list, a.prefix)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// locate returns the only dataset of f. It may lie in an archive. An .npz counts as a dataset, and
// a zip or tar.gz where there is no other.
func (f files) locate() (place, error) {
	found := f.places(formats)
	if len(found) == 0 {
		found = f.places([]format{looseFormat})
	}
	if len(found) == 1 && found[0].where == f.where {
		return found[0], nil
	}
	var paths, zips, archives []string
	for _, p := range found {
		paths = append(paths, strings.TrimPrefix(p.where, f.where+"/"))
	}
	for _, name := range f.names {
		_, isArray := parseArray(path.Base(name))
		switch {
		case f.nested || isArray || slices.ContainsFunc(paths, func(p string) bool {
			return strings.HasPrefix(name, p+"/")
		}):
		case hasSuffix(name, ".npz"):
			zips = append(zips, name)
		case isZip(name) || isTar(name):
			archives = append(archives, name)
		}
	}
	if paths = append(paths, zips...); len(paths) == 0 {
		paths = archives
	}
	switch {
	case len(paths) == 1 && len(found) == 1:
		return found[0], nil
	case len(paths) == 1:
		g, err := f.unpack(paths[0])
		if err != nil {
			return place{}, err
		}
		return g.locate()
	}
	if len(paths) > 0 {
		return place{}, fmt.Errorf("%s: it holds several datasets: %s: name one, as in %s/%s", f.where,
			list(paths), f.where, paths[0])
	}
	for _, name := range f.names {
		if what := unsupported(name); what != "" {
			return place{}, fmt.Errorf("%s/%s: %s", f.where, name, what)
		}
	}
	var known []string
	for _, format := range append(slices.Clip(formats), looseFormat) {
		known = append(known, format.name+" ("+format.layout+")")
	}
	return place{}, fmt.Errorf("%s: no dataset found in it; known are %s", f.where,
		strings.Join(known, ", "))
}

// list joins at most eight names.
func list(names []string) string {
	if n := len(names); n > 8 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:8], ", "), n-8)
	}
	return strings.Join(names, ", ")
}

// unsupported says what a file is that lipsmooth recognises and doesn't read, and what to do.
func unsupported(name string) string {
	const save = ", which isn't read: save its images and labels with " +
		"np.save('x_test.npy', x) and np.save('y_test.npy', y)"
	base := strings.ToLower(path.Base(filepath.ToSlash(name)))
	for _, kind := range []struct{ what, ends string }{
		{"a MATLAB file", ".mat"}, {"an HDF5 file", ".h5 .hdf5"}, {"a Parquet file", ".parquet"},
		{"an LMDB database", ".lmdb data.mdb"}, {"an Arrow file", ".arrow .feather"},
		{"a pickle of unknown shape", ".pkl .pickle .p"}, {"a PyTorch file", ".pt .pth"},
		{"an FFCV file", ".beton"}, {"a table", ".csv .tsv"},
	} {
		if hasSuffix(base, strings.Fields(kind.ends)...) {
			what := kind.what + save
			if strings.HasSuffix(base, "_32x32.mat") {
				what += " (SVHN: x = m['X'].transpose(3, 0, 1, 2) and y = m['y'] % 10)"
			}
			return what
		}
	}
	if strings.Contains(base, ".tfrecord") {
		return "a TFRecord file" + save
	}
	if hasSuffix(base, ".rar", ".7z", ".tar", ".tar.bz2", ".tar.xz", ".tbz2", ".txz") {
		return "an archive that isn't read: unpack it and give the folder, or make it a zip or tar.gz"
	}
	return ""
}

// beside returns the dataset of a file of images x.npy and the labels beside it, or of the files in
// a folder whose names begin with the last part of ref. Without one, ok is false.
func beside(ref string) (f files, ok bool, err error) {
	folder, base := filepath.Split(filepath.Clean(ref))
	entries, _ := os.ReadDir(filepath.Clean(folder))
	f = files{name: datasetName(ref), where: filepath.Clean(folder)}
	for _, e := range entries {
		if !e.IsDir() && !ignored(e.Name()) {
			f.names = append(f.names, e.Name())
		}
	}
	f.open = func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(folder, name)) }
	if strings.HasSuffix(base, ".npy") && f.has(base) {
		if f, err = f.pair(base); err != nil {
			err = fmt.Errorf("%s: %w", ref, err)
		}
		return f, true, err
	}
	for _, prefix := range f.prefixes() {
		if strings.TrimRight(prefix, "-_.") == base {
			return f.within(prefix), true, nil
		}
	}
	return f, false, nil
}
