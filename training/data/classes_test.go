package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written is the path of a file with a text.
func written(t *testing.T, name, text string) string {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// The 1,000 classes of ImageNet, by pairs that are widely published.
func TestImageNetClasses(t *testing.T) {
	list, err := readClasses(ImageNet)
	if err != nil || len(list.names) != 1000 {
		t.Fatal(len(list.names), err)
	}
	for name, want := range map[string]int{
		"n01440764": 0, "tench": 0, "Tinca tinca": 0, "n02099601": 207, "golden_retriever": 207,
		"n02123045": 281, "tabby": 281, "n15075141": 999, "toilet tissue": 999,
		"n02099601-golden_retriever": 207, "42": 42, "n02012849": 134,
	} {
		if got, err := list.output(name); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", name, got, err, want)
		}
	}
	for name, want := range map[string]string{
		"crane":     "the name of outputs 134 and 517",
		"n00000000": "none of the 1000 classes of imagenet",
		"1000":      "none of the 1000 classes",
	} {
		if _, err := list.output(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	last := ""
	for line := range strings.Lines(imageNetClasses) {
		if id := synset.FindString(line); id <= last {
			t.Fatalf("%s after %s", id, last)
		} else {
			last = id
		}
	}
}

// A list of classes maps folders to the model's outputs, of which they need not be all.
func TestClasses(t *testing.T) {
	file := written(t, "names.txt", "\ufeffcow\r\ndog\r\nHouse-Cat\r\ncat\r\n\r\n")
	d, err := Options{Classes: file}.LoadFS(pets("").fs(), "set")
	if err != nil || d.Classes() != 4 || d.Label(0) != 3 || d.Label(11) != 1 {
		t.Fatal(d, err)
	}
	if got, want := d.Mapping(), "0 = cow, 1 = dog, …, 3 = cat"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if id, err := d.Identity(); err != nil || OptionsOf(id).Classes != file {
		t.Errorf("%+v, %v", id, err)
	}
	synsets := tree{"n02099601/a.png": pngFile(2, 2, rgb(1, 2, 3))}
	d, err = Options{Classes: ImageNet}.LoadFS(synsets.fs(), "set") // one class of 1,000
	if err != nil || d.Classes() != 1000 || d.Label(0) != 207 || d.Fit(1000) != nil {
		t.Fatal(d, err)
	}
	if d, err = (Options{}).LoadFS(pets("").fs(), "set"); err != nil {
		t.Fatal(err)
	}
	if err := d.Fit(1000); err == nil || !strings.Contains(err.Error(), "--classes imagenet") {
		t.Error(err)
	}
	for _, c := range []struct{ text, want string }{
		{"cow\ndog\n", `1 of 2 classes are unknown: "cat" is none of the 2 classes of`},
		{"cow\n\ndog\n", "line 2 is empty"},
		{"cow\n", "1 classes, want at least 2"},
		{"cat\ndog\ncat\n", `"cat" is the name of outputs 0 and 2`},
	} {
		file := written(t, "names.txt", c.text)
		if _, err := (Options{Classes: file}).LoadFS(pets("").fs(), "set"); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := (Options{Classes: "absent.txt"}).LoadFS(pets("").fs(), "set"); err == nil ||
		!strings.Contains(err.Error(), "absent.txt") {
		t.Error(err)
	}
}
