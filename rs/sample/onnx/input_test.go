package onnx

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// planes puts an image, [h, w, c], in the order of channels, rows, columns.
func planes(x []float32, c int) []float32 {
	var to []float32
	for ch := range c {
		for i := ch; i < len(x); i += c {
			to = append(to, x[i])
		}
	}
	return to
}

// inputCase is a kind of input, and the values that a model of it sees of an image.
type inputCase struct {
	net     net
	size    [3]int
	options Options
	sees    func([]float32) []float32
}

func inputCases() map[string]inputCase {
	gray, colour := [3]int{4, 5, 1}, [3]int{4, 5, 3}
	same := func(x []float32) []float32 { return x }
	nchw := func(x []float32) []float32 { return planes(x, 3) }
	levels := func(x []float32) []float32 {
		to := slices.Clone(x)
		for i := range to {
			to[i] = float32(min(max(math.RoundToEven(255*float64(to[i])), 0), 255))
		}
		return to
	}
	reversed := func(x []float32) []float32 {
		p := planes(x, 3)
		return slices.Concat(p[40:], p[20:40], p[:20])
	}
	thrice := func(x []float32) []float32 { return slices.Concat(x, x, x) }
	constant := func(x []float32) []float32 { return slices.Repeat(x[:1], 6*7) }
	return map[string]inputCase{
		"rows and columns":  {net{dims: []int64{-1, 4, 5}}, gray, Options{}, same},
		"free rows":         {net{dims: []int64{-1, -1, 5}}, gray, Options{}, same},
		"free axes":         {net{dims: []int64{-1, -1, -1}}, gray, Options{}, same},
		"one row":           {net{dims: []int64{-1, 20}}, gray, Options{}, same},
		"one free row":      {net{dims: []int64{-1, -1}}, gray, Options{}, same},
		"one row, one more": {net{dims: []int64{-1, 1, 20}}, gray, Options{}, same},
		"one column":        {net{dims: []int64{3, 20, 1}}, gray, Options{}, same},
		"five axes":         {net{dims: []int64{-1, 1, 1, 4, 5}}, gray, Options{}, same},
		"one row, NHWC":     {net{dims: []int64{-1, 60}}, colour, Options{Layout: NHWC}, same},
		"one row, NCHW":     {net{dims: []int64{-1, 60}}, colour, Options{Layout: NCHW}, nchw},
		"uint8": {net{kind: onnxfile.Uint8, dims: []int64{-1, 3, 4, 5}}, colour, Options{},
			func(x []float32) []float32 { return levels(nchw(x)) }},
		"uint8, one row": {net{kind: onnxfile.Uint8, dims: []int64{2, 20}}, gray, Options{}, levels},
		"float64": {net{kind: onnxfile.Float64, dims: []int64{-1, 4, 5, 3}}, colour, Options{},
			same},
		"bgr":    {net{dims: []int64{-1, 3, 4, 5}}, colour, Options{Channels: BGR}, reversed},
		"rgb":    {net{dims: []int64{-1, 3, 4, 5}}, colour, Options{Channels: RGB}, nchw},
		"repeat": {net{dims: []int64{-1, 3, 4, 5}}, gray, Options{Channels: Repeat}, thrice},
		"size": {net{dims: []int64{-1, 1, -1, -1}}, gray, Options{Input: []int{6, 7},
			Layout: NCHW}, constant},
		"size, one row": {net{dims: []int64{-1, 42}}, gray, Options{Input: []int{6, 7}}, constant},
		"size, free":    {net{dims: []int64{-1, -1, 7}}, gray, Options{Input: []int{6, 7}}, constant},
		"pooled": {net{dims: []int64{-1, 20}, to: []int64{-1, 1, 1, 4}}, gray, Options{},
			same},
		"one by one": {net{dims: []int64{3, 20}}, gray, Options{OneByOne: true}, same},
		"bgr, mean": {net{dims: []int64{-1, 3, 4, 5}}, colour, Options{Channels: BGR, Mean: []float64{0,
			0, 1}},
			func(x []float32) []float32 {
				r := reversed(x)
				for i := 40; i < 60; i++ {
					r[i]--
				}
				return r
			}},
	}
}

// Every kind of input sees the values of the image in its own order.
func TestInputs(t *testing.T) {
	for name, c := range inputCases() {
		t.Run(name, func(t *testing.T) {
			const n = 7
			x := testImages(n, c.size)
			for i := range x {
				x[i] = 1.6*x[i] - 0.3
			}
			if strings.HasPrefix(name, "size") {
				for i := range x {
					x[i] = x[i/20*20]
				}
			}
			c.net.values, c.net.classes = len(c.sees(x[:len(x)/n])), 4
			c.options.Size = c.size
			m := open(t, save(t, "m.onnx", c.net.bytes()), c.options)
			got, err := m.Logits(x, n)
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				for j, want := range c.net.logits(c.sees(x[i*len(x)/n : (i+1)*len(x)/n])) {
					if z := float64(got[i*4+j]); !(math.Abs(z-want) <= 1e-5*(1+math.Abs(want))) {
						t.Fatalf("image %d, class %d: %v, want %v\n%s", i, j, z, want, strings.Join(m.Describe(),
							"\n"))
					}
				}
			}
		})
	}
}

// One value an image is two classes: the logit 0 and it, or the logarithms of 1 - p and of p.
func TestOneValue(t *testing.T) {
	for name, c := range map[string]struct {
		last  string
		dims  []int64
		to    []int64
		scale Scale
		want  func(z float64) [2]float64
	}{
		"logit":             {"", []int64{-1, 20}, []int64{-1, 1}, "", asLogit},
		"logit, one axis":   {"", []int64{-1, 20}, []int64{-1}, "", asLogit},
		"three axes":        {"", []int64{-1, 20}, []int64{-1, 1, 1}, "", asLogit},
		"fixed":             {"", []int64{3, 20}, []int64{3, 1}, "", asLogit},
		"probability":       {"Sigmoid", []int64{-1, 20}, []int64{-1, 1}, "", logarithms},
		"one axis":          {"Sigmoid", []int64{-1, 20}, []int64{-1}, "", logarithms},
		"probability, said": {"Sigmoid", []int64{-1, 20}, []int64{-1}, Logits, asSigmoid},
	} {
		t.Run(name, func(t *testing.T) {
			net := net{dims: c.dims, values: 20, classes: 1, last: c.last, to: c.to}
			m := open(t, save(t, "m.onnx", net.bytes()), Options{Size: [3]int{4, 5, 1}, Classes: 2,
				Scale: c.scale})
			const n = 4
			x := testImages(n, m.Size)
			got, err := m.Logits(x, n)
			if err != nil || m.Classes != 2 {
				t.Fatal(m.Classes, err)
			}
			for i := range n {
				want := c.want(net.logits(x[i*20 : (i+1)*20])[0])
				near(t, got[2*i:2*i+2], []float32{float32(want[0]), float32(want[1])}, 1e-5)
			}
		})
	}
	softmax := net{dims: []int64{-1, 20}, values: 20, classes: 1, last: "Softmax"}
	needRuntime(t)
	_, err := Open(save(t, "m.onnx", softmax.bytes()), Options{Size: [3]int{4, 5, 1}})
	if err == nil || !strings.Contains(err.Error(), "always 1") {
		t.Error(err)
	}
}

func asLogit(z float64) [2]float64 { return [2]float64{0, z} }

func asSigmoid(z float64) [2]float64 { return [2]float64{0, 1 / (1 + math.Exp(-z))} }

func logarithms(z float64) [2]float64 {
	return [2]float64{-math.Log1p(math.Exp(z)), -math.Log1p(math.Exp(-z))}
}

// A batch of 1 in a Reshape leaves runs of one image.
func TestBatchOfOneInside(t *testing.T) {
	for name, net := range map[string]net{
		"reshape": {dims: []int64{-1, 4, 5}, reshape: []int64{1, 20}},
		"output":  {dims: []int64{-1, 4, 5}, to: []int64{1, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			net.values, net.classes = 20, 3
			path := save(t, "m.onnx", net.bytes())
			m := open(t, path, Options{Size: [3]int{4, 5, 1}})
			t.Log(m.note)
			if m.Batch != 1 || !strings.Contains(strings.Join(m.Describe(), "\n"),
				"one image at a time, since a batch of 25 fails: ") || strings.ContainsAny(m.note, "\n&") {
				t.Error(m.Batch, m.Describe())
			}
			x := testImages(5, m.Size)
			got, err := m.Logits(x, 5)
			if err != nil {
				t.Fatal(err)
			}
			same, err := open(t, path, Options{Size: [3]int{4, 5, 1}, OneByOne: true}).Logits(x, 5)
			if err != nil || !slices.Equal(got, same) {
				t.Error(err, got, same)
			}
			c, err := Load(path, Options{Size: [3]int{4, 5, 1}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if notes := c.Notes(); len(notes) != 1 || !strings.HasPrefix(notes[0],
				"m.onnx runs one image at a time") {
				t.Error(notes)
			}
		})
	}
}

// quantised scales its input by the largest value of the whole batch.
func quantised(in string) (nodes [][]byte, out string) {
	return [][]byte{
		operator("DynamicQuantizeLinear", names(in), names("q", "s", "z")),
		operator("DequantizeLinear", names("q", "s", "z"), names("d")),
	}, "d"
}

// A file that quantises dynamically is run image by image, or not at all.
func TestDynamicQuantisation(t *testing.T) {
	for _, batch := range []int64{-1, 3, 1} {
		net := net{dims: []int64{batch, 20}, values: 20, classes: 3, before: quantised}
		path := save(t, "m.onnx", net.bytes())
		o := Options{Size: [3]int{4, 5, 1}}
		if _, err := Open(path, o); batch != 1 && (err == nil || !strings.Contains(err.Error(),
			"DynamicQuantizeLinear") || !strings.Contains(err.Error(), "--one-by-one")) {
			t.Errorf("batch %d: %v", batch, err)
		}
		o.OneByOne = batch != 1
		m := open(t, path, o)
		x := testImages(6, m.Size)
		for i := range x {
			x[i] *= float32(1 + i/20)
		}
		all, err := m.Logits(x, 6)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			alone, err := m.Logits(x[i*20:(i+1)*20], 1)
			if err != nil || !slices.Equal(alone, all[i*3:(i+1)*3]) {
				t.Errorf("batch %d, image %d: %v, %v beside others and %v alone", batch, i, err,
					all[i*3:(i+1)*3], alone)
			}
		}
		if _, err := Load(path, Options{Size: o.Size, OneByOne: true, Lipschitz: 1}); err == nil ||
			!strings.Contains(err.Error(), "--lipschitz: DynamicQuantizeLinear rounds") {
			t.Error(err)
		}
	}
}

// Dropouts in training mode are served as random, and not otherwise.
func TestDropoutByChance(t *testing.T) {
	needRuntime(t)
	net := net{dims: []int64{-1, 20}, values: 20, classes: 3, before: func(in string) ([][]byte,
		string) {
		return [][]byte{
			rawWeights("mode", onnxfile.Bool, []byte{1}),
			operator("Dropout", names(in, "", "mode"), names("d")),
		}, "d"
	}}
	path, o := save(t, "m.onnx", net.bytes()), Options{Size: [3]int{4, 5, 1}}
	if _, err := Load(path, o); err == nil || !strings.Contains(err.Error(), "with --random") {
		t.Error(err)
	}
	o.Random = true
	c, err := Load(path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.model.Batch != 1 {
		t.Error("images may share draws: runs of ", c.model.Batch)
	}
	x := testImages(3, o.Size)
	once, err := c.model.Logits(x, 3)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.model.Logits(x, 3); err != nil || slices.Equal(once, again) || !c.ByChance() {
		t.Error(err, once, again)
	}
}

func TestBadInputs(t *testing.T) {
	needRuntime(t)
	gray, colour := [3]int{4, 5, 1}, [3]int{4, 5, 3}
	for name, c := range map[string]struct {
		net     net
		options Options
		want    string
	}{
		"other values": {net{dims: []int64{-1, 42}}, Options{Size: gray},
			"is 42 values an image, and images of 4×5×1 have 20: say the size"},
		"order": {net{dims: []int64{-1, 60}}, Options{Size: colour},
			"say with --layout whether"},
		"no size": {net{dims: []int64{-1, 20}}, Options{},
			"--size H,W, or the dataset with --data"},
		"free size": {net{dims: []int64{-1, 1, -1, -1}}, Options{},
			"--size H,W, or the dataset with --data"},
		"colour in rows": {net{dims: []int64{-1, 4, 5}}, Options{Size: colour},
			"has 3 axes: images need"},
		"no image": {net{dims: []int64{-1}}, Options{Size: gray}, "has 1 axes: images need"},
		"video": {net{dims: []int64{-1, 2, 3, 4, 5}}, Options{Size: colour},
			"has 5 axes: images need"},
		"gray for colour": {net{dims: []int64{-1, 3, 4, 5}}, Options{Size: gray},
			"--channels repeat gives it"},
		"repeated colour": {net{dims: []int64{-1, 3, 4, 5}}, Options{Size: colour, Channels: Repeat},
			"--channels repeat is for images of 1 channels, and these have 3"},
		"gray reversed": {net{dims: []int64{-1, 1, 4, 5}}, Options{Size: gray, Channels: BGR},
			"--channels bgr is for images of 3 channels, and these have 1"},
		"no channels": {net{dims: []int64{-1, 1, 4, 5}}, Options{Size: gray, Channels: "rbg"},
			`no channels "rbg"; known: rgb, bgr, repeat`},
		"either layout": {net{dims: []int64{-1, -1, -1, -1}}, Options{Size: gray},
			"say which with --layout"},
		"fixed size": {net{dims: []int64{-1, 1, 4, 5}}, Options{Size: gray, Input: []int{6}},
			"--size 6,6: the input"},
		"three sizes": {net{dims: []int64{-1, 1, -1, -1}}, Options{Size: gray, Input: []int{6, 6,
			6}}, "--size [6 6 6]: want a height and a width"},
		"no pixels": {net{dims: []int64{-1, 1, -1, -1}}, Options{Size: gray, Input: []int{0}},
			"--size [0]: want a height and a width"},
		"normalised uint8": {net{kind: onnxfile.Uint8, dims: []int64{-1, 1, 4, 5}}, Options{Size: gray,
			Mean: []float64{0.5}}, "--mean and --std: the input x, uint8 [?, 1, 4, 5] takes 0 to 255"},
		"uint8 Lipschitz": {net{kind: onnxfile.Uint8, dims: []int64{-1, 1, 4, 5}}, Options{Size: gray,
			Layout: NCHW, Lipschitz: 1}, "--lipschitz: its uint8 input rounds numbers"},
		"nothing by chance": {net{dims: []int64{-1, 1, 4, 5}}, Options{Size: gray, Random: true},
			"--random: no operator of it draws by chance"},
	} {
		t.Run(name, func(t *testing.T) {
			c.net.values, c.net.classes = 20, 2
			m, err := Load(save(t, "m.onnx", c.net.bytes()), c.options)
			if err == nil {
				m.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// What is asked for comes back from run.json.
func TestReading(t *testing.T) {
	o := Options{Mean: []float64{0.5}, Input: []int{6}, Channels: BGR, Layout: NHWC, OneByOne: true}
	r := o.Reading()
	if r.Size != "6,6" || r.Channels != "bgr" || !r.OneByOne {
		t.Errorf("%+v", r)
	}
	back, err := OptionsOf(countlog.Model{Reading: r}, "m.onnx", "")
	if err != nil || back.Reading() != r || !slices.Equal(back.Input, []int{6, 6}) {
		t.Errorf("%+v, %v", back, err)
	}
	if plain := (Options{Channels: RGB}).Reading(); plain != (Options{}).Reading() {
		t.Errorf("%+v", plain)
	}
	r.Size = "6,x"
	if _, err := OptionsOf(countlog.Model{Reading: r}, "m.onnx", ""); err == nil ||
		!strings.Contains(err.Error(), "model.reading.size") {
		t.Error(err)
	}
}
