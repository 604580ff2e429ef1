package data

import (
	"fmt"
	"strings"
	"testing"
)

// loose are 4 images without class folders.
func loose() tree {
	files := tree{"README.txt": []byte("hello")}
	for i := range 4 {
		files[fmt.Sprintf("img_%d.png", i)] = pngFile(2, 2, rgb(uint8(i), 0, 0))
	}
	return files
}

// A table of labels serves loose images: by tabs, commas or spaces, with a header or without.
func TestLabels(t *testing.T) {
	for _, c := range []struct{ text, labels string }{
		{"img_0.png\t7\nimg_1.png\t3\nimg_2.png\t7\nimg_3.png\t0\n", "7 3 7 0"},
		{"img_0.png,7\nimg_1.png,3\nimg_2.png,7\nimg_3.png,0\n", "7 3 7 0"},
		{"img_0.png 7\nimg_1.png 3\nimg_2.png 7\nimg_3.png 0\n", "7 3 7 0"},
		{"\ufeffpath,label\r\nimg_0.png,7\r\n./img_1.png,3\r\n", "7 3"},
		{"id,label,split,path\n1,7,a,img_0.png\n2,3,b,elsewhere/img_1.png\n", "7 3"},
		{"\"img_0.png\",\"7\"\nimg_3.png,\n", "7 -1"},
		{"img_3.png\t2\nimg_0.png\t-1\n", "-1 2"},
	} {
		d, err := Options{Labels: written(t, "labels", c.text)}.LoadFS(loose().fs(), "set")
		if err == nil {
			err = d.Fit(9)
		}
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		var labels []string
		for i := range d.Len() {
			labels = append(labels, fmt.Sprint(d.Label(i)))
		}
		if got := strings.Join(labels, " "); got != c.labels || d.Split != All {
			t.Errorf("%q: %s of %v, want %s", c.text, got, d, c.labels)
		}
	}
	names := written(t, "names.txt", "cow\ndog\ncat\n")
	table := written(t, "labels.csv", "img_1.png,cat\nimg_2.png,0\n")
	d, err := Options{Labels: table, Classes: names}.LoadFS(loose().fs(), "set")
	if err != nil || d.Label(0) != 2 || d.Label(1) != 0 || d.Classes() != 3 ||
		len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "2 of 4 images: the other 2 are not in") {
		t.Error(d, d.Notes, err)
	}
	d, err = Options{Labels: written(t, "l.csv", "img_0.png,b\nimg_1.png,a\ngone.png,a\n"),
		SkipBad: true}.LoadFS(loose().fs(), "set")
	if err != nil || d.Len() != 2 || d.Label(0) != 1 || d.ClassNames[1] != "b" ||
		strings.Join(d.Skipped, " ") != "gone.png" {
		t.Error(d, d.Skipped, err)
	}
	if id, err := d.Identity(); err != nil || !OptionsOf(id).SkipBad || id.Source.Labels == "" {
		t.Errorf("%+v, %v", id, err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "no lines"},
		{"img_0.png\n", "line 1: 1 columns, want a path and a label"},
		{"img_0.png,1\ngone.png,2\n", "lists 1 images that are not there"},
		{"img_0.png,1\nimg_0.png,2\n", "line 2: img_0.png has labels 1 and 2"},
		{"path,width\nimg_0.png,1\n", "want path and label among them"},
	} {
		if _, err := (Options{Labels: written(t, "labels", c.text)}).LoadFS(loose().fs(),
			"set"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// Images without labels have as many classes as the model, and no split to train on.
func TestUnlabelled(t *testing.T) {
	d, err := Options{}.LoadFS(loose().fs(), "set")
	if err != nil || d.Len() != 4 || d.Label(0) != Unlabelled || d.Classes() != 0 {
		t.Fatal(d, err)
	}
	if d.Fit(10) != nil || d.Classes() != 10 || d.Label(3) != Unlabelled {
		t.Error(d)
	}
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "no accuracy") {
		t.Error(d.Notes)
	}
	if _, _, err := OpenFS(loose().fs(), "set"); err == nil ||
		!strings.Contains(err.Error(), "have no train split") {
		t.Error(err)
	}
}
