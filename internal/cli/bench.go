package cli

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/internal/peers"
	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/spf13/cobra"
)

func benchCommand() *cobra.Command {
	var b peers.Benchmark
	var names []string
	var out, precision string
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure sampling beside the same net in other libraries",
		Long: fmt.Sprintf(
			`Compare how fast lipsmooth and Python libraries count votes of one convolutional
net. All run the same weights on noisy copies of one image. The Python libraries take %d copies at
a time. One library runs at a time and has all cores. The ratio of two rates is taken in each
round. bench first compares the logits of the image without noise. It stops with an error where
they differ.

Peers: %s.
(torch is torch-channels-last.) bench installs each library once, at a pinned version, into the
cache folder (see info), through Python 3's venv and pip. bench leaves out a library that pip can't
install. PyTorch from the package index holds CUDA, 3 GB. pip takes a build for the CPU where
PIP_EXTRA_INDEX_URL names an index of such builds.

Where ONNX Runtime is a peer, lipsmooth also samples the same net by its own --runtime onnxruntime.
The table has the ratio of each runtime of lipsmooth. bench writes the table to bench.tsv.`,
			peers.Batch, strings.Join(peers.Names(), ", ")),
		Example: "  lipsmooth bench --peers jax,onnxruntime --rounds 5 --seconds 2 --out bench",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if b.Peers, err = peers.ByNames(names); err != nil {
				return fmt.Errorf("--peers: %w", err)
			}
			if err := checkLeast("rounds", b.Rounds, 1); err != nil {
				return err
			}
			if !(0 < b.Seconds && b.Seconds <= math.MaxInt32) {
				return fmt.Errorf("--seconds %v: must be positive", b.Seconds)
			}
			if b.Side < 4 || b.Side%4 != 0 {
				return fmt.Errorf("--side %d: must be a multiple of 4", b.Side)
			}
			if err := countlog.CheckPrecision(precision); err != nil {
				return flagged(err)
			}
			if b.Precision = (countlog.Model{}).In(precision).Precision; b.Precision != "" &&
				!slices.Equal(names, []string{"jax"}) {
				return fmt.Errorf("--precision %s: needs --peers jax", precision)
			}
			b.Log = cmd.ErrOrStderr()
			err = bench(cmd.Context(), printer(cmd), b, out)
			if stopped := cmd.Context().Err(); err != nil && stopped != nil {
				// A child that was ended may have said something else last.
				return fmt.Errorf("nothing is written to %s: %w", out, stopped)
			}
			return err
		},
	}
	f := c.Flags()
	f.StringSliceVar(&names, "peers", []string{"jax", "onnxruntime"}, "libraries to compare with")
	f.IntVar(&b.Rounds, "rounds", 5, "number of turns of each library")
	f.Float64Var(&b.Seconds, "seconds", 2, "length of a turn, in seconds")
	f.IntVar(&b.Side, "side", peers.Side, "of the image, in pixels")
	f.StringVar(&precision, "precision", countlog.Float32, "of matrix products and convolutions, as "+
		"of sample")
	f.StringVar(&b.Interpreter, "python", "", "Python with the peers; default: bench installs them")
	f.StringVar(&out, "out", "bench", "folder for bench.tsv")
	return c
}

// bench measures, saves the table in the folder out and prints it.
func bench(ctx context.Context, w *terminal.Printer, b peers.Benchmark, out string) error {
	cache, err := device.CacheDir()
	if err != nil {
		return err
	}
	b.Dir = filepath.Join(cache, "peers")
	o := &opened{log: b.Log, precision: b.Precision}
	b.Open = func(ctx context.Context) (compute.Backend, error) {
		err := o.open(ctx)
		if err == nil && o.Platform != "cpu" && o.Name != "go" && os.Getenv(peers.Platforms) == "" {
			err = fmt.Errorf("the peers run on the CPU, and lipsmooth on %s: "+
				"set GOMLX_BACKEND=xla:cpu, or %s for JAX", o, peers.Platforms)
		}
		return o.backend, err
	}
	t, caption, err := b.Run(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(out, "bench.tsv")
	if err := t.WriteFile(path, caption); err != nil {
		return err
	}
	fmt.Fprintln(w, caption)
	if err := w.Table("bench", t, nil); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", path)
	return nil
}
