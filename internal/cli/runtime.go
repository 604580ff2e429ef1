package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx/xla"
	"github.com/spf13/pflag"
)

// What runs the graph of an ONNX file.
const (
	byONNXRuntime = "onnxruntime"
	byXLA         = "xla"
	byFastest     = "fastest"
)

func bindRuntime(f *pflag.FlagSet, by *string) {
	f.StringVar(by, "runtime", "", fmt.Sprintf("of an ONNX file: %s; %s, on CUDA where it is set up; "+
		"or %s, which measures both, so that two runs of one seed may differ; default: that of the "+
		"run in OUT, or else %[1]s", byONNXRuntime, byXLA, byFastest))
}

// checkRuntime is an error of a runtime that isn't known.
func checkRuntime(by string) error {
	switch by {
	case "", byONNXRuntime, byXLA, byFastest:
		return nil
	}
	return fmt.Errorf("--runtime %s: must be %s, %s or %s", by, byONNXRuntime, byXLA, byFastest)
}

// network is the classifier of an ONNX file on the backend.
func (o *opened) network(ctx context.Context, file *onnx.Classifier) (*xla.Network, error) {
	if err := o.open(ctx); err != nil {
		return nil, err
	}
	return xla.New(o.backend, file)
}

// begunBy is the runtime that a run's backend says of an ONNX file.
func begunBy(run countlog.Run, file *onnx.Classifier) string {
	if name, _ := file.Runtime(); run.Backend == name {
		return byONNXRuntime
	}
	return byXLA
}

// onRuntime gives an ONNX file of a drawer the runtime that is asked for, or that began the run.
func (s *sampling) onRuntime(ctx context.Context, d *sample.Drawer, log io.Writer) error {
	file, ok := d.Classifier.(*onnx.Classifier)
	if !ok {
		return nil
	}
	by := s.which.runtime
	if there, err := countlog.ReadBegun(s.out); err == nil && (by == "" || by == byFastest) {
		by = begunBy(there, file)
	}
	if p := s.which.precision; p != countlog.Float32 && by != byXLA {
		return fmt.Errorf("--precision %s: XLA has it alone: --runtime %s", p, byXLA)
	}
	if by != byXLA && by != byFastest {
		return nil
	}
	o := &opened{log: log, precision: s.which.precision}
	n, err := o.network(ctx, file)
	if err != nil {
		if by == byFastest && ctx.Err() == nil {
			fmt.Fprintf(log, "note: ONNX Runtime runs it: %v\n", err)
			return nil
		}
		return err
	}
	other := &sample.Drawer{Classifier: n, Images: d.Images, Open: o.get}
	if by == byFastest {
		best, each, err := sample.Fastest(ctx, s.plan, d, other)
		if err != nil {
			return s.hint(d, err)
		}
		for i, by := range []string{byONNXRuntime, byXLA} {
			fmt.Fprintf(log, "note: %s: %.1f s to start, then %.0f draws/s\n", by, each[i].Start,
				each[i].Rate)
		}
		if best == 0 {
			other.Close()
			return nil
		}
	}
	d.Close()
	file.Close()
	*d = *other
	return nil
}
