//go:build cgo

package onnx

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unsafe"

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
	s       *ort.DynamicAdvancedSession
	in, out kind
}

// newSession loads a model whose external files lie in folder. A run is of one thread, since runs go side by side: then
// no threads spin while noise is made.
func newSession(model []byte, folder string, input, output value) (*session, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer o.Destroy()
	if err := o.SetIntraOpNumThreads(1); err != nil {
		return nil, err
	}
	if err := o.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", folder); err != nil {
		return nil, err
	}
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(model, []string{input.name}, []string{output.name}, o)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "Error creating C session: "))
	}
	return &session{s, input.kind, output.kind}, nil
}

// run takes and returns float32; into is the output's shape, or nil where it isn't known, which float16 cannot be.
func (s *session) run(images []float32, shape, into []int64) (logits []float32, got []int64, err error) {
	var pins runtime.Pinner // ONNX Runtime keeps pointers from one call to the next
	defer pins.Unpin()
	in, err := tensor(s.in, images, shape, &pins)
	if err != nil {
		return nil, nil, err
	}
	defer in.Destroy()
	outputs := []ort.Value{nil}
	if into != nil {
		logits = make([]float32, ort.Shape(into).FlattenedSize())
		if outputs[0], err = tensor(s.out, logits, into, &pins); err != nil {
			return nil, nil, err
		}
	}
	if err = s.s.Run([]ort.Value{in}, outputs); err != nil {
		err = errors.New(strings.TrimPrefix(err.Error(), "Error running network: "))
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
		logits = out.GetData()
	case *ort.CustomDataTensor:
		for i, h := range halves(out.GetData()) {
			logits[i] = fromFloat16(h)
		}
	default:
		return nil, nil, fmt.Errorf("the output is %T", out)
	}
	return logits, outputs[0].GetShape(), nil
}

// tensor wraps values, or a copy of them in float16.
func tensor(k kind, values []float32, shape []int64, pins *runtime.Pinner) (ort.Value, error) {
	if k == float16Kind {
		b := make([]byte, 2*len(values))
		for i, h := 0, halves(b); i < len(values); i++ {
			h[i] = toFloat16(values[i])
		}
		pins.Pin(&b[0])
		return ort.NewCustomDataTensor(shape, b, ort.TensorElementDataTypeFloat16)
	}
	pins.Pin(&values[0])
	return ort.NewTensor(shape, values)
}

// halves sees bytes as numbers of 16 bits, in the machine's order.
func halves(b []byte) []uint16 { return unsafe.Slice((*uint16)(unsafe.Pointer(&b[0])), len(b)/2) }

func (s *session) close() error { return s.s.Destroy() }
