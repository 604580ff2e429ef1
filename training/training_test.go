package training

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/gomlx/backends/default"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
	"gonum.org/v1/gonum/mat"
)

var backend compute.Backend

func TestMain(m *testing.M) {
	var err error
	if backend, _, err = device.Open(context.Background(),
		device.Options{Quiet: true}); err != nil {
		panic(err)
	}
	net.Architectures["linear"] = func(lip.Size, net.Setting) []lip.Layer {
		return []lip.Layer{lip.Flat{}}
	}
	if wholeDir, err = os.MkdirTemp("", "lipsmooth-training"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(wholeDir)
	os.Exit(code)
}

// bars is a dataset of three classes as idx files: a bright row at a third of the height each, in
// noise.
func bars(t *testing.T, side, n int) (trainSet, testSet *data.Dataset) {
	t.Helper()
	files := fstest.MapFS{}
	for prefix, n := range map[string]int{"train": n, "t10k": 60} {
		r := rand.New(rand.NewPCG(uint64(side), uint64(n)))
		head := func(dimensions ...int) []byte {
			text := binary.BigEndian.AppendUint32(nil, 0x800+uint32(len(dimensions)))
			for _, d := range dimensions {
				text = binary.BigEndian.AppendUint32(text, uint32(d))
			}
			return text
		}
		images, labels := head(n, side, side), head(n)
		for i := range n {
			labels = append(labels, byte(i%3))
			for p := range side * side {
				v := r.IntN(64)
				if p/side == i%3*side/3 {
					v += 128
				}
				images = append(images, byte(v))
			}
		}
		files[prefix+"-images-idx3-ubyte"] = &fstest.MapFile{Data: images}
		files[prefix+"-labels-idx1-ubyte"] = &fstest.MapFile{Data: labels}
	}
	trainSet, testSet, err := data.OpenFS(files, "bars")
	if err != nil {
		t.Fatal(err)
	}
	return trainSet, testSet
}

// small trains 60 steps of a single matrix, so that little is compiled.
func small() Config {
	c := Default()
	c.Architecture, c.Epochs, c.Batch, c.CheckpointEvery = "linear", 6, 20, 20
	return c
}

func learn(ctx context.Context, t *testing.T, c Config, side int, dir string) (*Model, error) {
	trainSet, testSet := bars(t, side, 200)
	return Train(ctx, backend, Job{Config: c, Train: trainSet, Test: testSet, Dir: dir,
		Versions: map[string]string{"lipsmooth": "test"}})
}

func mustLearn(t *testing.T, c Config, side int, dir string) *Model {
	t.Helper()
	m, err := learn(t.Context(), t, c, side, dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The uninterrupted training of small, and its folder, which tests read and copy.
var (
	wholeModel *Model
	wholeDir   string
)

func uninterrupted(t *testing.T) (m *Model, dir string) {
	t.Helper()
	if wholeModel == nil {
		wholeModel = mustLearn(t, small(), 4, wholeDir)
	}
	return wholeModel, wholeDir
}

// copied is a copy of a folder.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, text string, path ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path...), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// mustFail checks an error's text: each of want, on one line.
func mustFail(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", want)
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q, want one with %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("an error of several lines: %q", err)
	}
}

// stops is a context that is cancelled when it was asked so many times.
type stops struct {
	context.Context
	left int
}

func (s *stops) Err() error {
	if s.left--; s.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestResume stops a training in the middle and at its end, kills it between two checkpoints and
// between the renames of one, and ends with the same weights and the same curve, byte for byte.
func TestResume(t *testing.T) {
	want, wholeDir := uninterrupted(t)
	dir := t.TempDir()
	_, err := learn(&stops{t.Context(), 24}, t, small(), 4, dir)
	mustFail(t, err, "training: stopped at step 30 of 60; the same command goes on from there")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v isn't context.Canceled", err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a stopped training left a model")
	}
	// As a kill leaves it: the curve ahead of the checkpoint, its last line torn; the checkpoint
	// still under its old name.
	write(t, read(t, dir, "training.tsv")+"40\t1.00000\t0.5000\t\n50\t0.9", dir, "training.tsv")
	if err := os.Rename(filepath.Join(dir, "checkpoint"),
		filepath.Join(dir, "checkpoint.old")); err != nil {
		t.Fatal(err)
	}
	const half = ".model.json-0123456789abcdef.new"
	write(t, "half a file", dir, half)
	long := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, half), long, long); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "checkpoint.new", "half"), 0o777); err != nil {
		t.Fatal(err)
	}
	_, err = learn(&stops{t.Context(), 30}, t, small(), 4, dir) // after the last step
	mustFail(t, err, "training: stopped while measuring")
	got := mustLearn(t, small(), 4, dir)
	if got.Hash != want.Hash {
		t.Errorf("hash %s, uninterrupted %s", got.Hash, want.Hash)
	}
	for _, name := range []string{"training.tsv", "training.json", "model.json"} {
		if a, b := read(t, dir, name), read(t, wholeDir, name); a != b {
			t.Errorf("%s is\n%s\nuninterrupted\n%s", name, a, b)
		}
	}
	files, err := os.ReadDir(dir)
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if got := fmt.Sprint(names); err != nil ||
		got != "[checkpoint model.json training.json training.tsv weights]" {
		t.Errorf("the folder holds %s, %v", got, err)
	}
	if lines := strings.Count(read(t, dir, "training.tsv"), "\n"); lines != 7 {
		t.Errorf("a curve of %d lines", lines)
	}
}

func TestRefuses(t *testing.T) {
	_, wholeDir := uninterrupted(t)
	trainSet, testSet := bars(t, 4, 200)
	other, _ := bars(t, 4, 100)
	_, wide := bars(t, 5, 200)
	dir := copied(t, wholeDir)
	c := small()
	c.LearningRate = 0.02
	_, err := Train(t.Context(), backend, Job{Config: c, Train: trainSet, Test: testSet, Dir: dir})
	mustFail(t, err, dir,
		`the training begun here has "learning_rate": 0.01, this one "learning_rate": 0.02`,
		"another folder")
	_, err = Train(t.Context(), backend, Job{Config: small(), Train: other, Test: testSet,
		Dir: dir})
	mustFail(t, err, dir, "dataset_hash", "another folder")
	os.Remove(filepath.Join(dir, "training.json"))
	_, err = Train(t.Context(), backend, Job{Config: small(), Train: trainSet, Test: testSet,
		Dir: dir})
	mustFail(t, err, filepath.Join(dir, "training.json"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v isn't fs.ErrNotExist", err)
	}

	dir = filepath.Join(t.TempDir(), "new")
	for _, f := range []struct {
		change func(c *Config)
		want   string
	}{
		{func(c *Config) { c.Batch = 201 }, "a batch of 201 is larger than the 200 images"},
		{func(c *Config) { c.Images = 19 }, "a batch of 20 is larger than the 19 images"},
		{func(c *Config) { c.Architecture = "vgg" },
			`training: no architecture "vgg"; known: conv, dense, lenet, linear, `},
		{func(c *Config) { c.Convolution = "x" }, `training: no convolution "x"; known: aol, bcop`},
		{func(c *Config) { c.Width = 1 }, "training: a network needs width"},
		{func(c *Config) { c.Architecture = "conv" }, "no larger than the image"},
		{func(c *Config) { c.Epochs = 0 }, "training: epochs must be at least 1"},
	} {
		c := small()
		f.change(&c)
		_, err := Train(t.Context(), backend,
			Job{Config: c, Train: trainSet, Test: testSet, Dir: dir})
		mustFail(t, err, f.want)
	}
	_, err = Train(t.Context(), backend, Job{Config: small(), Train: trainSet, Test: wide,
		Dir: dir})
	mustFail(t, err,
		"training: bars has images 5×5×1 of 3 classes; the model takes 4×4×1 and knows 3")
	if _, err := os.Stat(dir); err == nil {
		t.Error("what was refused left a folder")
	}
	c = small()
	c.Crop = 4
	_, err = Train(t.Context(), backend, Job{Config: c, Train: trainSet, Test: testSet,
		Dir: t.TempDir()})
	mustFail(t, err, "training: ", "crop 4 for images of 4×4")
	write(t, "", dir)
	_, err = Train(t.Context(), backend, Job{Config: small(), Train: trainSet, Test: testSet,
		Dir: dir})
	mustFail(t, err, dir)
}

func TestDivergence(t *testing.T) {
	trainSet, testSet := bars(t, 4, 200)
	_, wholeDir := uninterrupted(t)
	dir := copied(t, wholeDir)
	before := read(t, dir, "training.tsv")
	// As if this had been begun with an absurd learning rate, and twice the epochs.
	text := strings.Replace(read(t, dir, "training.json"), `"learning_rate": 0.01`,
		`"learning_rate": 3e+38`, 1)
	write(t, strings.Replace(text, `"epochs": 6`, `"epochs": 12`, 1), dir, "training.json")
	c := small()
	c.LearningRate, c.Epochs = 3e38, 12
	_, err := Train(t.Context(), backend, Job{Config: c, Train: trainSet, Test: testSet, Dir: dir})
	checkpoint := filepath.Join(dir, "checkpoint")
	mustFail(t, err, "training: the loss is", "at step 6", "lower the learning rate",
		"the last checkpoint, if any, is kept in "+checkpoint)
	if strings.Contains(err.Error(), "Loop") {
		t.Errorf("the loop's own words: %v", err)
	}
	store, err := loadStore(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	if step, bad := optimizer.GetGlobalStep(store), badVariable(store); step != 60 || bad != "" {
		t.Errorf("the checkpoint is of step %d, bad: %q", step, bad)
	}
	if after := read(t, dir, "training.tsv"); after != before {
		t.Errorf("the curve was\n%s\nand is\n%s", before, after)
	}
	store.RootScope().In("x").VariableWithValue("y", []float32{1, float32(math.Inf(1))})
	if bad := badVariable(store); bad != "/x/y" {
		t.Errorf("bad variable %q", bad)
	}
}

// logits of the test images, by m.
func logits(t *testing.T, m *Model, d *data.Dataset) []float32 {
	t.Helper()
	exec, err := model.NewExec1(backend, m.Store, m.Logits)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Exec.Finalize()
	images := make([]float32, d.Len()*d.Size())
	indices := make([]int, d.Len())
	for i := range indices {
		indices[i] = i
	}
	if err := d.Images(images, indices); err != nil {
		t.Fatal(err)
	}
	z, err := exec.Call(tensors.FromFlatDataAndDimensions(images, d.Len(), d.Height, d.Width,
		d.Channels))
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](z)
}

func TestSaveAndLoad(t *testing.T) {
	m, dir := uninterrupted(t)
	_, testSet := bars(t, 4, 200)
	want := logits(t, m, testSet)
	again := filepath.Join(t.TempDir(), "a", "b")
	for range 2 { // also over what is there
		if err := m.Save(again); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{dir, again} {
		back, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		got := logits(t, back, testSet)
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%s: logit %d is %v, saved %v", dir, i, got[i], want[i])
			}
		}
		if back.Lambda != m.Lambda || back.Hash != m.Hash || back.Config != m.Config ||
			back.Classes() != 3 || len(back.Layers) != len(m.Layers) {
			t.Errorf("%+v, saved %+v", back.Info, m.Info)
		}
	}
	if err := m.Fits(testSet); err != nil {
		t.Error(err)
	}
	_, wide := bars(t, 5, 200)
	mustFail(t, m.Fits(wide), "bars has images 5×5×1")

	// The metrics are those of the logits, over the proved Λ.
	var accuracy, radius, verified float64
	for i := range testSet.Len() {
		y := int(testSet.Label(i))
		other := math.Inf(-1)
		for k, v := range want[i*3:][:3] {
			if k != y {
				other = max(other, float64(v))
			}
		}
		if r := (float64(want[i*3+y]) - other) / m.Lambda.Value(); r > 0 {
			accuracy += 1. / 60
			radius += r / 60
			if r >= 0.25 {
				verified += 1. / 60
			}
		}
	}
	g := m.Metrics
	if math.Abs(g.Accuracy-accuracy)+math.Abs(g.AverageRadius-radius)+math.Abs(
		g.Verified["0.25"]-verified) > 1e-6 {
		t.Errorf("metrics %+v, from the logits: accuracy %v, mean radius %v, verified at 0.25 %v",
			g, accuracy, radius, verified)
	}
	if accuracy < 0.8 {
		t.Errorf("an accuracy of %v: nothing was learned", accuracy)
	}

	// Finished, the same command changes nothing.
	before := read(t, dir, "model.json")
	mustLearn(t, small(), 4, dir)
	if after := read(t, dir, "model.json"); after != before {
		t.Errorf("trained again:\n%s\nwas\n%s", after, before)
	}
}

// TestDamage: each damage to a saved model is one line that names the file.
func TestDamage(t *testing.T) {
	_, dir := uninterrupted(t)
	replace := func(old, new string) func(string) string {
		return func(text string) string {
			if !strings.Contains(text, old) {
				t.Errorf("nothing to replace: %s", old)
			}
			return strings.Replace(text, old, new, 1)
		}
	}
	bins, _ := filepath.Glob(filepath.Join(dir, "weights", "*.bin"))
	texts, _ := filepath.Glob(filepath.Join(dir, "weights", "*.json"))
	if len(bins) != 1 || len(texts) != 1 {
		t.Fatal(bins, texts)
	}
	bin := filepath.Join("weights", filepath.Base(bins[0]))
	index := filepath.Join("weights", filepath.Base(texts[0]))
	for _, c := range []struct {
		name, file string
		damage     func(text string) string // nil removes the file
		want       []string
	}{
		{"no model.json", "model.json", nil, []string{"model.json", "no model here"}},
		{"half a model.json", "model.json", func(s string) string { return s[:len(s)/2] },
			[]string{"model.json", "unexpected end"}},
		{"another format", "model.json", replace(`"format": 1`, `"format": 2`),
			[]string{"model.json", "format 2; this version reads 1"}},
		{"no format", "model.json", replace(`"format"`, `"formal"`),
			[]string{"model.json", "format 0"}},
		{"no lambda", "model.json", replace(`"lambda"`, `"lambada"`),
			[]string{"model.json", "lambda"}},
		{"a smaller lambda", "model.json", func(s string) string {
			lambda := regexp.MustCompile(`(?s)("lambda": \{\s*"value": )[0-9.e+-]+`)
			return lambda.ReplaceAllString(s, "${1}0.001")
		}, []string{"model.json", "lambda is 0.001", "prove no less than"}},
		{"a negative bound", "model.json", replace(`"value": 1,`, `"value": -1,`),
			[]string{"model.json", "not a proved bound"}},
		{"no proof", "model.json", replace(`"proof": "product"`, `"proof": ""`),
			[]string{"model.json", "not a proved bound"}},
		{"unknown architecture", "model.json", replace(`"linear"`, `"vgg"`),
			[]string{"model.json", `no architecture "vgg"; known`}},
		{"another architecture", "model.json", replace(`"linear"`, `"dense"`),
			[]string{"model.json", "layers"}},
		{"another hash", "model.json", replace(`"hash": "`, `"hash": "0`),
			[]string{"weights", "hash", "restore the folder or train again"}},
		{"no weights", bin, nil, []string{"weights can't be read", "weights"}},
		{"no index of weights", index, nil, []string{"weights can't be read", "weights"}},
		{"half the weights", bin, func(s string) string { return s[:len(s)/2] },
			[]string{"weights"}},
		{"no byte of weights", bin, func(s string) string { return "" }, []string{"weights"}},
		{"one byte less", bin, func(s string) string { return s[:len(s)-1] }, []string{"weights"}},
		{"half an index", index, func(s string) string { return s[:len(s)/2] },
			[]string{"weights"}},
		{"noise for weights", bin, func(s string) string { return strings.Repeat("\xa5", len(s)) },
			[]string{"weights"}},
		{"a flipped bit", bin, func(s string) string {
			b := []byte(s)
			b[len(b)-6] ^= 1
			return string(b)
		}, []string{"weights"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := copied(t, dir)
			if c.damage == nil {
				if err := os.Remove(filepath.Join(to, c.file)); err != nil {
					t.Fatal(err)
				}
			} else {
				write(t, c.damage(read(t, to, c.file)), to, c.file)
			}
			_, err := Load(to)
			mustFail(t, err, append(c.want, to)...)
			t.Log(strings.ReplaceAll(fmt.Sprint(err), to, "…"))
		})
	}
}

// TestDamagedFolders: a missing folder of weights, and a damaged checkpoint, are one line too.
func TestDamagedFolders(t *testing.T) {
	_, dir := uninterrupted(t)
	to := copied(t, dir)
	if err := os.RemoveAll(filepath.Join(to, "weights")); err != nil {
		t.Fatal(err)
	}
	_, err := Load(to)
	mustFail(t, err, filepath.Join(to, "weights"))
	to = copied(t, dir)
	bins, _ := filepath.Glob(filepath.Join(to, "checkpoint", "*.bin"))
	write(t, "x", bins[0])
	_, err = learn(t.Context(), t, small(), 4, to)
	mustFail(t, err, filepath.Join(to, "checkpoint"), "delete the folder to start again")
}

func TestStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	store := func(x float32) *model.Store {
		s := model.NewStore()
		s.RootScope().In("a").VariableWithValue("b", []float32{x, 2})
		return s
	}
	value := func() any {
		t.Helper()
		s, err := loadStore(dir)
		if err != nil {
			return err
		}
		return s.GetVariable("/a/b").MustValue().Value().([]float32)[0]
	}
	if _, err := loadStore(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	for i, before := range []func(){
		func() {},
		func() {}, // over an older one
		func() { os.Rename(dir, dir+".old") },
		func() { os.CopyFS(dir+".old", os.DirFS(dir)) },
		func() { os.Mkdir(dir+".new", 0o777) },
	} {
		before()
		if i > 0 && value() != float32(i-1) {
			t.Errorf("%d: before, %v", i, value())
		}
		if err := saveStore(store(float32(i)), dir); err != nil {
			t.Fatal(err)
		}
		if value() != float32(i) {
			t.Errorf("%d: %v", i, value())
		}
		if names, _ := filepath.Glob(dir + "*"); len(names) != 1 {
			t.Errorf("%d: left %v", i, names)
		}
	}
	// Same values, same hash; every bit and name counts, what lies elsewhere doesn't.
	h := func(s *model.Store, under string) string {
		x, err := hash(s, under)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	s := store(1)
	if h(s, "/") != h(store(1), "/") || h(s, "/") == h(store(math.Nextafter32(1, 2)), "/") {
		t.Error("hashes of one value differ, or of two are the same")
	}
	was := h(s, "/a/")
	s.RootScope().In("c").VariableWithValue("d", float32(3))
	if h(s, "/a/") != was || h(s, "/") == was {
		t.Error("the hash of a part")
	}
}

var modelFolder = flag.String("model", "",
	"the model that TestTrainedNetwork checks; default: it trains a small one")

// TestTrainedNetwork takes singular values of the layers of a saved model, and slopes of the whole.
func TestTrainedNetwork(t *testing.T) {
	c := small()
	c.Architecture, c.Width, c.Sigma, c.Batch, c.Epochs = "conv", 4, 0.25, 25, 5
	var m *Model
	if *modelFolder == "" {
		m = mustLearn(t, c, 12, t.TempDir())
	} else {
		var err error
		if m, err = Load(*modelFolder); err != nil {
			t.Fatal(err)
		}
	}
	var table strings.Builder
	for i, l := range m.Network.Layers {
		weights := 0
		for m.Store.GetVariable(effective(i, weights)) != nil {
			weights++
		}
		if weights == 0 {
			continue
		}
		in := m.Network.Sizes()[i]
		n := in.Entries()
		basis := make([]float32, (n+1)*n) // the last image is 0
		for k := range n {
			basis[k*n+k] = 1
		}
		z, err := model.CallOnce(backend, m.Store, func(_ *model.Scope, x *Node) *Node {
			var w []*Node
			for j := range weights {
				w = append(w, m.Store.GetVariable(effective(i, j)).NodeValue(x.Graph()))
			}
			y := Reshape(l.Apply(x, w), n+1, -1)
			return Sub(SliceAxis(y, 0, AxisRange(0, n)), SliceAxis(y, 0, AxisElem(n)))
		}, tensors.FromFlatDataAndDimensions(basis, append([]int{n + 1}, in...)...))
		if err != nil {
			t.Fatal(err)
		}
		out := z.Shape().Dimensions[1]
		jacobian := mat.NewDense(n, out, nil)
		for k, v := range tensors.MustCopyFlatData[float32](z) {
			jacobian.Set(k/out, k%out, float64(v))
		}
		var svd mat.SVD
		svd.Factorize(jacobian, mat.SVDNone)
		most, bound := svd.Values(nil)[0], m.Layers[i].Bound.Value()
		fmt.Fprintf(&table, "\n%-22v %-9v %.8f ≤ %.8f", l, in, most, bound)
		if !(most <= bound*(1+1e-6) && bound <= 1.02*most) {
			t.Errorf("%v: bound %v, largest singular value %v", l, bound, most)
		}
	}
	fmt.Fprintf(&table, "\nΛ %.6f, steepest found %.6f, accuracy %.3f, mean radius %.3f",
		m.Lambda.Value(), m.Metrics.Slope, m.Metrics.Accuracy, m.Metrics.AverageRadius)
	t.Log(table.String())
	if s := m.Metrics.Slope; !(s <= m.Lambda.Value()*(1+1e-5)) || s < 0.2*m.Lambda.Value() {
		t.Errorf("slope %v, Λ %v", s, m.Lambda.Value())
	}
}

// trainedStore has the variables after six steps with a changed config.
func trainedStore(t *testing.T, change func(c *Config)) *model.Store {
	t.Helper()
	backend, err := device.PureGo() // compiles nothing
	if err != nil {
		t.Fatal(err)
	}
	d, _ := bars(t, 4, 40)
	c := small()
	c.Images, c.Sigma = 20, 0 // a step an epoch, so 6 of them
	change(&c)
	n, err := net.New(lip.Size{4, 4, 1}, 3, c.Network())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	c = c.Complete()
	s := session{
		Job: Job{Config: c, Train: d, Test: d, Dir: t.TempDir(), Log: io.Discard},
		m:   &Model{Network: n, Info: Info{Config: c}}, backend: backend, store: model.NewStore(),
		steps: c.Epochs,
	}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.store
}

// trainedHash is the hash of these weights.
func trainedHash(t *testing.T, change func(c *Config)) string {
	t.Helper()
	h, err := hash(trainedStore(t, change), weightsPath)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestOptionsAct: each option that changes the training changes the weights; the others don't.
func TestOptionsAct(t *testing.T) {
	weights := func(change func(c *Config)) string {
		t.Helper()
		return trainedHash(t, change)
	}
	seen := map[string]string{weights(func(*Config) {}): "default"}
	for name, change := range map[string]func(c *Config){
		"sigma":         func(c *Config) { c.Sigma = 0.1 },
		"offset":        func(c *Config) { c.Offset = 0 },
		"temperature":   func(c *Config) { c.Temperature = 1 },
		"flip":          func(c *Config) { c.Flip = true },
		"crop":          func(c *Config) { c.Crop = 1 },
		"warp":          func(c *Config) { c.Warp = true },
		"sgd":           func(c *Config) { c.Optimizer = "sgd" },
		"muon":          func(c *Config) { c.Optimizer = "muon" },
		"learning rate": func(c *Config) { c.LearningRate = 0.02 },
		"seed":          func(c *Config) { c.Seed = 2 },
		"dense":         func(c *Config) { c.Architecture = "dense" },
		"centring":      func(c *Config) { c.Architecture, c.Centring = "dense", true },
		"emma":          func(c *Config) { c.Loss = "emma" },
		"hkr":           func(c *Config) { c.Loss = "hkr" },
		"torchlip-hkr":  func(c *Config) { c.Loss = "torchlip-hkr" },
		"lse-hkr":       func(c *Config) { c.Loss = "lse-hkr" },
		"multi-margin":  func(c *Config) { c.Loss = "multi-margin" },
		"annealing":     func(c *Config) { c.Loss = "annealing" },

		"stability": func(c *Config) { c.Method, c.Sigma = "stability", 0.1 },
		"its draws": func(c *Config) {
			c.Method, c.Sigma, c.Draws = "stability", 0.1, 2
		},
		"its weight": func(c *Config) {
			c.Method, c.Sigma, c.Weight = "stability", 0.1, 1
		},
		"consistency": func(c *Config) { c.Method, c.Sigma = "consistency", 0.1 },
		"weight of consistency": func(c *Config) {
			c.Method, c.Sigma, c.Weight = "consistency", 0.1, 1
		},
		"draws of consistency": func(c *Config) {
			c.Method, c.Sigma, c.Draws = "consistency", 0.1, 3
		},
		"macer": func(c *Config) { c.Method, c.Sigma, c.Draws = "macer", 0.1, 4 },
		"weight of macer": func(c *Config) {
			c.Method, c.Sigma, c.Draws, c.Weight = "macer", 0.1, 4, 1
		},
		"smoothadv": func(c *Config) { c.Method, c.Sigma = "smoothadv", 0.1 },
		"its attack radius": func(c *Config) {
			c.Method, c.Sigma, c.AttackRadius = "smoothadv", 0.1, 0.1
		},
		"a loss through a method": func(c *Config) {
			c.Method, c.Sigma, c.Loss = "smoothadv", 0.1, "emma"
		},
	} {
		h := weights(change)
		if other, ok := seen[h]; ok {
			t.Errorf("%s: the same weights as %s", name, other)
		}
		seen[h] = name
	}
	if h := weights(func(c *Config) { c.CheckpointEvery = 7 }); seen[h] != "default" {
		t.Error("checkpoints change the weights, or one seed gave two")
	}
	named := weights(func(c *Config) { c.Loss, c.Method = "offset", "gaussian" })
	if seen[named] != "default" {
		t.Error("the defaults by their names give other weights")
	}
	// A method at its limit is the loss on noise: an attack without room, one draw of which nothing
	// else is asked.
	few := weights(func(c *Config) {
		c.Method, c.Sigma, c.Draws, c.AttackRadius = "smoothadv", 0.1, 1, 1e-30
	})
	if seen[few] != "sigma" {
		t.Error("smoothadv in a ball of radius 0 isn't training with noise")
	}
}

func TestValidate(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		change func(c *Config)
		want   string // empty is fine
	}{
		{func(c *Config) { c.Epochs = 0 }, "epochs must be at least 1"},
		{func(c *Config) { c.Images = -1 }, "images must be at least 0"},
		{func(c *Config) { c.Images = 0 }, ""},
		{func(c *Config) { c.Batch = 0 }, "batch must be at least 1"},
		{func(c *Config) { c.LearningRate = 0 }, "learning rate must be positive"},
		{func(c *Config) { c.LearningRate = nan }, "learning rate"},
		{func(c *Config) { c.LearningRate = inf }, "learning rate"},
		{func(c *Config) { c.Sigma = 0 }, ""},
		{func(c *Config) { c.Sigma = -0.1 }, "sigma must be finite and at least 0"},
		{func(c *Config) { c.Sigma = nan }, "sigma"},
		{func(c *Config) { c.Sigma = inf }, "sigma"},
		{func(c *Config) { c.Offset = 0 }, ""},
		{func(c *Config) { c.Offset = -1 }, "offset"},
		{func(c *Config) { c.Offset = nan }, "offset"},
		{func(c *Config) { c.Temperature = 0 }, "temperature must be positive"},
		{func(c *Config) { c.Temperature = inf }, "temperature"},
		{func(c *Config) { c.Loss = "focal" },
			`no loss "focal"; known: offset, emma, hkr, torchlip-hkr, lse-hkr, multi-margin, ` +
				`annealing`},
		{func(c *Config) { c.Loss = "offset" }, ""},
		{func(c *Config) { c.Optimizer = "adamw" },
			`no optimizer "adamw" (did you mean adam?); known: adam, muon, sgd`},
		{func(c *Config) { c.Optimizer = "adam" }, ""},
		{func(c *Config) { c.Optimizer, c.LearningRate = "muon", 0.6 },
			"learning rate must be at most 0.25 with optimizer muon"},
		{func(c *Config) { c.Method = "trades" },
			`no training method "trades"; known: gaussian, stability, consistency, macer, ` +
				`smoothadv`},
		{func(c *Config) { c.Method = "macer" }, ""},
		{func(c *Config) { c.Method, c.Sigma = "macer", 0 },
			"sigma must be positive with method macer"},
		{func(c *Config) { c.Draws = 2 },
			"draws: method gaussian takes none; those that do: stability, consistency, macer, " +
				"smoothadv"},
		{func(c *Config) { c.Method, c.Draws = "macer", -1 },
			"draws must be at least 1 with method macer"},
		{func(c *Config) { c.Method, c.Draws = "consistency", 1 },
			"draws must be at least 2 with method consistency"},
		{func(c *Config) { c.Method, c.Weight = "smoothadv", 1 },
			"weight: method smoothadv takes none; those that do: stability, consistency, macer"},
		{func(c *Config) { c.Method, c.Weight = "stability", -1 }, "weight must be finite"},
		{func(c *Config) { c.Method, c.Weight = "stability", nan }, "weight must be finite"},
		{func(c *Config) { c.Method, c.AttackRadius = "macer", 1 },
			"attack radius: method macer takes none; those that do: smoothadv"},
		{func(c *Config) { c.Method, c.AttackRadius = "smoothadv", inf },
			"attack radius must be finite"},
		{func(c *Config) { c.Crop = -1 }, "crop must be at least 0"},
		{func(c *Config) { c.CheckpointEvery = 0 }, "checkpoint every must be at least 1"},
	} {
		d := Default()
		c.change(&d)
		switch err := d.Validate(); {
		case c.want == "" && err != nil:
			t.Error(err)
		case c.want != "":
			mustFail(t, err, "training: "+c.want)
		}
	}
}

// TestCurve: the curve is as documented, and a torn one is mended.
func TestCurve(t *testing.T) {
	_, dir := uninterrupted(t)
	text := read(t, dir, "training.tsv")
	if !regexp.MustCompile(`^step\tloss\taccuracy\taccuracy_60_test_images_without_noise\n` +
		`(\d0\t\S+\t\S+\t\n){4}` +
		`50\t\S+\t\S+\t[01]\.\d{4}\n60\t\S+\t\S+\t[01]\.\d{4}\n$`).MatchString(text) {
		t.Errorf("the curve is %q", text)
	}
	last, err := lastLoss(filepath.Join(dir, "training.tsv"))
	if err != nil || last != wholeModel.Metrics.Loss || !(last > 0) {
		t.Errorf("last loss %v, %v, in model.json %v", last, err, wholeModel.Metrics.Loss)
	}
	path := filepath.Join(t.TempDir(), "training.tsv")
	write(t, "step\n", path)
	_, err = lastLoss(path)
	mustFail(t, err, path+":1: not a line of the training curve")
	const header = curveHeader + "\ttest\n"
	for _, c := range []struct {
		text  string
		start int
		want  string
	}{
		{header + "10\t1\t0\t\n20\t1\t0\t1\n30\t1\t0\t\n", 20,
			header + "10\t1\t0\t\n20\t1\t0\t1\n"},
		{header + "10\t1\t0\t\n20\t1", 20, header + "10\t1\t0\t\n"},
		{header + "10\t1\t0\t\nx\t1\t0\t\n20\t1\t0\t\n", 20, header + "10\t1\t0\t\n"},
		{header + "10\t1\t0\t\n", 0, header},
		{"", 20, header},
		{curveHeader + "\n10\t1\t0\n20\t1\t0\n", 10, header + "10\t1\t0\t\n"}, // an old one
	} {
		write(t, c.text, path)
		f, err := openCurve(path, "test", c.start)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if got := read(t, path); got != c.want {
			t.Errorf("%q from step %d: %q, want %q", c.text, c.start, got, c.want)
		}
	}
}

// TestWatch sees every checkpoint, proved, and changes nothing of what is learned; its error ends
// the training.
func TestWatch(t *testing.T) {
	want, _ := uninterrupted(t)
	trainSet, testSet := bars(t, 4, 200)
	var steps []int
	var last *Model
	watched := Job{Config: small(), Train: trainSet, Test: testSet, Dir: t.TempDir()}
	watched.Watch = func(m *Model, step int) error {
		steps, last = append(steps, step), m
		return nil
	}
	m, err := Train(t.Context(), backend, watched)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(steps) != "[20 40 60]" || m.Hash != want.Hash || last.Lambda != m.Lambda {
		t.Errorf("watched at %v, with Λ %v at last; the model has hash %s and Λ %v, "+
			"unwatched %s and %v", steps, last.Lambda, m.Hash, m.Lambda, want.Hash, want.Lambda)
	}
	watched.Dir = t.TempDir()
	watched.Watch = func(*Model, int) error { return errors.New("seen enough") }
	_, err = Train(t.Context(), backend, watched)
	mustFail(t, err, "seen enough")
}
