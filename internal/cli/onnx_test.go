package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
)

const onnxFiles = "../../rs/sample/onnx/testdata/"

func TestInfoOfONNX(t *testing.T) {
	needONNX(t)
	for _, c := range []struct{ args, want string }{
		{"vit.onnx", "NCHW"},
		{"vit.onnx --mean 0.5 --std 0.25,0.2,0.1", "less mean [0.5 0.5 0.5], by std [0.25 0.2 0.1]"},
		{"vit.onnx --layout NCHW", "NCHW"},
		{"softmax.onnx --output probabilities", "logarithms"},
		{"softmax.onnx --output probabilities --scale logits", "logits (Softmax)"},
		{"nhwc.onnx --size 28", "28×28×1 in [0, 1]"},
		{"nhwc.onnx --size 28,20 --one-by-one", "free; 1 a run"},
		{"vit.onnx --channels repeat", "16×16×1 in [0, 1], noise added, the one channel three times"},
		{"vit.onnx --channels bgr", "blue first"},
	} {
		if out := must(t, append([]string{"info"},
			strings.Fields(onnxFiles+c.args)...)...); !strings.Contains(out, c.want) {
			t.Errorf("%s: no %q in\n%s", c.args, c.want, out)
		}
	}
}

func TestBadONNX(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // with nothing installed
	t.Setenv(onnx.LibraryPath, filepath.Join(t.TempDir(), "absent.so"))
	pth := filepath.Join(t.TempDir(), "m.pth")
	if err := os.WriteFile(pth, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"info absent.onnx", "absent.onnx: no such file"},
		{"info " + onnxFiles + "bad-nan.onnx", "hold NaN"},
		{"info " + onnxFiles + "vit.onnx --layout NHWC", "NHWC"},
		{"info " + onnxFiles + "vit.onnx --mean x", "--mean x: not numbers"},
		{"info --mean 0.5", "give the file"},
		{"info --one-by-one", "give the file"},
		{"info " + pth, "m.pth: a checkpoint of PyTorch"},
		{"export " + pth + " --onnx m.onnx", "m.pth: a checkpoint of PyTorch"},
		{"sample " + pth + " --mean 0.5", "m.pth: a checkpoint of PyTorch"},
		{"info a.onnx --crop 8", "give it with --data"},
		{"info a.onnx b.onnx", "2"},
		{"setup --onnx --cuda", "cuda onnx"},
	} {
		r := lipsmooth(strings.Fields(c.args)...)
		if r.status != 1 || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: status %d, %q, want one line with %q", c.args, r.status, r.err, c.want)
		}
	}
}
