package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// tree is the content of a folder, by slash-separated name; a name that ends in a slash is
// an empty folder.
type tree map[string][]byte

func (t tree) fs() fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range t {
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			m[dir] = &fstest.MapFile{Mode: os.ModeDir | 0o755}
		} else {
			m[name] = &fstest.MapFile{Data: text}
		}
	}
	return m
}

// each calls f for each name in an order that is not sorted.
func (t tree) each(f func(name string, text []byte)) {
	names := slices.Sorted(maps.Keys(t))
	slices.Reverse(names)
	for _, name := range names {
		f(name, t[name])
	}
}

func (t tree) folder(test *testing.T) string {
	dir := test.TempDir()
	t.each(func(name string, text []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			os.MkdirAll(path, 0o755)
			return
		}
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			test.Fatal(err)
		}
	})
	return dir
}

func (t tree) zip(test *testing.T) string {
	path := filepath.Join(test.TempDir(), "set.zip")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	t.each(func(name string, text []byte) {
		w, err := z.Create(name)
		if err != nil {
			test.Fatal(err)
		}
		w.Write(text)
	})
	z.Close()
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		test.Fatal(err)
	}
	return path
}

func (t tree) tar(test *testing.T) string {
	path := filepath.Join(test.TempDir(), "set.tar.gz")
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	t.each(func(name string, text []byte) {
		h := &tar.Header{Name: "./" + name, Size: int64(len(text)), Mode: 0o644,
			Typeflag: tar.TypeReg}
		if strings.HasSuffix(name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			test.Fatal(err)
		}
		w.Write(text)
	})
	w.Close()
	g.Close()
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		test.Fatal(err)
	}
	return path
}

func gzipped(text []byte) []byte {
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	g.Write(text)
	g.Close()
	return b.Bytes()
}

// idxFile returns an idx file of bytes 0, 1, 2, … with this shape.
func idxFile(shape ...int) []byte {
	text := binary.BigEndian.AppendUint32(nil, 0x800+uint32(len(shape)))
	n := 1
	for _, k := range shape {
		text = binary.BigEndian.AppendUint32(text, uint32(k))
		n *= k
	}
	for i := range n {
		text = append(text, byte(i))
	}
	return text
}

func idxTree() tree {
	return tree{
		"train-images-idx3-ubyte.gz": gzipped(idxFile(4, 2, 3)),
		"train-labels-idx1-ubyte.gz": gzipped(idxFile(4)),
		"t10k-images-idx3-ubyte":     idxFile(2, 2, 3), "t10k-labels-idx1-ubyte": idxFile(2),
	}
}

// cifarTree has two records a file, of label k%10 and planes of k, k+1 and k+2, k = 0, 1, ….
func cifarTree() tree {
	t := tree{"cifar-10-batches-bin/batches.meta.txt": []byte(strings.Join(cifarClasses,
		"\n") + "\n\n")}
	k := 0
	for _, name := range []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
		"data_batch_5", "test_batch"} {
		var text []byte
		for range 2 {
			text = append(text, byte(k%10))
			for plane := range 3 {
				text = append(text, bytes.Repeat([]byte{byte(k + plane)}, cifarImage/3)...)
			}
			k++
		}
		t["cifar-10-batches-bin/"+name+".bin"] = text
	}
	return t
}

func pngFile(h, w int, c color.Color) []byte {
	var img interface {
		image.Image
		Set(x, y int, c color.Color)
	} = image.NewNRGBA(image.Rect(0, 0, w, h))
	if _, gray := c.(color.Gray); gray {
		img = image.NewGray(image.Rect(0, 0, w, h))
	}
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func jpegFile(h, w int, c color.Color) []byte {
	img, err := png.Decode(bytes.NewReader(pngFile(h, w, c)))
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 100}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func rgb(r, g, b uint8) color.NRGBA { return color.NRGBA{r, g, b, 255} }

// imageTree holds 3×2 images of one colour whose red is 10·class + image.
func imageTree() tree {
	t := tree{"README": []byte("hello"), ".DS_Store": []byte("x"),
		"__MACOSX/train/._a": []byte("x")}
	for c, class := range []string{"cat", "dog", "elk"} {
		for i := range 4 {
			t[fmt.Sprintf("train/%s/%04d.png", class, i)] = pngFile(3, 2, rgb(uint8(10*c+i), 1, 2))
		}
		t["test/"+class+"/0000.JPG"] = jpegFile(3, 2, rgb(uint8(10*c), 100, 200))
		t["train/"+class+"/.hidden"] = []byte("x")
	}
	return t
}

func pixelsOf(t *testing.T, d *Dataset) (all []string) {
	t.Helper()
	for i := range d.Len() {
		p, err := d.Pixels(i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%d:%v", d.Label(i), p))
	}
	return all
}

func hashOf(t *testing.T, d *Dataset) string {
	t.Helper()
	h, err := d.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestIDX(t *testing.T) {
	train, test, err := OpenFS(idxTree().fs(), "tiny")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := train.String(), "tiny train: 4 images of 2×3×1, 4 classes"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := test.String(), "tiny test: 2 images of 2×3×1, 4 classes"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	dst := make([]float32, 2*6)
	if err := train.Images(dst, []int{3, 0}); err != nil {
		t.Fatal(err)
	}
	want := []float32{18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5}
	for i := range want {
		if dst[i] != want[i]/255 {
			t.Fatalf("images %v, want %v/255", dst, want)
		}
	}
	if train.Label(3) != 3 || train.Label(0) != 0 {
		t.Errorf("labels %v", train.labels)
	}
}

func TestCIFARBinary(t *testing.T) {
	for where, path := range map[string]string{
		"folder": cifarTree().folder(t), "tar.gz": cifarTree().tar(t), "zip": cifarTree().zip(t),
		"inner folder": filepath.Join(cifarTree().folder(t), "cifar-10-batches-bin"),
	} {
		t.Run(where, func(t *testing.T) {
			train, test, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if train.Len() != 10 || test.Len() != 2 ||
				!slices.Equal(test.ClassNames, cifarClasses) {
				t.Fatal(train, test)
			}
			p, _ := train.Pixels(7)
			if train.Label(7) != 7 || !bytes.Equal(p[:6], []byte{7, 8, 9, 7, 8, 9}) {
				t.Errorf("label %d, pixels %v", train.Label(7), p[:6])
			}
			if only, err := Load(path, Test); err != nil || hashOf(t, only) != hashOf(t, test) {
				t.Errorf("Load: %v, %v", only, err)
			}
			if train.Split != Train || test.Split != Test {
				t.Errorf("splits %q, %q", train.Split, test.Split)
			}
			t.Setenv("LIPSMOOTH_CIFAR10", path)
			if named, _, err := Open("cifar10"); err != nil || named.Name != "cifar10" ||
				hashOf(t, named) != hashOf(t, train) {
				t.Errorf("cifar10: %v, %v", named, err)
			}
		})
	}
}

func TestImages(t *testing.T) {
	wrapped, absolute := tree{}, tree{}
	for name, text := range imageTree() {
		wrapped["outer/inner/"+name], absolute["//"+name] = text, text
	}
	var hashes []string
	for where, path := range map[string]string{
		"folder": imageTree().folder(t), "zip": imageTree().zip(t), "tar.gz": imageTree().tar(t),
		"wrapped zip":  wrapped.zip(t),
		"absolute zip": absolute.zip(t), "absolute tar.gz": absolute.tar(t),
	} {
		t.Run(where, func(t *testing.T) {
			train, test, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for c := range 3 {
				for i := range 4 {
					var p []byte
					for range 6 {
						p = append(p, byte(10*c+i), 1, 2)
					}
					want = append(want, fmt.Sprintf("%d:%v", c, p))
				}
			}
			if got := pixelsOf(t, train); !slices.Equal(got, want) {
				t.Errorf("images\n%v, want\n%v", got, want)
			}
			if got := strings.Join(train.ClassNames, " "); got != "cat dog elk" {
				t.Errorf("classes %s", got)
			}
			p, err := test.Pixels(2)
			if err != nil || test.Len() != 3 || test.Label(2) != 2 {
				t.Fatal(test, err)
			}
			for j, want := range []float64{20, 100, 200} {
				if math.Abs(float64(p[j])-want) > 3 {
					t.Errorf("JPEG pixel %v", p[:3])
				}
			}
			hashes = append(hashes, hashOf(t, train)+hashOf(t, test))
		})
	}
	if len(slices.Compact(hashes)) != 1 {
		t.Errorf("hashes differ: %v", hashes)
	}
}

func TestLinkedFolders(t *testing.T) {
	real, dir := imageTree().folder(t), t.TempDir()
	for _, split := range []string{Train, Test} {
		if err := os.Symlink(filepath.Join(real, split), filepath.Join(dir, split)); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	if train, test, err := Open(dir); err != nil || train.Len() != 12 || test.Len() != 3 {
		t.Error(train, test, err)
	}
}

func TestHashSeesContent(t *testing.T) {
	seen := map[string]bool{}
	for _, change := range []func(tree){
		func(tree) {},
		func(t tree) { t["train/cat/0000.png"] = pngFile(3, 2, rgb(99, 1, 2)) },
		func(t tree) { delete(t, "train/cat/0000.png") },
		func(t tree) {
			t["train/dog/0009.png"] = t["train/cat/0000.png"]
			delete(t, "train/cat/0000.png")
		},
	} {
		files := imageTree()
		change(files)
		train, _, err := OpenFS(files.fs(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if h := hashOf(t, train); seen[h] {
			t.Error("two contents, one hash")
		} else {
			seen[h] = true
		}
	}
}

func TestGray(t *testing.T) {
	files := tree{}
	for _, name := range []string{"train/a/0.png", "train/b/0.png", "test/a/0.png",
		"test/b/0.png"} {
		files[name] = pngFile(2, 2, color.Gray{77})
	}
	train, _, err := OpenFS(files.fs(), "gray")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := train.Pixels(1); err != nil || train.Channels != 1 ||
		!bytes.Equal(p, []byte{77, 77, 77, 77}) {
		t.Error(p, err)
	}
}

func TestUnsplit(t *testing.T) {
	files := tree{}
	for i := range 12 {
		files[fmt.Sprintf("cat/%d.png", i)] = pngFile(2, 2, rgb(uint8(i), 0, 0))
		files[fmt.Sprintf("dog/%d.png", i)] = pngFile(2, 2, rgb(uint8(100+i), 0, 0))
	}
	train, test, err := OpenFS(files.fs(), "pets")
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 20 || test.Len() != 4 {
		t.Fatal(train, test)
	}
	seen := map[string]int{}
	for _, d := range []*Dataset{train, test} {
		for _, p := range pixelsOf(t, d) {
			seen[p]++
		}
	}
	if len(seen) != 24 {
		t.Errorf("the splits hold %d different images, want 24", len(seen))
	}
	// The split is a function of the names: frozen here.
	if got, want := strings.Join(test.source.(*imageFiles).names, " "),
		"cat/10.png cat/8.png dog/5.png dog/7.png"; got != want {
		t.Errorf("test split %s, want %s", got, want)
	}
}

func TestMNIST(t *testing.T) {
	start := time.Now()
	train, test, err := Open("mnist")
	if err != nil {
		t.Skipf("MNIST cannot be had here: %v", err)
	}
	t.Logf("opened in %v", time.Since(start))
	if train.Len() != 60000 || test.Len() != 10000 || train.Height != 28 || train.Width != 28 ||
		train.Channels != 1 || train.Classes() != 10 {
		t.Fatal(train, test)
	}
	var first []int
	for i := range 10 {
		first = append(first, test.Label(i))
	}
	if want := []int{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}; !slices.Equal(first, want) {
		t.Errorf("labels %v, want %v", first, want)
	}
	const want = "1590a0d55c8233efdf93983e811bf8b299ab7a4c9f675661b09fa78a8a85f4c2"
	if got := hashOf(t, test); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}

	// Another file under a name of MNIST is refused by its sum.
	t.Setenv("LIPSMOOTH_MNIST", idxTree().folder(t))
	if _, _, err := Open("mnist"); err == nil ||
		!strings.Contains(err.Error(), mnistSums["train-images-idx3-ubyte"]) {
		t.Errorf("error %v", err)
	}
}

func TestMNISTWithoutNetwork(t *testing.T) {
	for name, script := range map[string]string{
		"fails": `echo '{"Error": "no route\nto proxy"}'; exit 1`, "hangs": "sleep 30",
		"says nothing": "exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+script),
				0o755); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat("/bin/sh"); err != nil {
				t.Skip("needs a shell")
			}
			t.Setenv("PATH", dir+":/usr/bin:/bin")
			moduleCaches = func() []string { return nil }
			defer func() { moduleCaches = goModuleCaches }()
			_, err := mnistFolder(300 * time.Millisecond)
			if err == nil || !strings.Contains(err.Error(), "LIPSMOOTH_MNIST") ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestCIFARImages reads the whole of CIFAR-10 as JPEG files.
func TestCIFARImages(t *testing.T) {
	path := os.Getenv("LIPSMOOTH_TEST_CIFAR10")
	if path == "" {
		t.Skip("set LIPSMOOTH_TEST_CIFAR10 to a zip or folder of CIFAR-10 " +
			"as train/<class>/NNNN.jpg, test/<class>/NNNN.jpg")
	}
	t.Setenv("LIPSMOOTH_CIFAR10", path)
	start := time.Now()
	train, test, err := Open("cifar10")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("opened in %v", time.Since(start))
	if train.Len() != 50000 || test.Len() != 10000 {
		t.Fatal(train, test)
	}
	start = time.Now()
	var some []int
	for i := 0; i < test.Len(); i += 20 {
		some = append(some, i)
	}
	if err := test.Images(make([]float32, len(some)*test.Size()), some); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("%d images in %v", len(some), took)
	if took > 5*time.Second {
		t.Errorf("%d images took %v", len(some), took)
	}
	start = time.Now()
	all := Order(train.Len(), 0, 0)
	if err := train.Images(make([]float32, train.Len()*train.Size()), all); err != nil {
		t.Fatal(err)
	}
	t.Logf("all of train in %v", time.Since(start))
	start = time.Now()
	t.Logf("hash of train %s in %v", hashOf(t, train), time.Since(start))
}

// The three kinds of datasets, changed.
func idxWith(change func(tree)) tree    { f := idxTree(); change(f); return f }
func cifarWith(change func(tree)) tree  { f := cifarTree(); change(f); return f }
func imagesWith(change func(tree)) tree { f := imageTree(); change(f); return f }

const bin = "cifar-10-batches-bin/"

// broken are datasets that are refused, and words of the error.
var broken = []struct {
	name  string
	files tree
	want  []string
}{
	{"nothing", tree{"a.txt": []byte("x")},
		[]string{"no dataset found", "idx", "CIFAR binary", "CIFAR Python", "NumPy", "image folder"}},
	{"idx magic", idxWith(func(f tree) { f["t10k-images-idx3-ubyte"] = idxFile(2) }),
		[]string{"t10k-images-idx3-ubyte", "ends at offset 10, within the header"}},
	{"idx swapped", idxWith(func(f tree) { f["t10k-images-idx3-ubyte"] = idxFile(30) }),
		[]string{"t10k-images-idx3-ubyte: offset 0: magic number 0x00000801, want 0x00000803"}},
	{"idx truncated", idxWith(func(f tree) { f["t10k-images-idx3-ubyte"] = idxFile(2, 2, 3)[:20] }),
		[]string{"t10k-images-idx3-ubyte: ends at offset 20, want 28"}},
	{"idx too long", idxWith(func(f tree) { f["t10k-labels-idx1-ubyte"] = append(idxFile(2), 9) }),
		[]string{"t10k-labels-idx1-ubyte: goes on after offset 10"}},
	{"idx counts", idxWith(func(f tree) { f["t10k-labels-idx1-ubyte"] = idxFile(3) }),
		[]string{"3 labels", "2 images"}},
	{"idx huge", idxWith(func(f tree) {
		f["t10k-images-idx3-ubyte"] = append([]byte{0, 0, 8, 3},
			bytes.Repeat([]byte{255}, 12)...)
	}), []string{"t10k-images-idx3-ubyte: offset 4: shape"}},
	{"idx gzip cut", idxWith(func(f tree) {
		f["train-images-idx3-ubyte.gz"] = f["train-images-idx3-ubyte.gz"][:25]
	}), []string{"train-images-idx3-ubyte.gz: after", "unexpected EOF"}},
	{"idx not gzip", idxWith(func(f tree) { f["train-images-idx3-ubyte.gz"] = idxFile(4, 2, 3) }),
		[]string{"train-images-idx3-ubyte.gz", "gzip: invalid header"}},
	{"idx no labels", idxWith(func(f tree) { delete(f, "t10k-labels-idx1-ubyte") }),
		[]string{"test split lacks"}},
	{"idx flat", idxWith(func(f tree) { f["t10k-images-idx3-ubyte"] = idxFile(2, 0, 3) }),
		[]string{"images of 0×3"}},
	{"bin truncated",
		cifarWith(func(f tree) { f[bin+"data_batch_3.bin"] = f[bin+"data_batch_3.bin"][:3080] }),
		[]string{"data_batch_3.bin: ends at offset 3080, 7 bytes into a record of 3073"}},
	{"bin label", cifarWith(func(f tree) { f[bin+"test_batch.bin"][3073] = 10 }),
		[]string{"test_batch.bin: offset 3073: label 10"}},
	{"bin missing", cifarWith(func(f tree) { delete(f, bin+"data_batch_4.bin") }),
		[]string{"data_batch_4.bin is missing"}},
	{"bin empty", cifarWith(func(f tree) { f[bin+"test_batch.bin"] = nil }),
		[]string{"test split is empty"}},
	{"bin names", cifarWith(func(f tree) { f[bin+"batches.meta.txt"] = []byte("a b") }),
		[]string{"batches.meta.txt", "names 2 classes"}},
	{"empty class", imagesWith(func(f tree) { f["train/fox/"] = nil }),
		[]string{"train/fox: empty class folder"}},
	{"class of one split", imagesWith(func(f tree) {
		f["test/fox/0.png"] = pngFile(3, 2, rgb(0, 0, 0))
	}),
		[]string{`class "fox" is in test but not in train`}},
	{"no test", imagesWith(func(f tree) {
		for name := range f {
			if strings.HasPrefix(name, "test/") {
				delete(f, name)
			}
		}
	}), []string{"no folder test"}},
	{"not an image", imagesWith(func(f tree) { f["train/cat/a.txt"] = nil }),
		[]string{"train/cat/a.txt: not an image"}},
	{"too deep", imagesWith(func(f tree) { f["train/cat/old/1.png"] = nil }),
		[]string{"train/cat/old/1.png: want train/<class>/<image>"}},
	{"too high", imagesWith(func(f tree) { f["train/1.png"] = nil }),
		[]string{"train/1.png: want train/<class>/<image>"}},
	{"broken first", imagesWith(func(f tree) { f["train/cat/0000.png"] = []byte("no") }),
		[]string{"train/cat/0000.png", "unknown format"}},
	{"broken png", imagesWith(func(f tree) { f["train/dog/0001.png"] = f["train/dog/0001.png"][:60] }),
		[]string{"train/dog/0001.png: broken image", "unexpected EOF"}},
	{"broken jpeg", imagesWith(func(f tree) {
		f["test/dog/0000.JPG"] = f["test/dog/0000.JPG"][:len(f["test/dog/0000.JPG"])-8]
	}),
		[]string{"test/dog/0000.JPG: broken image"}},
	{"size", imagesWith(func(f tree) { f["test/elk/0000.JPG"] = jpegFile(2, 3, rgb(1, 1, 1)) }),
		[]string{"test/elk/0000.JPG: 2×3 pixels", "train/cat/0000.png: 3×2", "resize and crop"}},
}

// TestErrors wants one line that names the file and what is wrong.
func TestErrors(t *testing.T) {
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			err := c.files.read()
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(c.want, "data: set") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %v", err)
			}
		})
	}
}

// read opens a dataset and reads all its images.
func (t tree) read() error {
	train, test, err := OpenFS(t.fs(), "set")
	for _, d := range []*Dataset{train, test} {
		if err == nil {
			all := make([]int, d.Len())
			for i := range all {
				all[i] = i
			}
			err = d.Images(make([]float32, d.Len()*d.Size()), all)
		}
	}
	return err
}

func TestReferenceErrors(t *testing.T) {
	whole := idxTree().tar(t)
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	dir := tree{"cut.tar.gz": text[:len(text)/2], "cut.zip": text, "odd.txt": nil,
		"not.tgz": []byte("no")}.folder(t)
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Chdir(dir)
	for _, c := range []struct{ ref, want string }{
		{"nonesuch", "known by name (cifar10, mnist)"},
		{"cut.tar.gz", "cut.tar.gz: "},
		{"cut.zip", "cut.zip: zip: not a valid zip file: is it whole?"},
		{"not.tgz", "not.tgz: "},
		{"odd.txt", "odd.txt: not a folder, zip or tar.gz"},
		{"cifar10", "fetch cifar-10-binary.tar.gz"},
	} {
		if _, _, err := Open(c.ref); err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.HasPrefix(err.Error(), "data: ") {
			t.Errorf("%s: error %v, want %q", c.ref, err, c.want)
		}
	}
	if _, err := Load("mnist", "validation"); err == nil ||
		!strings.Contains(err.Error(), `no split "validation"`) {
		t.Errorf("error %v", err)
	}
	t.Setenv("LIPSMOOTH_CIFAR10", filepath.Join(dir, "absent"))
	if _, _, err := Open("cifar10"); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error %v", err)
	}
	t.Setenv("LIPSMOOTH_CIFAR10", imageTree().zip(t))
	if _, _, err := Open("cifar10"); err == nil ||
		!strings.Contains(err.Error(), "not CIFAR-10: 3×2×3, classes cat, dog, elk") {
		t.Errorf("error %v", err)
	}
}

func TestImagesArguments(t *testing.T) {
	train, _, err := OpenFS(idxTree().fs(), "tiny")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		size    int
		indices []int
		want    string
	}{
		{5, []int{0}, "1 images need 6 floats, dst has 5"},
		{6, []int{4}, "no image 4 among 4"},
		{6, []int{-1}, "no image -1 among 4"},
	} {
		if err := train.Images(make([]float32, c.size), c.indices); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func FuzzIDX(f *testing.F) {
	f.Add(idxFile(2, 2, 3))
	f.Add(idxFile(3)[:7])
	f.Fuzz(func(t *testing.T, text []byte) {
		files := idxTree()
		files["t10k-images-idx3-ubyte"] = text
		if _, test, err := OpenFS(files.fs(), "x"); err == nil && test.Len() != 2 {
			t.Errorf("%d images, 2 labels", test.Len())
		}
	})
}
