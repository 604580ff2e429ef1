package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/npy"
)

// files are the files of a folder or an archive.
type files struct {
	name  string   // of the dataset
	where string   // the path, for errors
	names []string // slash-separated, sorted, without hidden ones
	dirs  []string // the folders, also sorted
	open  func(name string) (io.ReadCloser, error)

	nested  bool       // an archive that lay in another
	options Options    // with which the files are read
	classes *classList // of the options, nil where they name none

	md5   map[string]string    // of the unpacked file, where known, by its name without .gz
	check func(*Dataset) error // what a named dataset must satisfy, or nil
}

const maxDepth = 6 // folders below the root are looked at this deep, links to folders too

// ignored files and folders: hidden ones, and what macOS and Windows leave behind.
func ignored(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part != "." && strings.HasPrefix(part, ".") {
			return true
		}
		switch strings.ToLower(part) {
		case "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini":
			return true
		}
	}
	return false
}

func datasetName(where string) string {
	name := filepath.Base(where)
	for _, suffix := range []string{".zip", ".npz", ".npy", ".tar.gz", ".tgz"} {
		if n := len(name) - len(suffix); n > 0 && strings.EqualFold(name[n:], suffix) {
			return name[:n]
		}
	}
	return name
}

func fromFS(fsys fs.FS, where string) (files, error) {
	f := files{name: datasetName(where), where: where}
	f.open = func(name string) (io.ReadCloser, error) { return fsys.Open(name) }
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			if ignored(name) {
				continue
			}
			isDir := e.IsDir()
			if e.Type()&fs.ModeSymlink != 0 {
				info, err := fs.Stat(fsys, name)
				if err != nil {
					return err
				}
				isDir = info.IsDir()
			}
			if !isDir {
				f.names = append(f.names, name)
			} else if depth < maxDepth {
				f.dirs = append(f.dirs, name)
				if err := walk(name, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk(".", 0); err != nil {
		return files{}, fmt.Errorf("%s: %w", where, err)
	}
	f.sort()
	return f, nil
}

// addZip gives f the files of an archive, which stays open: images are read when used.
func (f *files) addZip(z *zip.Reader) error {
	entries := make(map[string]*zip.File, len(z.File))
	for _, e := range z.File {
		name := inside(strings.ReplaceAll(e.Name, `\`, "/"))
		switch {
		case name == "" || ignored(name):
		case e.FileInfo().IsDir():
			f.dirs = append(f.dirs, name)
		case entries[name] != nil:
			return fmt.Errorf("%s: %s is in it twice", f.where, name)
		default:
			entries[name] = e
			f.names = append(f.names, name)
		}
	}
	f.open = func(name string) (io.ReadCloser, error) {
		e := entries[name]
		if e == nil {
			return nil, fs.ErrNotExist
		}
		r, err := e.Open()
		if err != nil {
			return nil, err
		}
		packed := func() int64 { return int64(e.CompressedSize64) }
		return readCloser{&unpacked{Reader: r, packed: packed}, r}, nil
	}
	f.sort()
	return nil
}

// addTar gives f the files of a gzipped tar, read into memory: a tar has no index.
func (f *files) addTar(r io.Reader) error {
	wrap := func(err error) error {
		return fmt.Errorf("%s: %w: is it whole?", f.where, err)
	}
	unzipped, err := gunzip(r)
	if err != nil {
		return wrap(err)
	}
	content := map[string][]byte{}
	archive := tar.NewReader(unzipped)
	room := int64(npy.MaxBytes)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return wrap(err)
		}
		name := inside(h.Name)
		if name == "" || ignored(name) {
			continue
		}
		switch h.Typeflag {
		case tar.TypeDir:
			f.dirs = append(f.dirs, name)
		case tar.TypeReg:
			if room -= h.Size; room < 0 {
				return fmt.Errorf("%s: more than %d GB: unpack it and give the folder", f.where,
					npy.MaxBytes>>30)
			}
			text, err := io.ReadAll(archive)
			if err != nil {
				return wrap(fmt.Errorf("%s: %w", name, err))
			}
			if content[name] != nil {
				return fmt.Errorf("%s: %s is in it twice", f.where, name)
			}
			content[name] = text
			f.names = append(f.names, name)
		}
	}
	f.open = func(name string) (io.ReadCloser, error) {
		b, ok := content[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	f.sort()
	return nil
}

// isZip and isTar tell an archive by its name.
func isZip(name string) bool { return hasSuffix(name, ".zip", ".npz") }
func isTar(name string) bool { return hasSuffix(name, ".tar.gz", ".tgz") }

func hasSuffix(name string, suffixes ...string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
}

// fromArchive reads the archive at a path.
func fromArchive(where string) (f files, err error) {
	f = files{name: datasetName(where), where: where}
	if isZip(where) {
		z, err := zip.OpenReader(where)
		if err != nil {
			return files{}, fmt.Errorf("%s: %w: is it whole?", where, err)
		}
		return f, f.addZip(&z.Reader)
	}
	file, err := os.Open(where)
	if err != nil {
		return files{}, err
	}
	defer file.Close()
	return f, f.addTar(file)
}

// unpack returns the files of an archive within f.
func (f files) unpack(name string) (files, error) {
	text, err := f.read(name)
	if err != nil {
		return files{}, err
	}
	g := f
	g.where, g.names, g.dirs, g.nested = f.where+"/"+name, nil, nil, true
	if !isZip(name) {
		return g, g.addTar(bytes.NewReader(text))
	}
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return files{}, fmt.Errorf("%s: %w: is it whole?", g.where, err)
	}
	return g, g.addZip(z)
}

// inside is the name of an archive's entry from its root, empty for the root itself.
func inside(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// sort sorts names and dirs and adds the folders that only show in the names of files.
func (f *files) sort() {
	for _, list := range [][]string{f.names, f.dirs} {
		last := ""
		for _, name := range list {
			if dir := path.Dir(name); dir != last {
				last = dir
				for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
					f.dirs = append(f.dirs, dir)
				}
			}
		}
	}
	slices.Sort(f.names)
	slices.Sort(f.dirs)
	f.dirs = slices.Compact(f.dirs)
}

// sub is the folder dir of f.
func (f files) sub(dir string) files { return f.within(dir + "/") }

// within are the files whose names begin with prefix, by the rest of their names.
func (f files) within(prefix string) files {
	s := f
	s.where = f.where + "/" + strings.TrimRight(prefix, "/-_.")
	strip := func(list []string) (out []string) {
		at, _ := slices.BinarySearch(list, prefix)
		for ; at < len(list) && strings.HasPrefix(list[at], prefix); at++ {
			out = append(out, list[at][len(prefix):])
		}
		return out
	}
	s.names, s.dirs = strip(f.names), strip(f.dirs)
	s.open = func(name string) (io.ReadCloser, error) { return f.open(prefix + name) }
	return s
}

func (f files) has(name string) bool {
	_, found := slices.BinarySearch(f.names, name)
	return found
}

func (f files) hasDir(name string) bool {
	_, found := slices.BinarySearch(f.dirs, name)
	return found
}

// read returns the content of a file.
func (f files) read(name string) ([]byte, error) {
	r, err := f.open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, npy.MaxBytes+1))
	if err == nil && len(text) > npy.MaxBytes {
		err = fmt.Errorf("more than %d GB", npy.MaxBytes>>30)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: after %d bytes: %w", name, len(text), err)
	}
	return text, nil
}
