package data

import (
	"cmp"
	"fmt"
	"sync/atomic"
)

// images is the split of these image files, whose labels are positions in classes. The files in
// shaped have their size and channels too.
func (f files) images(names []string, labels []int32, classes, shaped []string) (*Dataset, error) {
	e := &imageFiles{files: f, names: names}
	d := &Dataset{ClassNames: classes, labels: labels, source: e, options: f.options}
	heads, errs := make([]head, len(names)), make([]error, len(names))
	parallel(len(names), func(i int) { heads[i], errs[i] = f.head(names[i]) })
	if err := d.shape(e, heads, errs, shaped); err != nil {
		return nil, err
	}
	return d, d.look(e, heads, errs)
}

// head reads the header of an image file.
func (f files) head(name string) (head, error) {
	r, err := f.open(name)
	if err != nil {
		return head{}, fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close()
	h, err := readHead(r)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return h, err
}

// SizesError says that images differ in size, and nothing says which size they are to have.
type SizesError struct {
	a, b sized
	bad  error // of images whose header can't be read, or nil
}

func (e *SizesError) Error() string {
	text := fmt.Sprintf("%v, while %v: images must have one size: resize and crop them", e.a, e.b)
	if e.bad != nil {
		text += fmt.Sprintf("; also, %v", e.bad)
	}
	return text
}

// shape finds the size and the channels of the split from the headers of its files: three channels
// where any image has colour.
func (d *Dataset) shape(e *imageFiles, heads []head, errs []error, shaped []string) error {
	s := scaling{d.options.Resize, d.options.Crop}
	wanted := d.options.Size
	square := wanted[0] > 0 && wanted[0] == wanted[1]
	if s.resize > 0 && s.crop == 0 && square {
		s.crop = wanted[0]
	}
	if err := s.check(); err != nil {
		return err
	}
	d.Channels = 1
	var first, other sized
	see := func(name string, h head) {
		at := sized{name, h}
		if first.name == "" {
			first = at
		} else if other.name == "" &&
			s.resized(h.height, h.width) != s.resized(first.height, first.width) {
			other = at
		}
		if !h.gray {
			d.Channels = 3
		}
	}
	// Those in shaped come first, up to the first one with colour.
	known := map[string]int{}
	for i, name := range e.names {
		known[name] = i
	}
	for _, name := range shaped {
		i, here := known[name]
		h, err := head{}, error(nil)
		if here {
			h, err = heads[i], errs[i]
		} else {
			h, err = e.files.head(name)
		}
		if err == nil {
			if see(name, h); !h.gray {
				break
			}
		}
	}
	for i, h := range heads {
		if errs[i] == nil {
			see(e.names[i], h)
		}
	}
	if first.name == "" {
		return cmp.Or(badImages(errs), fmt.Errorf("no image"))
	}
	if other.name != "" && s.crop == 0 {
		if !square {
			return &SizesError{other, first, badImages(errs)}
		}
		s = scaling{wanted[0], wanted[0]}
		d.note("%s, while %s: the shorter side of each image is resized to %d pixels, and the middle "+
			"%d×%d taken, before the noise", other, first, s.resize, s.crop, s.crop)
	}
	for i, h := range heads {
		if errs[i] != nil {
			continue
		}
		size, err := s.size(h.height, h.width)
		if err != nil {
			errs[i] = fmt.Errorf("%s: %w", e.names[i], err)
			continue
		}
		d.Height, d.Width = size[0], size[1]
	}
	d.scaling = s
	e.scaling, e.size, e.channels = s, [2]int{d.Height, d.Width}, d.Channels
	return nil
}

// sized is an image file and its header.
type sized struct {
	name string
	head
}

func (s sized) String() string {
	return fmt.Sprintf("%s: %d×%d pixels (height × width)", s.name, s.height, s.width)
}

// cacheLimit bounds the decoded images kept in memory, in bytes; larger splits are decoded
// at each use.
const cacheLimit = 4 << 30

// imageFiles is a source of image files, decoded when first used.
type imageFiles struct {
	files    files
	names    []string
	scaling  scaling
	size     [2]int // height and width after the scaling
	channels int
	cache    []atomic.Pointer[[]byte] // nil above cacheLimit
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

// decode returns the pixels of an image file, [height, width, channels], 8 bits a channel.
func (e *imageFiles) decode(text []byte) ([]byte, error) {
	pix, h, err := decodeImage(text, e.channels)
	if err != nil {
		return nil, err
	}
	size, err := e.scaling.size(h.height, h.width)
	if err == nil && size != e.size {
		err = fmt.Errorf("%d×%d pixels (height × width), want %d×%d", size[0], size[1], e.size[0],
			e.size[1])
	}
	if err != nil {
		return nil, err
	}
	return e.scaling.apply(pix, h.height, h.width, e.channels), nil
}
