package cli

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// photoFolder writes images of several sizes, the first of them gray.
func photoFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i, size := range []image.Point{{20, 16}, {18, 24}, {30, 30}, {16, 17}} {
		var b bytes.Buffer
		img := image.NewGray(image.Rectangle{Max: size})
		for k := range img.Pix {
			img.Pix[k] = byte(k * k)
		}
		var out image.Image = img
		if i > 0 {
			out = colourful{img}
		}
		if err := png.Encode(&b, out); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, []string{"0", "1"}[i%2], string(rune('0'+i))+".png")
		os.MkdirAll(filepath.Dir(name), 0o755)
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type colourful struct{ *image.Gray }

func (colourful) ColorModel() color.Model { return color.NRGBAModel }

func (c colourful) At(x, y int) color.Color { return color.NRGBA{c.GrayAt(x, y).Y, 1, 2, 255} }

// TestPhotos draws on images of several sizes, and verifies the run without the flags.
func TestPhotos(t *testing.T) {
	needONNX(t)
	dir, model := photoFolder(t), onnxFiles+"vit.onnx"
	hashes := map[string]bool{}
	for _, c := range []struct{ flags, want string }{
		{"", "resized to 16 pixels, and the middle 16×16 taken, before the noise"},
		{"--resize 20", ""},
		{"--resize 20 --crop 18", ""},
		{"--crop 16", ""},
	} {
		run := filepath.Join(t.TempDir(), "run")
		args := append([]string{"sample", model, "--data", dir, "--images", "0", "--sigma", "0.25",
			"--n", "20", "--n0", "10", "--out", run}, strings.Fields(c.flags)...)
		r := lipsmooth(args...)
		if r.status != 0 || !strings.Contains(r.err, c.want) {
			t.Fatalf("%q: no %q in\n%s", c.flags, c.want, r.err)
		}
		must(t, "verify", run, "--data", dir, "--model", model, "--redraw", "2")
		hash := mustRun(t, run).Dataset.Hash
		if hashes[hash] {
			t.Errorf("%q: the hash is that of other pixels", c.flags)
		}
		hashes[hash] = true
	}
}

// TestLargerPhotos: images of one size that is larger than the model's are made smaller before the
// noise. Images of the model's size stay as they are.
func TestLargerPhotos(t *testing.T) {
	needONNX(t)
	for side, want := range map[int]bool{24: true, 16: false} {
		dir := t.TempDir()
		for i := range 4 {
			img := image.NewGray(image.Rect(0, 0, side, side))
			img.Pix[7*i] = 200
			var b bytes.Buffer
			if err := png.Encode(&b, colourful{img}); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(dir, string(rune('0'+i%2)), string(rune('a'+i))+".png")
			os.MkdirAll(filepath.Dir(name), 0o755)
			if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		run := filepath.Join(t.TempDir(), "run")
		r := lipsmooth("sample", onnxFiles+"vit.onnx", "--data", dir, "--images", "0", "--sigma",
			"0.25", "--n", "20", "--n0", "10", "--out", run)
		if r.status != 0 || strings.Contains(r.err, "taken, before the noise") != want {
			t.Errorf("%d pixels: status %d, %s", side, r.status, r.err)
		}
		if from := mustRun(t, run).Dataset.Source; (from != nil && from.Crop == 16) != want {
			t.Errorf("%d pixels: %+v", side, from)
		}
		must(t, "verify", run, "--model", onnxFiles+"vit.onnx", "--data", dir, "--redraw", "1")
	}
}
