package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/training/data"
)

// Without CIFAR-10 there are made-up images of its size, the same each time.
func TestCIFAR10(t *testing.T) {
	t.Setenv("LIPSMOOTH_CIFAR10", filepath.Join(t.TempDir(), "absent"))
	dir := t.TempDir()
	images, note := CIFAR10(dir)
	if !strings.Contains(note, "made-up") {
		t.Error(note)
	}
	d, err := data.Load(images, data.Test)
	if err != nil || d.Len() != 1000 || d.Size() != 3072 || d.ClassNames[9] != "pattern9" {
		t.Fatalf("%+v, %v", d, err)
	}
	hash := Must(d.Hash())
	if err := os.RemoveAll(images); err != nil {
		t.Fatal(err)
	}
	if images, _ = CIFAR10(dir); Must(Must(data.Load(images, data.Test)).Hash()) != hash {
		t.Error("other images the second time")
	}
}
