package certify

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is written in place is read again exactly, and the bytes are those that numpy.save writes of
// the array.
func TestImages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	size := [3]int{1, 2, 1}
	m, err := CreateImages(path, 3, size)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Put(2, []float32{0.1, -1e-30}); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	// Gone on with.
	if m, err = OpenImages(path, size, os.O_RDWR); err != nil || m.Rows != 3 {
		t.Fatal(m, err)
	}
	for row, image := range [][]float32{{1, 2}, nil} {
		if err := m.Put(row, image); err != nil {
			t.Fatal(err)
		}
	}
	for row, want := range [][]float32{{1, 2}, {0, 0}, {0.1, -1e-30}} {
		if got, err := m.Row(row); err != nil || !slices.Equal(got, want) {
			t.Errorf("row %d: %v, %v", row, got, err)
		}
	}
	for _, row := range []int{-1, 3} {
		if _, err := m.Row(row); err == nil {
			t.Errorf("row %d of 3", row)
		}
		if err := m.Put(row, []float32{1, 2}); err == nil {
			t.Errorf("row %d of 3", row)
		}
	}
	if err := m.Put(0, []float32{1}); err == nil {
		t.Error("one value of two")
	}
	// (1, 2) is √5 from 0.
	if got, err := m.At(0, []float32{0, 0}, math.Sqrt(5)); err != nil || !slices.Equal(got,
		[]float32{1, 2}) {
		t.Error(got, err)
	}
	if _, err := m.At(1, []float32{0, 0}, 0); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		row  int
		of   []float32
		far  float64
		want string
	}{
		{0, []float32{0, 0}, math.Sqrt(5) * (1 + 1e-8), "row 0 lies at 2.2360"},
		{0, []float32{1e-6, 0}, math.Sqrt(5), "row 0 lies at"},
		{1, []float32{0, 1e-30}, 0, "row 1 lies at 1e-30"},
		{0, []float32{float32(math.NaN()), 0}, 1, "NaN"},
		{0, []float32{0}, 1, "2 values, its image 1"},
		{3, []float32{0, 0}, 1, "no row 3 among 3"},
	} {
		if _, err := m.At(c.row, c.of, c.far); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, " +
		"'shape': (3, 1, 2, 1), }" + strings.Repeat(" ", 52) + "\n" +
		"\x00\x00\x80\x3f\x00\x00\x00\x40" + "\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\xcd\xcc\xcc\x3d\x60\x42\xa2\x8d"
	if string(text) != want {
		t.Errorf("%q, want\n%q", text, want)
	}
}

func TestBadImages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	size := [3]int{1, 2, 1}
	m, err := CreateImages(path, 3, size)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenImages(path, [3]int{2, 1, 1}, os.O_RDONLY); err == nil ||
		!strings.Contains(err.Error(), "[rows, 2, 1, 1]") {
		t.Error(err)
	}
	replaced := func(old, new string) string { return strings.Replace(string(whole), old, new, 1) }
	for name, text := range map[string]string{
		"empty":   "",
		"cut":     string(whole[:len(whole)-1]),
		"longer":  string(whole) + "\x00",
		"in head": string(whole[:20]),
		"other":   "not such a file",
		"doubles": replaced("<f4", "<f8"),
		"Fortran": replaced("False", "True "),
		"huge": replaced("(3, 1, 2, 1), }"+strings.Repeat(" ", 18),
			"(3000000000000000000, 1, 2, 1), }"),
		"negative": replaced("(3, ", "(-3,"),
		"version":  replaced("\x01\x00", "\x02\x00"),
	} {
		if name != "cut" && name != "longer" && name != "in head" && text == string(whole) {
			t.Fatal(name)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if m, err := OpenImages(path, size, os.O_RDONLY); err == nil || !strings.Contains(err.Error(),
			path) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if _, err := OpenImages(filepath.Join(t.TempDir(), "gone"), size,
		os.O_RDONLY); !os.IsNotExist(err) {
		t.Error(err)
	}
	if _, err := CreateImages(filepath.Join(t.TempDir(), "no", "folder"), 1, size); err == nil {
		t.Error("made without a folder")
	}
}
