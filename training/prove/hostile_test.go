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
