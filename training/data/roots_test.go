package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pythonTree is cifarTree in Python's version.
func pythonTree() tree {
	t := tree{"cifar-10-batches-py/batches.meta": pickledNames("label_names", cifarClasses),
		"cifar-10-batches-py/readme.html": nil}
	for name, text := range cifarTree() {
		base, isBatch := strings.CutSuffix(filepath.Base(name), ".bin")
		if !isBatch {
			continue
		}
		var labels []int
		var images []byte
		for record := range slices.Chunk(text, 1+cifarImage) {
			labels = append(labels, int(record[0]))
			images = append(images, record[1:]...)
		}
		t["cifar-10-batches-py/"+base] = pickle2("labels", labels, images)
	}
	return t
}

// The Python version has the hashes of the binary one.
func TestCIFARPython(t *testing.T) {
	train, test, err := OpenFS(cifarTree().fs(), "cifar10")
	if err != nil {
		t.Fatal(err)
	}
	unnamed := pythonTree()
	unnamed["cifar-10-batches-py/batches.meta"] = pickledNames("label_names",
		strings.Fields("x x x x x x x x x x"))
	for _, path := range []string{pythonTree().folder(t), pythonTree().tar(t), unnamed.folder(t),
		filepath.Join(pythonTree().folder(t), "cifar-10-batches-py")} {
		t.Setenv("LIPSMOOTH_CIFAR10", path)
		a, b, err := Open("cifar10")
		if err != nil {
			t.Fatal(err)
		}
		if hashOf(t, a) != hashOf(t, train) || hashOf(t, b) != hashOf(t, test) {
			t.Errorf("%s: other hashes than of the binary version", path)
		}
	}
}

func TestCIFAR100(t *testing.T) {
	if len(cifar100Classes) != 100 || !slices.IsSorted(cifar100Classes) {
		t.Errorf("%d classes", len(cifar100Classes))
	}
	python, binary := tree{"meta": pickledNames("fine_label_names", cifar100Classes)}, tree{}
	for k, split := range []string{"train", "test"} {
		labels, images := []int{99, k}, make([]byte, 2*cifarImage)
		for i := range images {
			images[i] = byte(i * (k + 1))
		}
		python[split] = pickle2("fine_labels", labels, images)
		for i, c := range labels {
			record := append([]byte{3, byte(c)}, images[i*cifarImage:][:cifarImage]...)
			binary[split+".bin"] = append(binary[split+".bin"], record...)
		}
	}
	a, b, err := OpenFS(python.fs(), "cifar100")
	if err != nil {
		t.Fatal(err)
	}
	c, d, err := OpenFS(binary.fs(), "cifar100")
	if err != nil {
		t.Fatal(err)
	}
	if hashOf(t, a) != hashOf(t, c) || hashOf(t, b) != hashOf(t, d) || a.Label(0) != 99 ||
		d.Label(1) != 1 || a.ClassNames[99] != "worm" {
		t.Errorf("%v, %v, %v, %v", a, b, c, d)
	}
}

func TestCIFARPythonErrors(t *testing.T) {
	const batch = "cifar-10-batches-py/test_batch"
	for want, text := range map[string][]byte{
		"test_batch: image 1: label 10, want less than 10: is it CIFAR-10?": pickle2("labels",
			[]int{1, 10}, make([]byte, 2*cifarImage)),
		"want 6144 for 2 images":      []byte("(dS'labels'\n(lI1\naI2\nasS'data'\nS'abc'\ns."),
		`"data" is no array of bytes`: []byte("(dS'labels'\n(lI1\nasS'data'\nNs."),
		`"data" has items of type "<i8"`: bytes.Replace(pickle2("labels", []int{1},
			make([]byte, 8*cifarImage)), []byte("u1K\x00K\x01\x87Rq\x0c(K\x03U\x01|"),
			[]byte("i8K\x00K\x01\x87Rq\x0c(K\x03U\x01<"), 1),
		`"labels": not a list of whole numbers`:         []byte("(d."),
		`"labels": item 0 is not a whole number`:        []byte("(dS'labels'\n(lNas."),
		"test_batch: a pickle of something else than a": []byte("N."),
		"test_batch: offset 0 of the pickle: the file ": nil,
		"calls posix.system":                            []byte("cposix\nsystem\n(S'true'\ntR."),
	} {
		files := pythonTree()
		files[batch] = text
		if err := files.read(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// named returns the files of a tree under a prefix.
func (t tree) named(prefix string) tree {
	out := tree{}
	for name, text := range t {
		out[prefix+name] = text
	}
	return out
}

func union(trees ...tree) tree {
	out := tree{}
	for _, t := range trees {
		for name, text := range t {
			out[name] = text
		}
	}
	return out
}

// A root of torchvision may hold several datasets, archives beside them, and old files.
func TestRoots(t *testing.T) {
	root := union(idxTree().named("MNIST/raw/"), idxTree().named("FashionMNIST/raw/"), pythonTree(),
		tree{"cifar-10-python.tar.gz": nil, "mnist.npz": nil, "MNIST/raw/old.npz": nil}).folder(t)
	_, err := Load(root, Test)
	if want := "it holds several datasets: FashionMNIST/raw, MNIST/raw, cifar-10-batches-py, " +
		"mnist.npz: name one, as in " + root + "/FashionMNIST/raw"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	for path, want := range map[string]string{
		filepath.Join(root, "MNIST"): "MNIST test: 2 images of 2×3×1, 4 classes",
		union(idxTree().named("MNIST/raw/"), tree{"MNIST/processed/test.pt": nil,
			"notes.txt": nil}).folder(t) + "/": "2 images of 2×3×1, 4 classes",
		tree{"cifar-10-python.tar.gz": readFile(t, pythonTree().tar(t))}.folder(t): "2 images of 32×32×3",
	} {
		d, err := Load(path, Test)
		if err != nil || !strings.Contains(d.String(), want) {
			t.Errorf("%s: %v, %v, want %s", path, d, err, want)
		}
	}
	// An archive in an archive in an archive isn't looked at.
	deep := tree{"a.zip": readFile(t, tree{"b.zip": readFile(t, idxTree().zip(t))}.zip(t))}
	if _, err := Load(deep.zip(t), Test); err == nil ||
		!strings.Contains(err.Error(), "set.zip/a.zip: no dataset found in it") {
		t.Errorf("error %v", err)
	}
	var many tree
	for i := range 12 {
		many = union(many, idxTree().named(fmt.Sprintf("set%02d/", i)))
	}
	if err := many.read(); err == nil || !strings.Contains(err.Error(), "set07 and 4 more: name") {
		t.Errorf("error %v", err)
	}
}

// EMNIST keeps six datasets in a folder, and labels letters from 1. QMNIST's labels are rows.
func TestPrefixes(t *testing.T) {
	letters := idxTree()
	letters["train-labels-idx1-ubyte.gz"] = gzipped(append(idxFile(4)[:8], 2, 1, 2, 1))
	letters["t10k-labels-idx1-ubyte"] = append(idxFile(2)[:8], 1, 2)
	digits := idxTree()
	delete(digits, "t10k-labels-idx1-ubyte")
	rows := []byte{0, 0, 12, 2, 0, 0, 0, 2, 0, 0, 0, 3}
	for i := range 6 {
		rows = binary.BigEndian.AppendUint32(rows, uint32(i))
	}
	digits["t10k-labels-idx2-int"] = rows
	root := union(letters.named("emnist-letters-"), idxTree().named("emnist-mnist-"),
		digits.named("qmnist-")).folder(t)
	if _, err := Load(root, Test); err == nil || !strings.Contains(err.Error(),
		"several datasets: emnist-letters, emnist-mnist, qmnist: name one") {
		t.Errorf("error %v", err)
	}
	d, err := Load(root+"/emnist-letters", Train)
	if err != nil || fmt.Sprint(d.labels, d.ClassNames) != "[1 0 1 0] [1 2]" ||
		d.Name != "emnist-letters" {
		t.Errorf("%v, %v, %v", d, d.labels, err)
	}
	// A model with an output for the label 0, as PyTorch's are, takes the labels of the file.
	if err := d.Fit(27); err != nil || fmt.Sprint(d.labels) != "[2 1 2 1]" || d.Classes() != 27 {
		t.Errorf("%v, %v, %v", d, d.labels, err)
	}
	d, err = Load(root+"/qmnist", Test)
	if err != nil || fmt.Sprint(d.labels, d.ClassNames) != "[0 3] [0 1 2 3]" {
		t.Errorf("%v, %v", d, err)
	}
}

// Labels are taken to begin at 1 only where each split has all of 1 to k, and no 0.
func TestLabelsFromOne(t *testing.T) {
	for _, c := range []struct {
		own, other []int
		want       string
	}{
		{[]int{1, 2, 3}, []int{3, 2, 1, 1}, "[0 1 2] [1 2 3]"},
		{[]int{1, 2, 3}, nil, "[0 1 2] [1 2 3]"},
		{[]int{1, 2, 3}, []int{0, 1, 2, 3}, "[1 2 3] [0 1 2 3]"},
		{[]int{1, 2}, []int{1, 2, 3}, "[1 2] [0 1 2 3]"},
		{[]int{1, 3}, []int{1, 2, 3}, "[1 3] [0 1 2 3]"},
		{[]int{1, 1}, []int{1}, "[1 1] [0 1]"},
	} {
		d := &Dataset{}
		err := d.label(c.own, [][]int{c.own, c.other})
		if got := fmt.Sprint(d.labels, d.ClassNames); err != nil || got != c.want {
			t.Errorf("%v, %v: %s, %v, want %s", c.own, c.other, got, err, c.want)
		}
	}
}

func TestUnsupported(t *testing.T) {
	for name, want := range map[string]string{
		"test_32x32.mat": "(SVHN: x = m['X'].transpose(3, 0, 1, 2)", "x.h5": "an HDF5 file",
		"data.mdb":        "an LMDB database",
		"a-00000.parquet": "a Parquet file", "x.tfrecord-00001-of-00002": "a TFRecord file",
		"x.rar": "an archive that isn't read: unpack it", "x.7z": "unpack it", "x.tar": "unpack it",
		"batch.pkl": "a pickle of unknown shape", "test.pt": "a PyTorch file",
		"digits.csv": "a table, which isn't read: save its images and labels with np.save('x_test",
	} {
		dir := tree{name: nil, "README": nil}.folder(t)
		for _, path := range []string{dir, filepath.Join(dir, name)} {
			if _, err := Load(path, Test); err == nil || !strings.Contains(err.Error(), name+": ") ||
				!strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", path, err, want)
			}
		}
	}
}
