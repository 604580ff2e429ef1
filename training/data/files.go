package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// files are the files of a folder or an archive.
type files struct {
	name  string   // of the dataset
	where string   // the path, for errors
	names []string // slash-separated, sorted, without hidden ones
	dirs  []string // the folders, also sorted
	open  func(name string) (io.ReadCloser, error)

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
	for _, suffix := range []string{".zip", ".tar.gz", ".tgz"} {
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

// fromZip leaves the archive open: images are read when used.
func fromZip(where string) (files, error) {
	z, err := zip.OpenReader(where)
	if err != nil {
		return files{}, fmt.Errorf("%s: %w: is it whole?", where, err)
	}
	f := files{name: datasetName(where), where: where}
	entries := make(map[string]*zip.File, len(z.File))
	for _, e := range z.File {
		name := inside(strings.ReplaceAll(e.Name, `\`, "/"))
		switch {
		case name == "" || ignored(name):
		case e.FileInfo().IsDir():
			f.dirs = append(f.dirs, name)
		case entries[name] != nil:
			return files{}, fmt.Errorf("%s: %s is in it twice", where, name)
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
		return e.Open()
	}
	f.sort()
	return f, nil
}

// fromTar reads a gzipped tar into memory: it has no index.
func fromTar(where string) (files, error) {
	wrap := func(err error) error {
		return fmt.Errorf("%s: %w: is it whole?", where, err)
	}
	file, err := os.Open(where)
	if err != nil {
		return files{}, err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return files{}, wrap(err)
	}
	f := files{name: datasetName(where), where: where}
	content := map[string][]byte{}
	archive := tar.NewReader(unzipped)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return files{}, wrap(err)
		}
		name := inside(h.Name)
		if name == "" || ignored(name) {
			continue
		}
		switch h.Typeflag {
		case tar.TypeDir:
			f.dirs = append(f.dirs, name)
		case tar.TypeReg:
			var b bytes.Buffer
			b.Grow(int(min(h.Size, 1<<30)))
			if _, err := io.Copy(&b, archive); err != nil {
				return files{}, wrap(fmt.Errorf("%s: %w", name, err))
			}
			if content[name] != nil {
				return files{}, fmt.Errorf("%s: %s is in it twice", where, name)
			}
			content[name] = b.Bytes()
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
	return f, nil
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

// top lists what lies at the root: folders, or also files if there are any.
func (f files) top() (names []string) {
	for _, list := range [][]string{f.dirs, f.names} {
		for _, name := range list {
			if !strings.Contains(name, "/") {
				names = append(names, name)
			}
		}
	}
	return names
}

// sub is the folder dir of f.
func (f files) sub(dir string) files {
	s, prefix := f, dir+"/"
	s.where = f.where + "/" + dir
	strip := func(list []string) (out []string) {
		for _, name := range list {
			if inner, ok := strings.CutPrefix(name, prefix); ok {
				out = append(out, inner)
			}
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
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: after %d bytes: %w", name, len(text), err)
	}
	return text, nil
}
