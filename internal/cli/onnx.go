package cli

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/pflag"
)

// onnxFlags say what an ONNX file does not.
type onnxFlags struct {
	mean, std             []float64
	resize                int
	layout, output, scale string
}

// onnxNames are their names.
var onnxNames = []string{"mean", "std", "resize", "layout", "output", "scale"}

func (o *onnxFlags) bind(f *pflag.FlagSet) {
	f.Float64SliceVar(&o.mean, "mean", nil, "of an ONNX file: subtracted from images after the noise; one for all channels, or one a channel")
	f.Float64SliceVar(&o.std, "std", nil, "of an ONNX file: divided by after --mean; one for all channels, or one a channel")
	f.IntVar(&o.resize, "resize", 0, "of an ONNX file: resize the short side to so many pixels and take the middle that the model wants; default: resize to what it wants")
	f.StringVar(&o.layout, "layout", "", fmt.Sprintf("of an ONNX file: %s or %s, where its input may be both", onnx.NCHW, onnx.NHWC))
	f.StringVar(&o.output, "output", "", "of an ONNX file: the output to take, where there are several")
	f.StringVar(&o.scale, "scale", "", fmt.Sprintf("of an ONNX file: its output is %s or %s; default: %[2]s where it ends in Softmax", onnx.Logits, onnx.Probabilities))
}

// options are for the images of d, or for the model's own where d is nil.
func (o *onnxFlags) options(d *data.Dataset) onnx.Options {
	p := onnx.Options{
		Mean: float32s(o.mean), Std: float32s(o.std), Resize: o.resize,
		Layout: onnx.Layout(o.layout), Output: o.output, Scale: onnx.Scale(o.scale),
	}
	if d != nil {
		p.Size, p.Classes = [3]int{d.Height, d.Width, d.Channels}, d.Classes()
	}
	return p
}

func float32s(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}
