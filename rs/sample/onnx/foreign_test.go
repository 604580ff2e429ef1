package onnx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A model that another library saved is named, with how to export it.
func TestForeign(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		"m.pth": "PyTorch, not an ONNX file: to get one, ", "m.PT": "torch.onnx.export(model.eval()",
		"m.h5": "Keras", "m.keras": `model.export("m.onnx", format="onnx")`, "m.tflite": "--tflite FILE",
		"m.pb": "--graphdef FILE", "m.safetensors": "without their network", "m.pkl": "skl2onnx",
		"m.mlmodel": "Core ML", "m.caffemodel": "Caffe", "saved/saved_model.pb": "--saved-model FOLDER",
		"m.onnx": "", "m": "", "folder.pt/model.json": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if folder := filepath.Dir(path); folder != dir {
			path = folder
		}
		err := Foreign(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(),
			want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if _, open := Open(path, Options{}); want != "" && (open == nil ||
			!strings.HasSuffix(open.Error(), err.Error())) {
			t.Errorf("%s: %v", name, open)
		}
	}
	if err := Foreign(filepath.Join(dir, "absent.pth")); err != nil {
		t.Error(err)
	}
	pointer := save(t, "m.onnx",
		[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"))
	if _, err := Open(pointer, Options{}); err == nil || !strings.Contains(err.Error(),
		"git lfs pull") {
		t.Error(err)
	}
}
