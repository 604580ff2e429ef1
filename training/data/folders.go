package data

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// folderFormat is the format of images with a folder for each class, in folders of splits or not.
var folderFormat = format{
	name:   "image folder",
	layout: "train/<class>/<image>, test/<class>/<image>, or <class>/<image>; " + imageFormats,
	match: func(f files) bool {
		if len(f.splits()) > 0 {
			return true
		}
		classes := map[string]bool{}
		for _, name := range f.names {
			class, file, ok := strings.Cut(name, "/")
			if ok && isImage(file) && !strings.Contains(file, "/") {
				classes[class] = true
			}
		}
		if f.classes == nil {
			return len(classes) > 1
		}
		for class := range classes {
			if _, err := f.classes.output(class); err == nil {
				return true
			}
		}
		return false
	},
	load: loadFolders,
}

// splits are the folders that hold a split, by the split.
func (f files) splits() map[string]string {
	folders := map[string]string{}
	for _, s := range []struct{ split, folder string }{
		{Train, Train}, {Test, Test}, {Val, Val}, {Val, "valid"}, {Val, "validation"},
	} {
		if folders[s.split] == "" && f.hasDir(s.folder) {
			folders[s.split] = s.folder
		}
	}
	return folders
}

// chosenSplit is the split that is asked for among folders of splits. A validation split stands in
// for a test split that there isn't.
func chosenSplit(split string, folders map[string]string) (string, error) {
	if split == "" {
		for _, split = range []string{Test, Val, Train} {
			if folders[split] != "" {
				return split, nil
			}
		}
	}
	if split == Test && folders[Test] == "" && folders[Val] != "" {
		split = Val
	}
	if split != All && folders[split] == "" {
		return "", fmt.Errorf("there is no folder %s, but %s: add it, or choose another split",
			split, strings.Join(slices.Sorted(maps.Values(folders)), ", "))
	}
	return split, nil
}

func loadFolders(f files, split string) (*Dataset, error) {
	folders := f.splits()
	if len(folders) == 0 {
		return f.loadDivided(split)
	}
	split, err := chosenSplit(split, folders)
	if err != nil {
		return nil, err
	}
	all := map[string]map[string][]string{} // images by split and class
	taken, total := map[string][]string{}, 0
	for _, s := range slices.Sorted(maps.Keys(folders)) {
		if all[s], err = f.classFolders(folders[s]); err != nil {
			return nil, err
		}
		for class, names := range all[s] {
			if total += len(names); s == split || split == All {
				taken[class] = append(taken[class], names...)
			}
		}
	}
	shaped := sorted(taken)
	if all[Train] != nil {
		// It says which classes and which shape all splits have.
		shaped = sorted(all[Train])
		for _, s := range slices.Sorted(maps.Keys(all)) {
			if err := sameClasses(all[Train], all[s], folders[s]); err != nil && f.classes == nil {
				return nil, err
			}
		}
	}
	d, err := f.classed(taken, shaped)
	if err != nil {
		return nil, err
	}
	d.Split = split
	if left := total - d.Len(); left > 0 && f.options.Split == "" {
		d.note("%d of %d images, of the %s split: the other %d are of other splits", d.Len(), total,
			split, left)
	}
	return d, nil
}

func sameClasses(train, other map[string][]string, folder string) error {
	for class := range train {
		if other[class] == nil {
			return fmt.Errorf("class %q is in %s but not in %s", class, Train, folder)
		}
	}
	for class := range other {
		if train[class] == nil {
			return fmt.Errorf("class %q is in %s but not in %s", class, folder, Train)
		}
	}
	return nil
}

// loadDivided loads a split of images without folders of splits: all of them, or a part that
// depends on their names.
func (f files) loadDivided(split string) (*Dataset, error) {
	split = cmp.Or(split, All)
	if split == Val {
		return nil, fmt.Errorf("there is no folder %s: add it, or choose another split", Val)
	}
	byClass, err := f.classFolders(".")
	if err != nil {
		return nil, err
	}
	shaped, total := sorted(byClass), 0
	for class, names := range byClass {
		total += len(names)
		if split != All {
			byClass[class] = divide(names, split)
		}
	}
	d, err := f.classed(byClass, shaped)
	if err != nil {
		return nil, err
	}
	d.Split = split
	if split == Test {
		d.note("%d of %d images: the other %d are the train split", d.Len(), total, total-d.Len())
	}
	beside := 0
	for _, name := range f.names {
		if !strings.Contains(name, "/") && isImage(name) {
			beside++
		}
	}
	if beside > 0 {
		d.note("%d images beside the class folders are left out", beside)
	}
	return d, nil
}

// classed is the split of images by the names of their classes. The images that say which shape
// they have are shaped.
func (f files) classed(byClass map[string][]string, shaped []string) (*Dataset, error) {
	classes := slices.Collect(maps.Keys(byClass))
	sortNames(classes)
	var names []string
	var labels []int32
	for c, class := range classes {
		for _, name := range byClass[class] {
			names, labels = append(names, name), append(labels, int32(c))
		}
	}
	return f.images(names, labels, classes, shaped)
}

// classFolders lists the images of each class folder below root, sorted.
func (f files) classFolders(root string) (map[string][]string, error) {
	byClass := map[string][]string{}
	prefix := root + "/"
	if root == "." {
		prefix = ""
	}
	for _, dir := range f.dirs {
		if class, ok := strings.CutPrefix(dir, prefix); ok && !strings.Contains(class, "/") {
			byClass[class] = nil
		}
	}
	for _, name := range f.names {
		inner, ok := strings.CutPrefix(name, prefix)
		if !ok || prefix == "" && !strings.Contains(inner, "/") {
			continue // beside the classes or the splits: a README
		}
		class, file, ok := strings.Cut(inner, "/")
		switch {
		case !ok || strings.Contains(file, "/"):
			return nil, fmt.Errorf("%s: want %s<class>/<image>: move it or remove it", name, prefix)
		case !isImage(file):
			return nil, fmt.Errorf("%s: not an image (%s): remove it", name, imageFormats)
		}
		byClass[class] = append(byClass[class], name)
	}
	if least := 2; len(byClass) < least && f.classes == nil {
		where := cmp.Or(strings.TrimSuffix(prefix, "/"), "it")
		return nil, fmt.Errorf("%s holds %d class folders, want at least %d", where, len(byClass), least)
	}
	for class, names := range byClass {
		if len(names) == 0 {
			return nil, fmt.Errorf("%s%s: empty class folder: fill it or remove it", prefix, class)
		}
	}
	return byClass, nil
}

// sorted are the images of all classes, by name.
func sorted(byClass map[string][]string) []string {
	return slices.Sorted(func(yield func(string) bool) {
		for _, names := range byClass {
			for _, name := range names {
				if !yield(name) {
					return
				}
			}
		}
	})
}

// divide returns the sorted names that belong to a split. The test split takes the sixth of the
// names with the lowest SHA-256, and one at least if there are two.
func divide(names []string, split string) []string {
	order := slices.Clone(names)
	hash := map[string][32]byte{}
	for _, name := range names {
		hash[name] = sha256.Sum256([]byte(name))
	}
	slices.SortFunc(order, func(a, b string) int {
		x, y := hash[a], hash[b]
		return bytes.Compare(x[:], y[:])
	})
	n := len(names) / 6
	if n == 0 && len(names) > 1 {
		n = 1
	}
	if split == Test {
		order = order[:n]
	} else {
		order = order[n:]
	}
	slices.Sort(order)
	return order
}
