package data

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFormats compares pixels with those of Pillow 13.0, whose convert("RGB") of each file lies
// beside it as PNG.
func TestFormats(t *testing.T) {
	names, _ := filepath.Glob("testdata/*.want")
	if len(names) < 9 {
		t.Fatalf("%d files", len(names))
	}
	for _, want := range names {
		name := strings.TrimSuffix(want, ".want")
		got, h := decoded(t, name)
		if right, size := decoded(t, want); !bytes.Equal(got, right) || h != size {
			t.Errorf("%s: %+v and pixels\n%v, want\n%v", name, h, got, right)
		}
	}
}

func decoded(t *testing.T, name string) ([]byte, head) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	pix, h, err := decodeImage(text, 3)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return pix, h
}

func TestUnreadFormats(t *testing.T) {
	for text, want := range map[string]string{
		"P6 3 2 255 ":                            "PPM",
		"\x00\x00\x00\x18ftypheic\x00\x00":       "HEIC",
		"\x00\x00\x00\x1cftypavif\x00\x00":       "AVIF",
		"<svg xmlns=":                            "SVG",
		"hello":                                  "unknown format",
		"":                                       "unknown format",
		"\xff\xd8\xff":                           "broken image",
		string(pngFile(3, 2, rgb(1, 2, 3))[:20]): "broken image",
		"GIF89a\xff\xff\xff\xff\x00\x00\x00":     "65535×65535 pixels",
	} {
		_, _, err := decodeImage([]byte(text), 3)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// TestGrayAmongColour gives all images three channels, whichever comes first.
func TestGrayAmongColour(t *testing.T) {
	for gray := range 3 {
		files := tree{"Thumbs.db": nil, "a/desktop.ini": nil}
		for i := range 3 {
			c := color.Color(rgb(200, 100, 50))
			if i == gray {
				c = color.Gray{77}
			}
			files[fmt.Sprintf("%c/0.png", 'a'+i)] = pngFile(2, 2, c)
		}
		d, err := Options{}.LoadFS(files.fs(), "set")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			want := []byte{200, 100, 50}
			if i == gray {
				want = []byte{77, 77, 77}
			}
			if p, err := d.Pixels(i); err != nil || !bytes.Equal(p, bytes.Repeat(want, 4)) {
				t.Errorf("gray %d: image %d: %v, %v", gray, i, p, err)
			}
		}
	}
}

// TestJPEGHash freezes hashes: those of JPEG files differ from the ones of older versions, which
// repeated chroma, and those of PNG files don't.
func TestJPEGHash(t *testing.T) {
	train, test, err := OpenFS(imageTree().fs(), "set")
	if err != nil {
		t.Fatal(err)
	}
	for d, want := range map[*Dataset]string{
		train: "29deaea1dea414283ffdc7a4bc32172c609a053464bced274adb4d7f0b127f90",
		test:  "dc6dfe8eb46188246cd95b385a747d47a4164fb0f22519f8a16eaa9fda194f85",
	} {
		if got := hashOf(t, d); got != want {
			t.Errorf("%s: hash %s, want %s", d.Split, got, want)
		}
	}
}

func FuzzDecodeImage(f *testing.F) {
	names, _ := filepath.Glob("testdata/*")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := readHead(bytes.NewReader(text))
		if err != nil || h.width*h.height > 1<<16 {
			return
		}
		pix, got, err := decodeImage(text, 3)
		if err == nil && (got != h || len(pix) != 3*h.width*h.height) {
			t.Errorf("%d bytes of pixels, and %+v after %+v", len(pix), got, h)
		}
	})
}
