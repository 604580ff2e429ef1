package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// npyOf is a file of NumPy: a type such as <f4, a shape as in Python, and the items.
func npyOf(kind, shape string, items any) []byte {
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", kind, shape)
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	binary.Write(&b, binary.LittleEndian, uint16(len(head)))
	b.WriteString(head)
	binary.Write(&b, binary.LittleEndian, items)
	return b.Bytes()
}

// numpyTree has 3 images of 1×2×1 in each split.
func numpyTree() tree {
	return tree{
		"x_train.npy": npyOf("|u1", "(3, 1, 2)", []byte{0, 1, 2, 3, 254, 255}),
		"y_train.npy": npyOf("<i8", "(3,)", []int64{0, 2, 1}),
		"x_test.npy":  npyOf("|u1", "(3, 1, 2)", []byte{5, 6, 7, 8, 9, 10}),
		"y_test.npy":  npyOf("|u1", "(3, 1)", []byte{2, 1, 0}),
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestNumPy(t *testing.T) {
	floats, doubles := []float32{}, []float64{}
	for _, b := range []byte{0, 1, 2, 3, 254, 255} {
		floats = append(floats, float32(b)/255)
		doubles = append(doubles, float64(b)/255)
	}
	const image = "0:[0 1] 2:[2 3] 1:[254 255]"
	for name, c := range map[string]struct {
		x, y []byte // of the train split, as in numpyTree where nil
		want string
	}{
		"bytes":  {nil, nil, image},
		"float":  {npyOf("<f4", "(3, 1, 2)", floats), nil, image},
		"double": {npyOf("<f8", "(3, 1, 2)", doubles), nil, image},
		"whole":  {npyOf("<f4", "(3, 1, 2)", []float32{0, 1, 2, 3, 254, 255}), nil, image},
		"ones": {npyOf("<f4", "(3, 1, 2)", []float32{0, 1, 1, 0, 1, 1}), nil,
			"0:[0 255] 2:[255 0] 1:[255 255]"},
		"int": {npyOf("<i4", "(3, 1, 2)", []int32{0, 1, 2, 3, 254, 255}), nil, image},
		"one hot": {nil, npyOf("<f4", "(3, 3)", []float32{1, 0, 0, 0, 0, 1, 0, 1, 0}),
			image},
		"planes": {npyOf("|u1", "(3, 1, 1, 2)", []byte{0, 1, 2, 3, 254, 255}), nil, image},
		"columns": {bytes.Replace(npyOf("|u1", "(3, 1, 2)", []byte{0, 2, 254, 1, 3, 255}),
			[]byte("False"), []byte("True "), 1), nil, image},
		"big": {nil, npyOf(">i2", "(3,)", []uint16{0, 2 << 8, 1 << 8}), image},
	} {
		t.Run(name, func(t *testing.T) {
			files := numpyTree()
			if c.x != nil {
				files["x_train.npy"] = c.x
			}
			if c.y != nil {
				files["y_train.npy"] = c.y
			}
			train, test, err := OpenFS(files.fs(), "x")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(pixelsOf(t, train), " "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if got := strings.Join(pixelsOf(t, test), " "); got != "2:[5 6] 1:[7 8] 0:[9 10]" {
				t.Errorf("test %s", got)
			}
		})
	}
}

// Of three planes, in a file that names no split, the pixels come out side by side.
func TestNumPyPlanes(t *testing.T) {
	files := tree{"cifar10.1_v6_data.npy": npyOf("|u1", "(1, 3, 2, 2)",
		[]byte{1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24}),
		"cifar10.1_v6_labels.npy": npyOf("<i4", "(1,)", []int32{0})}
	for _, path := range []string{"", "/cifar10.1_v6", "/cifar10.1_v6_data.npy"} {
		d, err := Load(files.folder(t)+path, Test)
		if err != nil {
			t.Fatal(err)
		}
		if got := pixelsOf(t, d)[0]; got != "0:[1 11 21 2 12 22 3 13 23 4 14 24]" ||
			d.Height != 2 || d.Channels != 3 {
			t.Errorf("%v: %s", d, got)
		}
	}
}

// Keras' mnist.npz has the hash of the same idx files, wherever it lies.
func TestNPZ(t *testing.T) {
	idx := func(magic uint32, shape []uint32, body ...byte) []byte {
		text := binary.BigEndian.AppendUint32(nil, magic)
		for _, n := range shape {
			text = binary.BigEndian.AppendUint32(text, n)
		}
		return append(text, body...)
	}
	train, test, err := OpenFS(tree{
		"train-images-idx3-ubyte": idx(0x803, []uint32{3, 1, 2}, 0, 1, 2, 3, 254, 255),
		"train-labels-idx1-ubyte": idx(0x801, []uint32{3}, 0, 2, 1),
		"t10k-images-idx3-ubyte":  idx(0x803, []uint32{3, 1, 2}, 5, 6, 7, 8, 9, 10),
		"t10k-labels-idx1-ubyte":  idx(0x801, []uint32{3}, 2, 1, 0),
	}.fs(), "mnist")
	if err != nil {
		t.Fatal(err)
	}
	text := readFile(t, numpyTree().zip(t))
	folder := tree{"mnist.npz": text, "readme.txt": nil}.folder(t)
	for _, path := range []string{filepath.Join(folder, "mnist.npz"), folder,
		tree{"keras/mnist.npz": text}.zip(t), tree{"mnist.npz": text}.tar(t)} {
		a, b, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if hashOf(t, a) != hashOf(t, train) || hashOf(t, b) != hashOf(t, test) {
			t.Errorf("%s: other hashes than of idx files", path)
		}
	}
	t.Setenv("LIPSMOOTH_MNIST", folder)
	if _, _, err := Open("mnist"); err == nil || !strings.Contains(err.Error(),
		"not MNIST: 1×2×1, 3 classes") {
		t.Errorf("error %v", err)
	}
}

// KMNIST's arrays lie in an .npz each.
func TestArchivesOfArrays(t *testing.T) {
	files := tree{}
	for name, text := range map[string]string{"kmnist-train-imgs.npz": "x_train.npy",
		"kmnist-train-labels.npz": "y_train.npy", "kmnist-test-imgs.npz": "x_test.npy",
		"kmnist-test-labels.npz": "y_test.npy"} {
		files[name] = readFile(t, tree{"arr_0.npy": numpyTree()[text]}.zip(t))
	}
	for _, path := range []string{files.folder(t), files.folder(t) + "/kmnist"} {
		train, test, err := Open(path)
		if err != nil || train.Len() != 3 || test.Label(0) != 2 {
			t.Errorf("%v, %v, %v", train, test, err)
		}
	}
}

// zeros is a reader of zeros that packs them well.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestBomb(t *testing.T) {
	u := &unpacked{Reader: zeros{}, packed: func() int64 { return bombSize / (2 * bombRatio) }}
	buffer := make([]byte, 1<<20)
	for read := 0; read < bombSize; read += len(buffer) {
		if _, err := u.Read(buffer); err != nil {
			t.Fatalf("after %d bytes: %v", read, err)
		}
	}
	if _, err := u.Read(buffer); err != errBomb {
		t.Errorf("error %v", err)
	}
}

// Arrays have the splits that their names say.
func TestNumPySplits(t *testing.T) {
	whole, val, both := tree{}, tree{}, numpyTree()
	for _, kind := range []string{"x", "y"} {
		whole[kind+".npy"] = numpyTree()[kind+"_test.npy"]
		val[kind+"_val.npy"] = numpyTree()[kind+"_test.npy"]
		both[kind+"_val.npy"] = numpyTree()[kind+"_test.npy"]
	}
	for _, c := range []struct {
		files      tree
		ask, split string
		n          int
	}{
		{whole, "", All, 3}, {whole, All, All, 3}, {whole, Test, Test, 3}, {whole, Train, "", 0},
		{val, "", Val, 3}, {val, Test, Val, 3}, {val, All, All, 3}, {val, Train, "", 0},
		{both, "", Test, 3}, {both, Val, Val, 3}, {both, All, All, 9},
	} {
		d, err := Options{Split: c.ask}.LoadFS(c.files.fs(), "x")
		if c.n == 0 {
			if err == nil || !strings.Contains(err.Error(), "NumPy arrays has no split train, but") {
				t.Errorf("error %v", err)
			}
			continue
		}
		if err != nil || d.Split != c.split || d.Len() != c.n || len(pixelsOf(t, d)) != c.n {
			t.Errorf("%q: %v, %v", c.ask, d, err)
		}
	}
	both["x_val.npy"] = npyOf("|u1", "(3, 1, 1)", []byte{1, 2, 3})
	_, err := Options{Split: All}.LoadFS(both.fs(), "x")
	if err == nil || !strings.Contains(err.Error(),
		"the val split has other images than train: 1×1×1, not 1×2×1") {
		t.Errorf("error %v", err)
	}
}

// CIFAR-10-C keeps the labels of all its files in one.
func TestSharedLabels(t *testing.T) {
	dir := tree{"fog.npy": npyOf("|u1", "(2, 1, 1)", []byte{1, 2}),
		"snow.npy":   npyOf("|u1", "(2, 1, 1)", []byte{3, 4}),
		"labels.npy": npyOf("|u1", "(2,)", []byte{1, 0})}.folder(t)
	d, err := Load(filepath.Join(dir, "snow.npy"), Test)
	if err != nil {
		t.Fatal(err)
	}
	if got := pixelsOf(t, d); d.Name != "snow" || !slices.Equal(got, []string{"1:[3]", "0:[4]"}) {
		t.Errorf("%v: %v", d, got)
	}
}

func TestNumPyErrors(t *testing.T) {
	nan := float32(math.NaN())
	huge := npyOf("|u1", "(9999999999, 999999999)", []byte{})
	for _, c := range []struct {
		file string
		text []byte
		want string
	}{
		{"x_train.npy", npyOf("<f4", "(3, 1, 2)", []float32{0, 0, 0, 0.41, 0, 0}),
			"x_train.npy: image 1 has the value 0.4099999964237213, neither"},
		{"x_train.npy", npyOf("<f4", "(3, 1, 2)", []float32{0, 0.2, 0, 2, 0, 0}), "has the value 2,"},
		{"x_train.npy", npyOf("<f4", "(3, 1, 2)", []float32{0, 0, 0, 0, -1, 0}), "has the value -1,"},
		{"x_train.npy", npyOf("<f4", "(3, 1, 2)", []float32{0, 0, 0, 0, 0, nan}), "the value NaN,"},
		{"x_train.npy", npyOf("<i4", "(3, 1, 2)", []int32{0, 0, 0, 0, 0, 256}), "the value 256,"},
		{"x_train.npy", npyOf("|u1", "(3, 3, 1, 3)", make([]byte, 27)), "images of shape [3 3 1 3]"},
		{"x_train.npy", npyOf("|u1", "(3, 2)", make([]byte, 6)), "images of shape [3 2], want [n, h, w]"},
		{"x_train.npy", npyOf("|u1", "(3, 0, 2)", []byte{}), "images of shape [3 0 2]"},
		{"x_train.npy", npyOf("|u1", "(4, 1, 2)", make([]byte, 8)), "3 labels, x_train.npy has 4 images"},
		{"x_train.npy", npyOf("|O", "(3,)", []byte{}), `items of type "|O"`},
		{"x_train.npy", npyOf("|u1", "(3, 1, 2)", make([]byte, 5)), "5 bytes or more of items, want 6"},
		{"x_train.npy", npyOf("|u1", "(3, 1, 2)", make([]byte, 9)), "7 bytes or more of items, want 6"},
		{"x_train.npy", huge, "shape [9999999999 999999999]: more than 8 GB"},
		{"x_train.npy", []byte("PK\x03\x04 and so on"), "not NumPy's format"},
		{"x_train.npy", []byte("\x93NUMPY"), "ends within the header"},
		{"x_train.npy", []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "a header of 4294967295 bytes"},
		{"x_train.npy", []byte("\x93NUMPY\x09\x00\xff\xff\xff\xff"), "version 9"},
		{"y_train.npy", npyOf("<f4", "(3,)", []float32{0, 1, 0.5}), "y_train.npy: label 2 is 0.5"},
		{"y_train.npy", npyOf("<f4", "(3,)", []float32{0, 1, nan}), "y_train.npy: label 2 is NaN"},
		{"y_train.npy", npyOf("<i8", "(3,)", []int64{0, 1, -1}), "labels from -1 to 1"},
		{"y_train.npy", npyOf("<i8", "(3,)", []int64{0, 1, 1 << 30}), "labels from 0 to 1073741824"},
		{"y_train.npy", npyOf("<i8", "(3,)", []int64{0, 1, 1 << 60}), "label 2 is 1.15"},
		{"y_train.npy", npyOf("|u1", "(3, 2)", []byte{0, 1, 1, 1, 1, 0}), "row 1 holds no 1 or several"},
		{"y_train.npy", npyOf("|u1", "(3, 2)", []byte{0, 1, 0, 2, 1, 0}), "row 1 holds 2"},
		{"y_train.npy", npyOf("|u1", "(3, 2)", []byte{0, 1, 0, 0, 1, 0}), "row 1 holds no 1"},
		{"x_test.npy", nil, "the test split lacks its array"},
		{"images_test.npy", numpyTree()["x_test.npy"], "images_test.npy and x_test.npy may both hold"},
	} {
		files := numpyTree()
		if files[c.file] = c.text; c.text == nil {
			delete(files, c.file)
		}
		if err := files.read(); err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", c.file, err, c.want)
		}
	}
}

func TestArrayNames(t *testing.T) {
	for name, want := range map[string]arrayName{
		"x_train.npy": {"", "images", Train}, "X-Test.NPY": {"", "images", Test},
		"ytrain.npy": {"", "labels", Train}, "train_images.npy": {"", "images", Train},
		"val_labels.npy": {"", "labels", Val}, "kmnist-test-imgs.npz": {"kmnist-", "images", Test},
		"cifar10.1_v6_labels.npy": {"cifar10.1_v6_", "labels", All}, "y.npy": {"", "labels", All},
		"targets.npy": {"", "labels", All}, "İ_x.npy": {"İ_", "images", All},
	} {
		if got, ok := parseArray(name); !ok || got != want {
			t.Errorf("%s: %v, %v, want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"a/x_train.npy", "fog.npy", "x_train.txt", ".npy", "max.npy"} {
		if got, ok := parseArray(name); ok {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzNPY(f *testing.F) {
	for _, text := range numpyTree() {
		f.Add(text)
	}
	f.Add(npyOf("<f4", "(3, 3)", []float32{1, 0, 0, 0, 0, 1, 0, 1, 0}))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range []string{"x_train.npy", "y_train.npy"} {
			files := numpyTree()
			files[name] = text
			if d, _, err := OpenFS(files.fs(), "x"); err == nil && d.Len() != 3 {
				t.Errorf("%d images, want 3", d.Len())
			}
		}
	})
}
