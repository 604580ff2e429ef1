package npy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// file is one of version 1, its header as numpy.save writes it but for the padding.
func file(header, data string) string {
	return fmt.Sprintf("%s\x01\x00%c\x00%s%s", Magic, len(header), header, data)
}

func read(text string) (*Array, error) { return Read(strings.NewReader(text)) }

const header = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n"

func TestRead(t *testing.T) {
	for _, c := range []struct{ kind, fortran, data string }{
		{"<i2", "False", "\x01\x00\x02\x00\xfd\xff\x04\x00\x05\x00\x06\x00"},
		{">i2", "False", "\x00\x01\x00\x02\xff\xfd\x00\x04\x00\x05\x00\x06"},
		{"|i1", "True", "\x01\x04\x02\x05\xfd\x06"},
		{"<f4", "False", "\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\xc0" +
			"\x00\x00\x80\x40\x00\x00\xa0\x40\x00\x00\xc0\x40"},
	} {
		a, err := read(file(fmt.Sprintf(header, c.kind, c.fortran, "2, 3"), c.data))
		if err != nil {
			t.Fatal(c.kind, err)
		}
		for i, want := range []float64{1, 2, -3, 4, 5, 6} {
			if got := a.At(i); got != want {
				t.Errorf("%s, value %d: %v, want %v", c.kind, i, got, want)
			}
		}
	}
	// The first axis varies fastest.
	a, err := read(file(fmt.Sprintf(header, "|u1", "True", "2, 2, 2"),
		"\x00\x01\x02\x03\x04\x05\x06\x07"))
	if err != nil || !slices.Equal(a.Data, []byte{0, 4, 2, 6, 1, 5, 3, 7}) {
		t.Error(a, err)
	}
	head := fmt.Sprintf(header, "|u1", "False", "2,")
	text := fmt.Sprintf("%s\x02\x00%c\x00\x00\x00%s\x07\x09", Magic, len(head), head)
	if a, err := read(text); err != nil || a.At(1) != 9 {
		t.Error(a, err)
	}
}

func TestReadRefuses(t *testing.T) {
	numbers := func(kind, shape, data string) string {
		return file(fmt.Sprintf(header, kind, "False", shape), data)
	}
	for text, want := range map[string]string{
		"":                          "not NumPy's format",
		"idx\t1":                    "not NumPy's format",
		numbers("|O", "2,", ""):     `of type "|O"`,
		numbers("<f2", "2,", ""):    `of type "<f2"`,
		numbers("|u1", "2,", "a"):   "1 bytes or more of items, want 2",
		numbers("|u1", "2,", "abc"): "3 bytes or more of items, want 2",
		file("{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (2,), }",
			""): "not an array of numbers",
		numbers("|u1", "99999999999, 99999999999", ""): "more than 8 GB",
		Magic + "\x04\x00\x00\x00":                     "version 4",
	} {
		if _, err := read(text); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// No header makes Read panic or take memory that the file doesn't have.
func FuzzRead(f *testing.F) {
	f.Add(file(fmt.Sprintf(header, "<i2", "True", "1, 2"), "abcd"))
	f.Add(file(fmt.Sprintf(header, "<f8", "False", "0,"), ""))
	f.Fuzz(func(t *testing.T, text string) {
		a, err := read(text)
		if err != nil {
			return
		}
		for range a.Values {
		}
	})
}
