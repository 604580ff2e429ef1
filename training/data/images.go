package data

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"path"
	"slices"
	"strings"
	"sync/atomic"
)

var imageFormat = format{
	name:   "image folder",
	layout: "train/<class>/<image>, test/<class>/<image>, or <class>/<image>; PNG or JPEG",
	match: func(f files) bool {
		if f.hasDir(Train) || f.hasDir(Test) {
			return true
		}
		classes := map[string]bool{}
		for _, name := range f.names {
			class, file, ok := strings.Cut(name, "/")
			if ok && isImage(file) && !strings.Contains(file, "/") {
				classes[class] = true
			}
		}
		return len(classes) > 1
	},
	load: loadImages,
}

func isImage(name string) bool {
	return slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(path.Ext(name)))
}

func loadImages(f files, split string) (*Dataset, error) {
	var byClass map[string][]string
	var first string // of the train split: it says which shape both splits have
	var err error
	if f.hasDir(Train) || f.hasDir(Test) {
		train, err := f.classFolders(Train)
		if err != nil {
			return nil, err
		}
		test, err := f.classFolders(Test)
		if err != nil {
			return nil, err
		}
		for class := range train {
			if test[class] == nil {
				return nil, fmt.Errorf("class %q is in %s but not in %s", class, Train, Test)
			}
		}
		for class := range test {
			if train[class] == nil {
				return nil, fmt.Errorf("class %q is in %s but not in %s", class, Test, Train)
			}
		}
		byClass, first = train, firstImage(train)
		if split == Test {
			byClass = test
		}
	} else {
		if byClass, err = f.classFolders("."); err != nil {
			return nil, err
		}
		first = firstImage(byClass)
		for class, names := range byClass {
			byClass[class] = divide(names, split)
		}
	}
	d := &Dataset{}
	for class := range byClass {
		d.ClassNames = append(d.ClassNames, class)
	}
	slices.Sort(d.ClassNames)
	source := &imageFiles{files: f}
	for c, class := range d.ClassNames {
		for _, name := range byClass[class] {
			source.names = append(source.names, name)
			d.labels = append(d.labels, int32(c))
		}
	}
	text, err := f.read(first)
	if err != nil {
		return nil, err
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: replace or remove it", first, err)
	}
	d.Height, d.Width, d.Channels = config.Height, config.Width, 3
	if isGray(config.ColorModel) {
		d.Channels = 1
	}
	source.first = first
	source.height, source.width, source.channels = d.Height, d.Width, d.Channels
	if n := len(source.names); n*d.Size() <= cacheLimit {
		source.cache = make([]atomic.Pointer[[]byte], n)
	}
	d.source = source
	return d, nil
}

// classFolders lists the images of each class folder below root, sorted.
func (f files) classFolders(root string) (map[string][]string, error) {
	byClass := map[string][]string{}
	prefix := root + "/"
	if root == "." {
		prefix = ""
	} else if !f.hasDir(root) {
		return nil, fmt.Errorf("there is no folder %s beside the other split: "+
			"add it, or leave out the level of splits", root)
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
			return nil, fmt.Errorf("%s: not a .png, .jpg or .jpeg: remove it", name)
		}
		byClass[class] = append(byClass[class], name)
	}
	if len(byClass) < 2 {
		where := cmp.Or(strings.TrimSuffix(prefix, "/"), "it")
		return nil, fmt.Errorf("%s holds %d class folders, want at least 2", where, len(byClass))
	}
	for class, names := range byClass {
		if len(names) == 0 {
			return nil, fmt.Errorf("%s%s: empty class folder: fill it or remove it", prefix, class)
		}
	}
	return byClass, nil
}

func firstImage(byClass map[string][]string) (first string) {
	for _, names := range byClass {
		if first == "" || names[0] < first {
			first = names[0]
		}
	}
	return first
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

// cacheLimit bounds the decoded images kept in memory, in bytes; larger splits are decoded
// at each use.
const cacheLimit = 4 << 30

// imageFiles is a source of image files, decoded when first used.
type imageFiles struct {
	files                   files
	names                   []string
	first                   string // gave height, width and channels
	height, width, channels int
	cache                   []atomic.Pointer[[]byte] // nil above cacheLimit
}

func (e *imageFiles) lazy() bool                    { return true }
func (e *imageFiles) content(i int) ([]byte, error) { return e.files.read(e.names[i]) }

func (e *imageFiles) pixels(i int) ([]byte, error) {
	if e.cache != nil {
		if p := e.cache[i].Load(); p != nil {
			return *p, nil
		}
	}
	text, err := e.files.read(e.names[i])
	if err != nil {
		return nil, err
	}
	p, err := e.decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.names[i], err)
	}
	if e.cache != nil {
		e.cache[i].Store(&p)
	}
	return p, nil
}

func isGray(m color.Model) bool { return m == color.GrayModel || m == color.Gray16Model }

// decode returns the pixels of an image file, [height, width, channels], 8 bits a channel.
func (e *imageFiles) decode(text []byte) ([]byte, error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%w: replace or remove it", err)
	}
	if config.Height != e.height || config.Width != e.width {
		return nil, fmt.Errorf("%d×%d pixels (height × width), while %s has %d×%d: "+
			"images must have one size: resize it",
			config.Height, config.Width, e.first, e.height, e.width)
	}
	if e.channels == 1 && !isGray(config.ColorModel) {
		return nil, fmt.Errorf("it has colour, while %s is gray: convert one of them", e.first)
	}
	img, _, err := image.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("broken image: %w: replace or remove it", err)
	}
	b := img.Bounds()
	out := make([]byte, 0, e.height*e.width*e.channels)
	switch img := img.(type) {
	case *image.YCbCr:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				l, c := img.YOffset(x, y), img.COffset(x, y)
				r, g, b := color.YCbCrToRGB(img.Y[l], img.Cb[c], img.Cr[c])
				out = append(out, r, g, b)
			}
		}
	default:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
				switch {
				case c.A != 255:
					return nil, fmt.Errorf("it is transparent at row %d, column %d: flatten it",
						y-b.Min.Y, x-b.Min.X)
				case e.channels == 1:
					out = append(out, c.R)
				default:
					out = append(out, c.R, c.G, c.B)
				}
			}
		}
	}
	return out, nil
}
