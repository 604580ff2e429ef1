package onnx

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// How other formats become ONNX files.
const (
	byTorch = "load it in Python, and call torch.onnx.export(model.eval(), (images,), \"m.onnx\")"
	byKeras = "load it in Python, and call model.export(\"m.onnx\", format=\"onnx\"), or use tf2onnx"
	byTF    = "python -m tf2onnx.convert --saved-model FOLDER --output m.onnx"
)

// foreign says what a file or folder with an extension is, and how to export it.
var foreign = map[string][2]string{
	".pth":         {"a checkpoint of PyTorch", byTorch},
	".pt":          {"a checkpoint of PyTorch", byTorch},
	".ckpt":        {"a checkpoint of PyTorch Lightning or TensorFlow", byTorch},
	".pt2":         {"an exported program of PyTorch", byTorch},
	".safetensors": {"a file of weights without their network", byTorch},
	".bin":         {"a file of weights without their network", byTorch},
	".h5":          {"a model of Keras (HDF5)", byKeras},
	".hdf5":        {"a model of Keras (HDF5)", byKeras},
	".keras":       {"a model of Keras", byKeras},
	".tflite": {"a model of TensorFlow Lite",
		"python -m tf2onnx.convert --tflite FILE --output m.onnx"},
	".pb": {"a graph of TensorFlow", byTF + " for the folder of a saved_model.pb, or " +
		"--graphdef FILE --inputs NAME:0 --outputs NAME:0 for a frozen graph"},
	".pkl":        {"a pickle of Python", byTorch + "; of scikit-learn, use skl2onnx.to_onnx"},
	".pickle":     {"a pickle of Python", byTorch + "; of scikit-learn, use skl2onnx.to_onnx"},
	".joblib":     {"a model of scikit-learn", "load it in Python, and use skl2onnx.to_onnx"},
	".mlmodel":    {"a model of Core ML", "export the model that it was made from"},
	".mlpackage":  {"a model of Core ML", "export the model that it was made from"},
	".caffemodel": {"a model of Caffe", "convert it with caffe2onnx; give it --channels bgr then"},
	".pdmodel":    {"a model of PaddlePaddle", "convert it with paddle2onnx"},
	".ort": {"a model in ONNX Runtime's own format",
		"give the ONNX file that it was made from"},
	".engine":    {"a plan of TensorRT", "give the ONNX file that it was made from"},
	".msgpack":   {"parameters of Flax", "export the model with jax2onnx, or jax2tf and tf2onnx"},
	".npz":       {"a file of arrays without their network", "export the model that they belong to"},
	"SavedModel": {"a SavedModel of TensorFlow", byTF},
}

// Foreign says of a model that another library saved what it is and how to export it. It is nil for
// a path where nothing is, and for files and folders that it doesn't know.
func Foreign(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	kind := strings.ToLower(filepath.Ext(path))
	if info.IsDir() && kind != ".mlpackage" {
		kind = ""
		for _, name := range []string{"saved_model.pb", "saved_model.pbtxt"} {
			if _, err := os.Stat(filepath.Join(path, name)); err == nil {
				kind = "SavedModel"
			}
		}
	}
	if f, ok := foreign[kind]; ok {
		return fmt.Errorf("%s, not an ONNX file: to get one, %s", f[0], f[1])
	}
	return nil
}
