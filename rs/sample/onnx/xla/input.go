package xla

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
)

// steps are those of a recipe.
type steps onnx.Recipe

// input takes images, [batch, h, w, c], to the input of the graph.
func (r steps) input(x *Node) *Node {
	g := x.Graph()
	if r.Rows != nil {
		x = Einsum("bhwc,Hh->bHwc", x, Const(g, r.Rows))
		x = Einsum("bhwc,Ww->bhWc", x, Const(g, r.Columns))
	}
	given := x.Shape().Dimensions[3]
	var channels []*Node
	same := len(r.Channels) == given
	for i, c := range r.Channels {
		same = same && i == c
		channels = append(channels, Slice(x, AxisRange(), AxisRange(), AxisRange(), AxisElem(c)))
	}
	if !same {
		x = Concatenate(channels, 3)
	}
	if r.Mean != nil {
		by := func(v []float32) *Node { return Reshape(Const(g, v), 1, 1, 1, len(v)) }
		x = Div(Sub(x, by(r.Mean)), by(r.Std))
	}
	if r.Layout == onnx.NCHW {
		x = TransposeAllAxes(x, 0, 3, 1, 2)
	}
	x = Reshape(x, append([]int{x.Shape().Dimensions[0]}, r.Shape...)...)
	switch r.Type {
	case "uint8": // the product in float64 is exact, and so is the rounding
		x = Round(MulScalar(ConvertDType(x, dtypes.Float64), 255))
		return ConvertDType(ClipScalar(x, 0, 255), dtypes.Uint8)
	case "float16":
		return ConvertDType(x, dtypes.Float16)
	case "float64":
		return ConvertDType(x, dtypes.Float64)
	}
	return x
}
