package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx/xla"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/export"
	"github.com/spf13/pflag"
)

// What computes a classifier.
const (
	byONNXRuntime = "onnxruntime"
	byXLA         = "xla"
	byFastest     = "fastest"
)

// measuredFrom is from how many seconds on the runtime of a run of an ONNX file is worth a
// measurement.
const measuredFrom = 60

func bindRuntime(f *pflag.FlagSet, by *string) {
	f.StringVar(by, "runtime", "", fmt.Sprintf("%s; %s, on CUDA where it is set up; or %s, which "+
		"measures both, so that two runs of one seed may differ; default: that of the run in OUT; or "+
		"else %[2]s of a model's folder, and of an ONNX file %[3]s where %[1]s takes over %[4]d s "+
		"and there are no shards", byONNXRuntime, byXLA, byFastest,
		measuredFrom))
}

// checkRuntime is an error of a runtime that isn't known.
func checkRuntime(by string) error {
	switch by {
	case "", byONNXRuntime, byXLA, byFastest:
		return nil
	}
	return fmt.Errorf("--runtime %s: must be %s, %s or %s", by, byONNXRuntime, byXLA, byFastest)
}

// begunBy is the runtime of a run's backend.
func begunBy(run countlog.Run) string {
	if run.Backend == onnx.Backend {
		return byONNXRuntime
	}
	return byXLA
}

// runtimeOf is the runtime that computes a classifier.
func runtimeOf(c sample.Classifier) string {
	if _, ok := c.(sample.Host); ok {
		return byONNXRuntime
	}
	return byXLA
}

// network is the classifier of an ONNX file on the backend.
func (o *opened) network(ctx context.Context, file *onnx.Classifier) (*xla.Network, error) {
	if err := o.open(ctx); err != nil {
		return nil, err
	}
	return xla.New(o.backend, file)
}

// other is a classifier on the runtime that isn't the usual one, and what frees it.
func (o *opened) other(ctx context.Context, c sample.Classifier) (
	sample.Classifier, func(), error) {

	switch c := c.(type) {
	case *onnx.Classifier:
		n, err := o.network(ctx, c)
		return n, func() {}, err
	case *training.Model:
		r, err := export.Open(c)
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	}
	return nil, nil, fmt.Errorf("a classifier of type %T has one runtime", c)
}

// onRuntime gives a drawer the runtime that is asked for, or that began the run, and returns what
// frees it.
func (s *sampling) onRuntime(ctx context.Context, d *sample.Drawer, log io.Writer) (func(), error) {
	by, first := s.which.runtime, runtimeOf(d.Classifier)
	if there, err := countlog.ReadBegun(s.out); err == nil && (by == "" || by == byFastest) {
		by = begunBy(there)
	}
	nothing := func() {}
	if p := s.which.precision; p != countlog.Float32 && cmp.Or(by, first) != byXLA {
		return nothing, fmt.Errorf("--precision %s: XLA has it alone: --runtime %s", p, byXLA)
	}
	var mine sample.Estimate // measured once, however long the pilot is
	if byItself := by == "" && first == byONNXRuntime && s.plan.Shard.Of == 0; byItself ||
		by == byFastest {
		var err error
		if mine, err = d.Estimate(ctx, s.plan); err != nil {
			return nothing, s.hint(d, err)
		}
		if !byItself || mine.Seconds > measuredFrom {
			by = byFastest
		}
	}
	if by == "" || by == first {
		return nothing, nil
	}
	o := &opened{log: log, precision: s.which.precision}
	c, free, err := o.other(ctx, d.Classifier)
	if err != nil {
		if by == byFastest && ctx.Err() == nil {
			fmt.Fprintf(log, "note: %s runs it: %v\n", first, err)
			return nothing, nil
		}
		return nothing, err
	}
	other := &sample.Drawer{Classifier: c, Images: d.Images, Open: d.Open}
	if first == byONNXRuntime {
		other.Open = o.get
	}
	if by == byFastest {
		theirs, err := other.Estimate(ctx, s.plan)
		if err != nil {
			return free, s.hint(d, err)
		}
		for i, e := range []sample.Estimate{mine, theirs} {
			fmt.Fprintf(log, "note: %s: %.1f s to start, then %.0f draws/s\n",
				[]string{first, runtimeOf(c)}[i], e.Start, e.Rate)
		}
		if mine.Seconds <= theirs.Seconds {
			other.Close()
			return free, nil
		}
	}
	d.Close()
	*d = *other
	return free, nil
}
