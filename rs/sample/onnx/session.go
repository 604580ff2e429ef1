//go:build cgo

package onnx

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"unsafe"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
	ort "github.com/yalue/onnxruntime_go"
)

var starting sync.Mutex

// start loads the library, once a process, and returns its version.
func start() (version string, err error) {
	starting.Lock()
	defer starting.Unlock()
	if !ort.IsInitialized() {
		path, err := Library()
		if err != nil {
			return "", err
		}
		ort.SetSharedLibraryPath(path)
		if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
			return "", fmt.Errorf("ONNX Runtime: %w", err)
		}
	}
	return ort.GetVersion(), nil
}

// session runs a model. Its runs may overlap.
type session struct {
	s   *ort.DynamicAdvancedSession
	in  []onnxfile.Kind
	out onnxfile.Kind
}

// newSession loads a model whose external files lie in folder. A run has one thread, since runs go
// side by side: then no threads spin while noise is made.
func newSession(model []byte, folder string, inputs []value, output value) (*session, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer o.Destroy()
	if err := o.SetIntraOpNumThreads(1); err != nil {
		return nil, err
	}
	const external = "session.model_external_initializers_file_folder_path"
	if err := o.AddSessionConfigEntry(external, folder); err != nil {
		return nil, err
	}
	s := &session{out: output.kind}
	var names []string
	for _, v := range inputs {
		names, s.in = append(names, v.name), append(s.in, v.kind)
	}
	outputs := []string{output.name}
	if s.s, err = ort.NewDynamicAdvancedSessionWithONNXData(model, names, outputs, o); err != nil {
		return nil, err
	}
	return s, nil
}

// run takes what each input is fed and returns float32. into is the output's shape, or nil where
// the shape isn't known, which it has to be for float16.
func (s *session) run(into []int64, inputs ...feed) (values []float32, got []int64, err error) {
	var pins runtime.Pinner // ONNX Runtime keeps pointers from one call to the next
	defer pins.Unpin()
	in := make([]ort.Value, len(inputs))
	for i, f := range inputs {
		if in[i], err = tensor(s.in[i], f, &pins); err != nil {
			return nil, nil, err
		}
		defer in[i].Destroy()
	}
	outputs := []ort.Value{nil}
	if into != nil {
		values = make([]float32, ort.Shape(into).FlattenedSize())
		if outputs[0], err = tensor(s.out, feed{values, into}, &pins); err != nil {
			return nil, nil, err
		}
	}
	if err = s.s.Run(in, outputs); err != nil {
		err = explain(err, ort.GetVersion())
	}
	if outputs[0] == nil {
		return nil, nil, err
	}
	defer outputs[0].Destroy()
	if err != nil {
		return nil, nil, err
	}
	switch out := outputs[0].(type) {
	case *ort.Tensor[float32]:
		values = out.GetData()
	case *ort.Tensor[float64]:
		wide := out.GetData()
		values = make([]float32, len(wide))
		for i, v := range wide {
			values[i] = float32(v)
		}
	case *ort.CustomDataTensor:
		for i, h := range halves(out.GetData()) {
			values[i] = fromFloat16(h)
		}
	default:
		return nil, nil, fmt.Errorf("the output is %T", out)
	}
	return values, outputs[0].GetShape(), nil
}

// tensor wraps values, or a copy of them in another type. uint8 has 0 to 255 for [0, 1].
func tensor(k onnxfile.Kind, f feed, pins *runtime.Pinner) (ort.Value, error) {
	switch k {
	case onnxfile.Float16:
		b := make([]byte, 2*len(f.values))
		for i, h := 0, halves(b); i < len(f.values); i++ {
			h[i] = toFloat16(f.values[i])
		}
		pins.Pin(&b[0])
		return ort.NewCustomDataTensor(f.shape, b, ort.TensorElementDataTypeFloat16)
	case onnxfile.Uint8:
		b := make([]uint8, len(f.values))
		for i, x := range f.values {
			if x != x {
				return nil, fmt.Errorf("an image holds %v", x)
			}
			b[i] = uint8(min(max(math.RoundToEven(255*float64(x)), 0), 255))
		}
		pins.Pin(&b[0])
		return ort.NewTensor(ort.Shape(f.shape), b)
	case onnxfile.Float64:
		return numbers[float64](f, pins)
	case onnxfile.Int64:
		return numbers[int64](f, pins)
	case onnxfile.Int32:
		return numbers[int32](f, pins)
	}
	return numbers[float32](f, pins)
}

// numbers are values as they are, or a copy in another type; without a shape, one number.
func numbers[T float32 | float64 | int32 | int64](f feed, pins *runtime.Pinner) (ort.Value, error) {
	w, same := any(f.values).([]T)
	if !same {
		w = make([]T, len(f.values))
		for i, v := range f.values {
			w[i] = T(v)
		}
	}
	if f.shape == nil {
		return ort.NewScalar(w[0])
	}
	pins.Pin(&w[0])
	return ort.NewTensor(ort.Shape(f.shape), w)
}

// halves sees bytes as numbers of 16 bits, in the machine's order.
func halves(b []byte) []uint16 { return unsafe.Slice((*uint16)(unsafe.Pointer(&b[0])), len(b)/2) }

func (s *session) close() error { return s.s.Destroy() }
