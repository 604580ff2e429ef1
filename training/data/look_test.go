package data

import (
	"fmt"
	"strings"
	"testing"
)

// All bad images are named before anything is done with the split, or left out on request.
func TestLook(t *testing.T) {
	files := pets("test/")
	files["test/cat/3.png"] = files["test/cat/3.png"][:50]
	files["test/dog/0.png"] = []byte("P6 3 2 255 ")
	files["test/dog/9.jpg"] = []byte("no image")
	_, err := Options{}.LoadFS(files.fs(), "set")
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatal(err)
	}
	for _, want := range []string{"3 of 13 images can't be taken (--skip-bad",
		"test/cat/3.png: broken", "test/dog/0.png: PPM images", "test/dog/9.jpg: unknown format"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	d, err := Options{SkipBad: true}.LoadFS(files.fs(), "set")
	if err != nil || d.Len() != 10 ||
		strings.Join(d.Skipped, " ") != "test/cat/3.png test/dog/0.png test/dog/9.jpg" {
		t.Fatal(d, d.Skipped, err)
	}
	if got := pixelsOf(t, d); !strings.HasPrefix(got[4], "0:[5 ") ||
		!strings.HasPrefix(got[5], "1:[101 ") {
		t.Error(got)
	}
	id, err := d.Identity()
	if err != nil || len(id.Source.Skipped) != 3 {
		t.Errorf("%+v, %v", id, err)
	}
	for _, name := range d.Skipped {
		delete(files, name)
	}
	if whole, err := (Options{}).LoadFS(files.fs(), "set"); err != nil ||
		hashOf(t, whole) != id.Hash {
		t.Error("skipping gives another split than deleting", err)
	}
}

// A list of bad images ends after ten.
func TestManyBadImages(t *testing.T) {
	files := pets("test/")
	for i := range 15 {
		files[fmt.Sprintf("test/dog/bad%02d.png", i)] = nil
	}
	_, err := Options{}.LoadFS(files.fs(), "set")
	if err == nil || !strings.Contains(err.Error(), "15 of 27 images") ||
		!strings.HasSuffix(err.Error(), "and 5 more") || strings.Contains(err.Error(), "bad10") {
		t.Error(err)
	}
}

// Check finds images that break after the split was opened.
func TestCheck(t *testing.T) {
	files := pets("test/").fs()
	d, err := Options{}.LoadFS(files, "set")
	if err != nil || d.Check([]int{0, 7}) != nil {
		t.Fatal(err)
	}
	file := files["test/dog/1.png"]
	file.Data, d.source.(*imageFiles).cache = file.Data[:50], nil
	if err := d.Check([]int{0, 7}); err == nil || !strings.Contains(err.Error(), "test/dog/1.png") {
		t.Error(err)
	}
	if err := d.Check([]int{0, 8}); err != nil {
		t.Error(err)
	}
}
