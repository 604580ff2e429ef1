package data

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// lookLimit bounds what is decoded when a split is opened, in bytes of pixels. Of a larger split,
// only the headers of the files are checked.
const lookLimit = 256 << 20

// look checks every image file of the split, after its header. Its error lists those that can't be
// read. Where the options say so, the split goes on without them.
func (d *Dataset) look(e *imageFiles, heads []head, errs []error) error {
	n := len(e.names)
	if n*d.Size() <= cacheLimit {
		e.cache = make([]atomic.Pointer[[]byte], n)
	}
	skip := e.files.options.SkipBad
	total := 0
	for _, h := range heads {
		total += h.height * h.width * d.Channels
	}
	if skip || total <= lookLimit {
		parallel(n, func(i int) {
			if errs[i] == nil {
				errs[i] = e.check(i)
			}
		})
	}
	for i, h := range heads {
		d.jpeg = d.jpeg || h.jpeg && errs[i] == nil
	}
	err := badImages(errs)
	if err == nil || !skip {
		return err
	}
	kept := 0
	for i, name := range e.names {
		if errs[i] != nil {
			d.Skipped = append(d.Skipped, name)
			continue
		}
		e.names[kept], d.labels[kept] = name, d.labels[i]
		if e.cache != nil {
			e.cache[kept].Store(e.cache[i].Load())
		}
		kept++
	}
	e.names, d.labels = e.names[:kept], d.labels[:kept]
	d.note("skipped: %v", err)
	return nil
}

// Check reads the images of these indices. Its error lists those that can't be read.
func (d *Dataset) Check(indices []int) error {
	e, ok := d.source.(*imageFiles)
	if !ok {
		return nil
	}
	errs := make([]error, len(indices))
	parallel(len(indices), func(k int) { errs[k] = e.check(indices[k]) })
	if err := badImages(errs); err != nil {
		return fmt.Errorf("data: %s %s: %w", d.Name, d.Split, err)
	}
	return nil
}

func (e *imageFiles) check(i int) error {
	_, err := e.pixels(i)
	return err
}

// badImages lists the errors of images, nil where there are none.
func badImages(errs []error) error {
	var bad []string
	for _, err := range errs {
		if err != nil {
			bad = append(bad, err.Error())
		}
	}
	switch len(bad) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%s (--skip-bad goes on without it)", bad[0])
	}
	return fmt.Errorf("%d of %d images can't be taken (--skip-bad goes on without them): %s", len(bad),
		len(errs), some(bad))
}

// some are the first of a list, and the number of the others.
func some(list []string) string {
	const most = 10
	if more := len(list) - most; more > 0 {
		return fmt.Sprintf("%s; and %d more", strings.Join(list[:most], "; "), more)
	}
	return strings.Join(list, "; ")
}
