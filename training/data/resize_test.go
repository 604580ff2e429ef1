package data

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestResize compares with torchvision's Resize and CenterCrop on Pillow 13.0, whose results lie
// beside the photo.
func TestResize(t *testing.T) {
	pix, h := decoded(t, "testdata/photo.png")
	for name, s := range map[string]scaling{
		"testdata/photo-19-16.png": {19, 16}, "testdata/photo-50-47.png": {50, 47},
	} {
		want, size := decoded(t, name)
		got := s.apply(pix, h.height, h.width, 3)
		if at, err := s.size(h.height, h.width); err != nil || at != [2]int{size.height, size.width} {
			t.Errorf("%s: size %v, %v", name, at, err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%v, want\n%v", name, got, want)
		}
	}
	if got := (scaling{}).apply(pix, h.height, h.width, 3); !bytes.Equal(got, pix) {
		t.Error("the zero scaling changes pixels")
	}
	if got := (scaling{resize: 41}).apply(pix, h.height, h.width, 3); !bytes.Equal(got, pix) {
		t.Error("resizing to the same size changes pixels")
	}
}

// TestSizes checks how images of several sizes get one.
func TestSizes(t *testing.T) {
	files := tree{
		"a/0.png": pngFile(6, 8, rgb(9, 1, 2)), "b/0.png": pngFile(12, 5, rgb(8, 1, 2)),
		"b/1.png": pngFile(5, 7, rgb(7, 1, 2)),
	}
	hashes := map[string]Options{}
	for _, c := range []struct {
		o          Options
		resize, at int
		note, err  string
		sizes      bool // err is a SizesError
	}{
		{err: "b/0.png: 12×5 pixels (height × width), while a/0.png: 6×8", sizes: true},
		{o: Options{Resize: 4}, err: "images must have one size", sizes: true},
		{o: Options{Resize: 4, Crop: 4}, resize: 4, at: 4},
		{o: Options{Resize: 5, Crop: 4}, resize: 5, at: 4},
		{o: Options{Crop: 4}, at: 4},
		{o: Options{Size: [2]int{4, 3}}, err: "images must have one size", sizes: true},
		{o: Options{Size: [2]int{3, 3}}, resize: 3, at: 3, note: "resized to 3 pixels"},
		{o: Options{Resize: 5, Size: [2]int{3, 3}}, resize: 5, at: 3},
		{o: Options{Crop: 6}, err: "2 of 3 images can't be taken"},
		{o: Options{Crop: 6, SkipBad: true}},
		{o: Options{Resize: 4, Crop: 5}, err: "crop 5: must be at most resize, 4"},
		{o: Options{Resize: -1}, err: "must be at least 0"},
	} {
		d, err := c.o.LoadFS(files.fs(), "set")
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: got %v, want %q", c.o, err, c.err)
			}
			if _, sizes := errors.AsType[*SizesError](err); sizes != c.sizes {
				t.Errorf("%+v: a SizesError is %v", c.o, sizes)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", c.o, err)
			continue
		}
		if notes := strings.Join(d.Notes, ""); !strings.Contains(notes, c.note) {
			t.Errorf("%+v: notes %q", c.o, notes)
		}
		if c.o.SkipBad {
			if d.Len() != 1 || len(d.Skipped) != 2 {
				t.Errorf("%+v: %v, without %v", c.o, d, d.Skipped)
			}
			continue
		}
		p, err := d.Pixels(2)
		if err != nil || !bytes.Equal(p, bytes.Repeat([]byte{7, 1, 2}, c.at*c.at)) || d.Height != c.at {
			t.Errorf("%+v: %v, %v", c.o, p, err)
		}
		of, err := d.Identity()
		if err != nil || of.Source == nil || of.Source.Resize != c.resize || of.Source.Crop != c.at {
			t.Errorf("%+v: identity %+v, %v", c.o, of.Source, err)
		}
		again, err := OptionsOf(of).LoadFS(files.fs(), "set")
		if err != nil || hashOf(t, again) != of.Hash {
			t.Errorf("%+v: read again: %v", c.o, err)
		}
		if old, twice := hashes[of.Hash]; twice {
			t.Errorf("%+v and %+v: one hash", c.o, old)
		}
		hashes[of.Hash] = c.o
	}
}

// TestScaledPixels resizes images that lie in no files of their own.
func TestScaledPixels(t *testing.T) {
	plain, err := Options{}.LoadFS(idxTree().fs(), "set")
	if err != nil {
		t.Fatal(err)
	}
	d, err := Options{Resize: 4, Crop: 3}.LoadFS(idxTree().fs(), "set")
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Pixels(0)
	if err != nil || d.Height != 3 || len(p) != 9 || hashOf(t, d) == hashOf(t, plain) {
		t.Errorf("%v: %v, %v", d, p, err)
	}
	if _, err := (Options{Crop: 3}).LoadFS(idxTree().fs(), "set"); err == nil {
		t.Error("no error for a crop larger than the images")
	}
}
