package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/export"
)

func TestExport(t *testing.T) {
	folder := filepath.Join(smoke(t), "model")
	needONNX(t)
	noDevice(t) // none is needed
	info, err := training.ReadInfo(folder)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "deep", "m.onnx")
	out := must(t, "export", folder, "--onnx", path)
	for _, want := range []string{path + ": ", "operators of version 19", info.Hash[:12],
		"proved, of real arithmetic", "its logits in ONNX Runtime ", "on 100 random images"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	text := read(t, path)
	for _, want := range []string{"lipsmooth", info.Hash, "lipschitz", "real arithmetic", "dataset",
		info.Dataset, info.DataHash, "training_sigma"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the file", want)
		}
	}
	if again := must(t, "export", folder, "--onnx", path); again != out || read(t, path) != text {
		t.Error("again, it says or writes something else")
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("beside the file: %v, %v", left, err)
	}
	out = must(t, "info", path, "--data", tiny())
	for _, want := range []string{"by lipsmooth", "logits, float32 [N, ", "batch      free",
		fmt.Sprintf("sample --lipschitz %v ", info.Lambda.Value())} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}

	// A file of other weights isn't the model's.
	other, err := training.Load(otherModel(t))
	if err != nil {
		t.Fatal(err)
	}
	if said, err := export.Compare(path, other); err == nil ||
		!strings.Contains(err.Error(), "are not the model's") {
		t.Errorf("%q, %v", said, err)
	}

	t.Run("sampled", func(t *testing.T) {
		run := filepath.Join(t.TempDir(), "run")
		must(t, sampleFile(path, run)...)
		must(t, "certify", run)
	})
	t.Run("no runtime", func(t *testing.T) {
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		t.Setenv(onnx.LibraryPath, "")
		path := filepath.Join(t.TempDir(), "m.onnx")
		if out := must(t, "export", folder, "--onnx", path); !strings.Contains(out,
			"not compared with the model: no ONNX Runtime: run `lipsmooth setup --onnx`") ||
			read(t, path) != text {
			t.Error(out)
		}
	})
}

func TestBadExport(t *testing.T) {
	folder := filepath.Join(smoke(t), "model")
	noDevice(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	if err := os.WriteFile(path, []byte("as it was"), 0o666); err != nil {
		t.Fatal(err)
	}
	damaged := copied(t, folder)
	edit(t, func(s string) string { return strings.Replace(s, `"hash": "`, `"hash": "0`, 1) },
		damaged, "model.json")
	taken := filepath.Join(dir, "taken.onnx")
	if err := os.Mkdir(taken, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--onnx", path}, "export takes one model's folder"},
		{[]string{folder, folder, "--onnx", path}, "export takes one model's folder, and was " +
			"given 2"},
		{[]string{folder}, "--onnx f.onnx"},
		{[]string{folder, "--onnx", filepath.Join(folder, "model.json")}, "ends in .onnx"},
		{[]string{folder, "--onnx", taken}, "taken.onnx: not a regular file"},
		{[]string{folder, "--onnx", filepath.Join(path, "m.onnx")}, "m.onnx"},
		{[]string{folder, "--onnx", path, "--opset", "17"}, "unknown flag: --opset"},
		{[]string{filepath.Join(dir, "absent"), "--onnx", path}, "no model here"},
		{[]string{dir, "--onnx", path}, "no model here"},
		{[]string{damaged, "--onnx", path}, "they don't belong together"},
		{[]string{path, "--onnx", path}, "export takes the folder of a model that lipsmooth trained"},
	} {
		refused(t, lipsmooth(append([]string{"export"}, c.args...)...), c.want)
	}
	if text := read(t, path); text != "as it was" {
		t.Errorf("the file that was there is %q", text)
	}
}
