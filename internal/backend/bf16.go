package backend

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// BF16 returns a backend that multiplies in bfloat16: it rounds the float32 inputs of every matrix
// product and convolution to bfloat16, and the results of convolutions too. Sums are float32, as
// far as the backend has them. All other operations are those of b.
func BF16(b compute.Backend) compute.Backend { return &bf16{b} }

// bf16 wraps a backend, and all that it makes.
type bf16 struct{ compute.Backend }

func (b *bf16) Builder(name string) compute.Builder {
	return bf16Builder{b.Backend.Builder(name), b}
}

func (b *bf16) wrap(buffer compute.Buffer) compute.Buffer { return bf16Buffer{buffer, b} }

func (b *bf16) BufferFromFlatData(on compute.DeviceNum, flat any, s shapes.Shape) (compute.Buffer,
	error) {
	buffer, err := b.Backend.BufferFromFlatData(on, flat, s)
	if err != nil {
		return nil, err
	}
	return b.wrap(buffer), nil
}

func (b *bf16) NewSharedBuffer(on compute.DeviceNum, s shapes.Shape) (compute.Buffer, any, error) {
	buffer, flat, err := b.Backend.NewSharedBuffer(on, s)
	if err != nil {
		return nil, nil, err
	}
	return b.wrap(buffer), flat, nil
}

// Capabilities are without fused operations, whose products would be float32.
func (b *bf16) Capabilities() compute.Capabilities {
	c := b.Backend.Capabilities().Clone()
	for op := range c.Operations {
		if op > compute.OpTypeBlockForDotGeneral && op < compute.OpTypeLast {
			delete(c.Operations, op)
		}
	}
	return c
}

// bf16Buffer is a buffer of the wrapped backend: GoMLX compares backends.
type bf16Buffer struct {
	compute.Buffer
	backend *bf16
}

func (b bf16Buffer) Backend() compute.Backend { return b.backend }

func (b bf16Buffer) CopyToDevice(on compute.DeviceNum) (compute.Buffer, error) {
	buffer, err := b.Buffer.CopyToDevice(on)
	if err != nil {
		return nil, err
	}
	return b.backend.wrap(buffer), nil
}

type bf16Builder struct {
	compute.Builder
	backend *bf16
}

func (b bf16Builder) Main() compute.Function { return bf16Function{b.Builder.Main()} }

func (b bf16Builder) NewFunction(name string) (compute.Function, error) {
	f, err := b.Builder.NewFunction(name)
	return bf16Function{f}, err
}

func (b bf16Builder) Compile() (compute.Executable, error) {
	e, err := b.Builder.Compile()
	return bf16Executable{e, b.backend}, err
}

type bf16Executable struct {
	compute.Executable
	backend *bf16
}

func (e bf16Executable) Execute(inputs []compute.Buffer, donate []bool, on compute.DeviceNum) (
	[]compute.Buffer, error) {
	plain := make([]compute.Buffer, len(inputs))
	for i, in := range inputs {
		plain[i] = in.(bf16Buffer).Buffer
	}
	out, err := e.Executable.Execute(plain, donate, on)
	for i := range out {
		out[i] = e.backend.wrap(out[i])
	}
	return out, err
}

type bf16Function struct{ compute.Function }

func (f bf16Function) Closure() (compute.Function, error) {
	c, err := f.Function.Closure()
	return bf16Function{c}, err
}

func (f bf16Function) Call(g compute.Function, inputs ...compute.Value) ([]compute.Value, error) {
	return f.Function.Call(g.(bf16Function).Function, inputs...)
}

func (f bf16Function) Sort(less compute.Function, axis int, stable bool, inputs ...compute.Value) (
	[]compute.Value, error) {
	return f.Function.Sort(less.(bf16Function).Function, axis, stable, inputs...)
}

func (f bf16Function) While(cond, body compute.Function, state ...compute.Value) ([]compute.Value,
	error) {
	return f.Function.While(cond.(bf16Function).Function, body.(bf16Function).Function, state...)
}

func (f bf16Function) If(p compute.Value, yes, no compute.Function) ([]compute.Value, error) {
	return f.Function.If(p, yes.(bf16Function).Function, no.(bf16Function).Function)
}

// rounded are float32 values in bfloat16. Others are as they are, and known is false.
func (f bf16Function) rounded(x, y compute.Value) (a, b compute.Value, known bool, err error) {
	for _, v := range []*compute.Value{&x, &y} {
		s, err := f.Shape(*v)
		if err != nil || s.DType != dtypes.Float32 {
			return x, y, false, err
		}
	}
	for _, v := range []*compute.Value{&x, &y} {
		if *v, err = f.ConvertDType(*v, dtypes.BFloat16); err != nil {
			return nil, nil, false, err
		}
	}
	return x, y, true, nil
}

func (f bf16Function) DotGeneral(x compute.Value, xContracting, xBatch []int, y compute.Value,
	yContracting, yBatch []int, c compute.DotGeneralConfig) (compute.Value, error) {
	x, y, rounded, err := f.rounded(x, y)
	if err != nil {
		return nil, err
	}
	if rounded {
		c.OutputDType = dtypes.Float32
	}
	return f.Function.DotGeneral(x, xContracting, xBatch, y, yContracting, yBatch, c)
}

func (f bf16Function) ConvGeneral(x, kernel compute.Value, axes compute.ConvolveAxesConfig,
	strides []int, paddings [][2]int, dilations, kernelDilations []int, channelGroups,
	batchGroups int) (compute.Value, error) {
	x, kernel, rounded, err := f.rounded(x, kernel)
	if err != nil {
		return nil, err
	}
	z, err := f.Function.ConvGeneral(x, kernel, axes, strides, paddings, dilations, kernelDilations,
		channelGroups, batchGroups)
	if err != nil || !rounded {
		return z, err
	}
	return f.ConvertDType(z, dtypes.Float32)
}
