package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/prove"
)

// Without a classifier and photos of one's own there are made-up ones, with labels.
func TestImageNet(t *testing.T) {
	t.Setenv("LIPSMOOTH_IMAGENET_MODEL", "")
	dir := t.TempDir()
	if note := ImageNet(dir); !strings.Contains(note, "made up") {
		t.Error(note)
	}
	d, err := data.Options{Split: data.All, Labels: filepath.Join(dir, "labels.tsv")}.Load(
		filepath.Join(dir, "photos"))
	if err != nil || d.Len() != 20 || d.Size() != 3*side*side {
		t.Fatalf("%+v, %v", d, err)
	}
	own := t.TempDir()
	write(filepath.Join(own, "cat_281.png"), []byte("a photo"))
	t.Setenv("LIPSMOOTH_IMAGENET_MODEL", filepath.Join(dir, "model.onnx"))
	t.Setenv("LIPSMOOTH_IMAGENET_PHOTOS", own)
	theirs := t.TempDir()
	for range 2 {
		if note := ImageNet(theirs); note != "classifier and 1 photos: your own" {
			t.Error(note)
		}
	}
	if text, err := os.ReadFile(filepath.Join(theirs, "labels.tsv")); err != nil ||
		string(text) != "cat_281.png\t281\n" {
		t.Errorf("%q, %v", text, err)
	}
	write(filepath.Join(own, "cat.png"), []byte("a photo"))
	panics(t, "cat.png: no number of a class", func() { ImageNet(theirs) })
}

// The linear file is that of its weights: the rows (3, 0) and (0, 4) are 5 apart.
func TestLinearONNX(t *testing.T) {
	path := filepath.Join(t.TempDir(), "linear.onnx")
	write(path, linearONNX([]float32{3, 0, 0, 4}, 2, 1, 1))
	p, err := prove.File(path, prove.Options{})
	if err != nil || p.Classes != 2 || !(p.Lambda.Value() >= 5 && p.Lambda.Value() < 5.001) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestTop(t *testing.T) {
	e := &rs.Evidence{Selection: rs.Votes{1, 0, 9, 0}, Estimation: rs.Votes{5, 2, 90, 3}}
	if got, want := fmt.Sprint(Top(e, 2)), "[[2 9 90] [0 1 5] [2 others 0 5]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestByImage(t *testing.T) {
	radii := func(r ...float64) (results []rs.Result) {
		for _, r := range r {
			results = append(results, rs.Result{Certificate: rs.Certificate{Radius: r}})
		}
		return results
	}
	c := &certify.Result{Curves: []certify.Curve{{Method: "a", Results: radii(1, 0.5, 2)},
		{Method: "b", Results: radii(3, 1, 2)}}}
	f := ByImage(c)
	if got, want := fmt.Sprint(f.Table.Rows), "[[1 0.5 1] [2 2 2] [3 1 3]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := CheckFigure(func() (*figures.Figure, error) { return ByImage(c), nil }); err != nil {
		t.Error(err)
	}
	if !Never(c) {
		t.Error("no radius is larger than the last method's")
	}
	if c.Curves[0].Results = radii(1, 1.1, 2); Never(c) {
		t.Error("a radius is larger than the last method's")
	}
}
