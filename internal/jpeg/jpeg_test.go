package jpeg

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPillow decodes files made with Pillow 13.0 and simplejpeg 1.9 (libjpeg-turbo 3.2). It
// compares the pixels with those of Pillow's convert("RGB"), which lie beside the files as PNG.
func TestPillow(t *testing.T) {
	names, _ := filepath.Glob("testdata/*.jpg")
	if len(names) < 16 {
		t.Fatalf("%d files", len(names))
	}
	for _, name := range names {
		text := readFile(t, name)
		pix, c, err := Decode(bytes.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		head, err := DecodeConfig(bytes.NewReader(text))
		if err != nil || head != c || c.Gray != strings.Contains(name, "gray") {
			t.Errorf("%s: %v, %+v by its header, %+v", name, err, head, c)
		}
		if want := pngPixels(t, strings.TrimSuffix(name, "jpg")+"png", c.Gray); !bytes.Equal(pix, want) {
			t.Errorf("%s: got pixels\n%v, want\n%v", name, pix, want)
		}
	}
}

func pngPixels(t *testing.T, name string, gray bool) (pix []byte) {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(readFile(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			if pix = append(pix, c.R); !gray {
				pix = append(pix, c.G, c.B)
			}
		}
	}
	return pix
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestCut checks that a file without its end, or with data missing, is an error.
func TestCut(t *testing.T) {
	for _, name := range []string{"420", "progressive", "restart", "gray"} {
		text := readFile(t, "testdata/"+name+".jpg")
		for n := 0; n < len(text); n++ {
			if _, _, err := Decode(bytes.NewReader(text[:n])); err == nil {
				t.Errorf("%s: no error for %d of %d bytes", name, n, len(text))
			}
		}
		missing := append(bytes.Clone(text[:len(text)-9]), text[len(text)-2:]...)
		if _, _, err := Decode(bytes.NewReader(missing)); err == nil {
			t.Errorf("%s: no error without the last 7 bytes of data", name)
		}
	}
}

func TestErrors(t *testing.T) {
	text := readFile(t, "testdata/420.jpg")
	frame := bytes.Index(text, []byte{0xFF, sof0})
	for _, c := range []struct {
		name string
		at   int
		put  []byte
		want string
	}{
		{"no JPEG", 0, []byte{0x89}, "doesn't start as a JPEG file does"},
		{"arithmetic", frame + 1, []byte{0xC9}, "frame type 0xc9 (arithmetic"},
		{"12 bits", frame + 4, []byte{12}, "12 bits a sample, want 8"},
		{"no rows", frame + 5, []byte{0, 0}, "0×19 pixels"},
		{"sampling", frame + 11, []byte{0x32, 0, 2, 0x21}, "sampling factors 2×1 in 3×2 aren't read"},
		{"no data", frame + 10, []byte{9}, "a scan of component 1, which there isn't"},
	} {
		bad := bytes.Clone(text)
		copy(bad[c.at:], c.put)
		_, _, err := Decode(bytes.NewReader(bad))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.jpg")
	for _, name := range names {
		f.Add(readFile(f, name))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := DecodeConfig(bytes.NewReader(text))
		if err != nil || c.Width*c.Height > 1<<16 {
			return
		}
		pix, got, err := Decode(bytes.NewReader(text))
		if err != nil {
			return
		}
		channels := 3
		if c.Gray {
			channels = 1
		}
		if got != c || len(pix) != c.Width*c.Height*channels {
			t.Errorf("%d bytes of pixels, and %+v after %+v", len(pix), got, c)
		}
	})
}
