package data

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pets are 6 cats and 6 dogs below a folder, of 2×2 pixels.
func pets(below string) tree {
	files := tree{}
	for i := range 6 {
		files[fmt.Sprintf("%scat/%d.png", below, i)] = pngFile(2, 2, rgb(uint8(i), 0, 0))
		files[fmt.Sprintf("%sdog/%d.png", below, i)] = pngFile(2, 2, rgb(uint8(100+i), 0, 0))
	}
	return files
}

// Without options, all images that a path holds are taken: the test or the validation split where
// there are splits. What is left out is said in numbers.
func TestSplitOption(t *testing.T) {
	both := pets("train/")
	for name, text := range pets("val/") {
		both[name] = text
	}
	for _, c := range []struct {
		files       tree
		split, took string
		images      int
		note        string
	}{
		{pets(""), "", All, 12, ""},
		{pets(""), All, All, 12, ""},
		{pets(""), Test, Test, 2, "2 of 12 images: the other 10 are the train split"},
		{pets(""), Train, Train, 10, ""},
		{pets("test/"), "", Test, 12, ""},
		{pets("val/"), "", Val, 12, ""},
		{pets("val/"), Test, Val, 12, ""},
		{pets("validation/"), Val, Val, 12, ""},
		{both, "", Val, 12, "12 of 24 images, of the val split: the other 12 are of other splits"},
		{both, Test, Val, 12, ""},
		{both, Train, Train, 12, ""},
		{both, All, All, 24, ""},
		{idxTree(), "", Test, 2, ""},
		{idxTree(), All, All, 6, ""},
	} {
		d, err := Options{Split: c.split}.LoadFS(c.files.fs(), "set")
		if err != nil {
			t.Errorf("%q: %v", c.split, err)
			continue
		}
		if d.Split != c.took || d.Len() != c.images || strings.Join(d.Notes, "; ") != c.note {
			t.Errorf("%q: %v, notes %q, want %s", c.split, d, d.Notes, c.note)
		}
		pixelsOf(t, d)
		hashOf(t, d)
	}
	for _, c := range []struct {
		files       tree
		split, want string
	}{
		{pets(""), Val, "there is no folder val"},
		{pets("test/"), Train, "there is no folder train, but test"},
		{pets(""), "holdout", `no split "holdout"`},
		{idxTree(), Val, "idx has no split val"},
	} {
		if _, err := (Options{Split: c.split}).LoadFS(c.files.fs(), "set"); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.split, err, c.want)
		}
	}
}

// Folders whose names are whole numbers are classes by their value.
func TestIntegerFolders(t *testing.T) {
	files := tree{}
	for c := range 11 {
		files[fmt.Sprintf("%d/a.png", c)] = pngFile(2, 2, rgb(uint8(c), 0, 0))
	}
	load := func(without ...string) *Dataset {
		some := tree{}
		for name, text := range files {
			if class, _, _ := strings.Cut(name, "/"); !slices.Contains(without, class) {
				some[name] = text
			}
		}
		d, err := Options{}.LoadFS(some.fs(), "set")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := load(); d.ClassNames[2] != "2" || d.ClassNames[10] != "10" {
		t.Error(d.ClassNames)
	}
	d := load("0", "5", "7")
	before := hashOf(t, d)
	if err := d.Fit(20); err != nil || d.Classes() != 20 || d.Label(0) != 1 ||
		d.Label(d.Len()-1) != 10 || hashOf(t, d) == before {
		t.Error(d, d.Label(0), err)
	}
	// As many folders as outputs are the outputs in order: classes that count from 1.
	if d = load("0"); d.Fit(10) != nil || d.Label(0) != 0 || d.Label(9) != 9 {
		t.Error(d, d.Label(0))
	}
	if err := load("0").Fit(9); err == nil || !strings.Contains(err.Error(), `"9" isn't a number`) {
		t.Error(err)
	}
}

// Images beside class folders are said to be left out.
func TestImagesBesideFolders(t *testing.T) {
	files := pets("")
	files["stray.png"] = pngFile(2, 2, rgb(1, 1, 1))
	d, err := Options{}.LoadFS(files.fs(), "set")
	if err != nil || len(d.Notes) != 1 ||
		!strings.Contains(d.Notes[0], "1 images beside the class folders") {
		t.Error(d, err)
	}
}
