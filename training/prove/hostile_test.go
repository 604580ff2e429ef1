package prove

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// Bytes that are no model, or a hostile one, give an error or a proof, and never crash.
func FuzzFile(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.onnx"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 16<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnxfile.Parse(b, "fuzz.onnx")
		if err != nil {
			return
		}
		if p, err := Model(m, Options{Work: 1e7}); err == nil && !p.Lambda.Proved() {
			t.Error("a proof without a bound")
		}
	})
}

// What isn't known stops the proof, and the error names the operation.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		want string
		add  func(b *builder, x string) string
	}{
		{`Softmax "v1": nothing is proved`, func(b *builder, x string) string {
			return b.op(b.shape[x], "Softmax", nil, x)
		}},
		{`LessOrEqual "v1": nothing is proved`, func(b *builder, x string) string {
			return b.op(b.shape[x], "LessOrEqual", nil, x, x)
		}},
		{"acts along the axis of the images", func(b *builder, x string) string {
			return b.op(b.shape[x], "Concat", attributes{"axis": 0}, x, x)
		}},
		{"moves the images' axis", func(b *builder, x string) string {
			return b.op(b.shape[x], "Transpose", attributes{"perm": []int{1, 0, 2, 3}}, x)
		}},
		{"has no Lipschitz constant", func(b *builder, x string) string {
			return b.op(b.shape[x], "Mul", nil, x, x)
		}},
		{"in training mode", func(b *builder, x string) string {
			one := b.floats(1, 2)
			return b.op(b.shape[x], "BatchNormalization", attributes{"training_mode": 1}, x, one,
				one, one, one)
		}},
		{"depends on the size of the batch", func(b *builder, x string) string {
			n := b.op(nil, "Shape", attributes{"end": 1}, x)
			n = b.op(nil, "Cast", attributes{"to": 1}, n)
			return b.op(b.shape[x], "Mul", nil, x, n)
		}},
	} {
		b, x := newBuilder(1, 2, 2, 4)
		b.head(c.add(b, x))
		_, err := Model(b.m, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.want, err)
		}
	}
}

// Every single operation has a bound near the largest singular value of its Jacobian.
func TestTight(t *testing.T) {
	for name, add := range map[string]func(b *builder, x string) string{
		"conv":           func(b *builder, x string) string { return b.conv(x) },
		"conv transpose": func(b *builder, x string) string { return b.convTranspose(x) },
		"sort":           func(b *builder, x string) string { return b.sort(x) },
		"move":           func(b *builder, x string) string { return b.move(x) },
		"normalisation": func(b *builder, x string) string {
			x = b.op(b.shape[x], "Sub", nil, x, b.floats(1, 1, 2, 1, 1))
			x = b.op(b.shape[x], "Div", nil, x, b.floats(1, 1, 2, 1, 1))
			return b.conv(x)
		},
		"linear residual": func(b *builder, x string) string {
			y := b.op(b.shape[x], "Conv", attributes{"pads": []int{1, 1, 1, 1}}, x,
				b.floats(0.4, 2, 2, 3, 3))
			return b.op(b.shape[x], "Add", nil, x, y)
		},
		"conv and batch norm": func(b *builder, x string) string {
			x = b.conv(x)
			c := b.shape[x][1]
			one := make([]float64, c)
			for i := range one {
				one[i] = 1 + 0.3*float64(i)
			}
			return b.op(b.shape[x], "BatchNormalization", nil, x, b.floats(1, c), b.floats(1, c),
				b.floats(1, c), b.weight(onnxfile.Doubles(one, c)))
		},
		"average and dense": func(b *builder, x string) string {
			return b.op([]int{1, 2, 1, 1}, "GlobalAveragePool", nil, x)
		},
	} {
		for seed := range uint64(20) {
			b, x := newBuilder(seed, 2, 4, 4)
			b.head(add(b, x))
			last := &b.m.Nodes[len(b.m.Nodes)-1]
			if last.Op != "Gemm" || strings.Contains(name, "sort") && len(b.m.Nodes) < 5 {
				continue
			}
			if isLinear(b.m) {
				if tight := check(t, b.m, seed, 1); tight < 1/1.02 {
					t.Errorf("%s, seed %d: slope over bound is %g", name, seed, tight)
				}
			}
		}
	}
}

// isLinear says whether a model has no activation.
func isLinear(m *onnxfile.Model) bool {
	g, _, _, err := read(m, "")
	if err != nil {
		return false
	}
	for _, v := range g.values {
		if v.act != nil {
			return false
		}
	}
	return true
}
