package cli

import (
	"fmt"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
)

// boundFlags are the flags of bound.
type boundFlags struct {
	ref, out string
	sigma    float64
	looking  bool
	size     []int
}

// run prints the table of bounds of the model in dir, and writes it where that is asked for.
func (q boundFlags) run(cmd *cobra.Command, dir string) error {
	if err := checkSigma(q.sigma); err != nil {
		return err
	}
	if isONNX(dir) {
		if q.ref != "" {
			return fmt.Errorf("%s: --data is for models that lipsmooth trained", dir)
		}
		return q.ofFile(cmd, dir)
	}
	if q.size != nil {
		return fmt.Errorf("%s: --size is for ONNX files", dir)
	}
	m, err := loadTrained(dir)
	if err != nil {
		return err
	}
	if err := m.Unproved(); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	on := &opened{log: cmd.ErrOrStderr()}
	if q.looking || q.ref != "" {
		if err := on.open(cmd.Context()); err != nil {
			return err
		}
	}
	b := training.Bounds{Sigma: q.sigma}
	if q.looking {
		if err := b.Observe(on.backend, m, training.ObserveSteps); err != nil {
			return err
		}
	}
	if q.ref != "" {
		d, err := data.Load(q.ref, data.Test)
		if err != nil {
			return err
		}
		if err := b.ObserveLogits(on.backend, m, d); err != nil {
			return err
		}
	}
	t, note, err := b.Table(m)
	if err != nil {
		return err
	}
	w := printer(cmd)
	caption := b.Caption(m)
	fmt.Fprintln(w, caption)
	if err := w.Table("bounds", t, nil); err != nil {
		return err
	}
	if note != "" {
		fmt.Fprintln(w, "note:", note)
	}
	out := q.out
	if out == "" && q.looking {
		out = filepath.Join(dir, training.BoundsFile)
	}
	if out == "" {
		return nil
	}
	return t.WriteFile(out, caption)
}

func boundCommand() *cobra.Command {
	var q boundFlags
	c := &cobra.Command{
		Use:   "bound MODEL",
		Short: "Show the proved Lipschitz bound of each layer of a model",
		Long: `Prove again a bound on how much each layer of a model stretches (l2), and on every
difference of two logits. The bounds on the logits are the product of the layers' bounds, and the
bound with linear layers composed.

With --observe and --data, the table also shows the steepest slopes that a search found. They bound
the true constants from below, and no certificate uses them. A column _through is of the network
from its input through that layer.

The column float32 bounds the error of float32 arithmetic behind each layer, on images under noise
of --sigma (l2). In its last row it bounds the error of a difference of two logits, which
certify --float32 subtracts.

MODEL may also be an ONNX file that another program trained and exported. Then the table has the
activations of its graph, with a proved bound on what the network stretches up to each one. An
operation of which nothing is proved stops the proof, and the error names the operation. With
--observe, gradients in XLA look for the steepest slope of two logits. The images are as the file
takes them; lipsmooth sample proves a bound for images in [0, 1].`,
		Example: "  lipsmooth bound models/mnist-0.25 --observe --data mnist\n" +
			"  lipsmooth bound model.onnx --observe",
		Args: one("model's folder, or an ONNX file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.run(cmd, args[0])
		},
	}
	f := c.Flags()
	f.BoolVar(&q.looking, "observe", false, "look for each layer's steepest slope, or for that of an "+
		"ONNX file, on the device")
	f.StringVar(&q.ref, "data", "", "dataset, mnist, cifar10, or a path, from whose images the "+
		"network's steepest slope is looked for")
	f.Float64Var(&q.sigma, "sigma", 0.5, "standard deviation of the noise that float32's error is "+
		"bounded under")
	f.IntSliceVar(&q.size, "size", nil, "of an ONNX file that leaves height and width open: "+
		"H,W of the images that the bound is of")
	f.StringVar(&q.out, "out", "", "file to write the table to, as TSV; default with --observe "+
		"of a folder: MODEL/"+training.BoundsFile+", which lipsmooth figures draws")
	return c
}
