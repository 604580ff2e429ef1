package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/internal/peers"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/spf13/cobra"
)

func benchCommand() *cobra.Command {
	var (
		names   []string
		rounds  int
		seconds float64
		out     string
	)
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure sampling beside the same net in other libraries",
		Long: fmt.Sprintf(`Run one convolutional net, of the same weights, on noisy copies of one image: as sample does, and in other libraries'
Python, which vote on %d copies at a time. They take turns, each alone on the machine's cores, and the ratio of rates
is taken round by round. First the logits without noise are compared; of different nets no rate is given.

Peers: %s (torch is torch-channels-last). Each library is installed once, at a pinned version, into the
cache folder (see info), through Python 3's venv and pip; one that can't be installed is left out. PyTorch from the
package index holds CUDA, 3 GB; with an index of its CPU builds in PIP_EXTRA_INDEX_URL, pip takes these.

Beside ONNX Runtime, lipsmooth also samples the net of its file, m.onnx, through ONNX Runtime. The table goes to bench.tsv.`, peers.Batch, strings.Join(peers.Names(), ", ")),
		Example: "  lipsmooth bench --peers jax,onnxruntime --rounds 5 --seconds 2 --out bench",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := peers.ByNames(names)
			if err != nil {
				return fmt.Errorf("--peers: %w", err)
			}
			if err := checkLeast("rounds", rounds, 1); err != nil {
				return err
			}
			if !(0 < seconds && seconds <= math.MaxInt32) {
				return fmt.Errorf("--seconds %v: must be positive", seconds)
			}
			err = bench(cmd, list, rounds, seconds, out)
			if stopped := cmd.Context().Err(); err != nil && stopped != nil {
				return fmt.Errorf("nothing is written to %s: %w", out, stopped) // not the last words of a child that was ended
			}
			return err
		},
	}
	f := c.Flags()
	f.StringSliceVar(&names, "peers", []string{"jax", "onnxruntime"}, "whom to measure beside")
	f.IntVar(&rounds, "rounds", 5, "turns of each")
	f.Float64Var(&seconds, "seconds", 2, "length of a turn")
	f.StringVar(&out, "out", "bench", "folder for bench.tsv")
	return c
}

func bench(cmd *cobra.Command, list []peers.Peer, rounds int, seconds float64, out string) error {
	ctx, log := cmd.Context(), cmd.ErrOrStderr()
	cache, err := device.CacheDir()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "lipsmooth-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	net := peers.NewNet(1)
	files, err := peers.WriteFiles(temp, net)
	if err != nil {
		return err
	}
	environments := peers.Environments{Dir: filepath.Join(cache, "peers"), Log: log}
	contenders := make([]peers.Contender, 1) // ours comes first
	var left []error
	for _, p := range list {
		child, err := startPeer(ctx, environments, files, p)
		if err != nil {
			left = append(left, err)
			continue
		}
		defer child.Close()
		contenders = append(contenders, child)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(contenders) == 1 {
		return fmt.Errorf("no peer runs: %w", errors.Join(left...))
	}
	for _, err := range left {
		fmt.Fprintf(log, "left out: %s\n", oneline.Error(err))
	}
	o := &opened{log: log}
	if err := o.open(ctx); err != nil {
		return err
	}
	if o.Platform != "cpu" && o.Name != "go" {
		return fmt.Errorf("the peers run on the CPU, and lipsmooth on %s: set GOMLX_BACKEND=xla:cpu", o)
	}
	ours, err := peers.NewOurs(o.backend, net, sample.Default().Block, seconds)
	if err != nil {
		return err
	}
	defer ours.Close()
	contenders[0] = ours
	if _, err := os.Stat(files.ONNX); err == nil {
		if _, err := onnx.Install(ctx, log); err != nil {
			return err
		}
		file, err := peers.NewOursONNX(files.ONNX, net, sample.Default().Block, seconds)
		if err != nil {
			return err
		}
		defer file.Close()
		contenders = append(contenders, file)
	}
	if err := peers.Agree(ctx, contenders); err != nil {
		return err
	}
	rates, err := peers.Alternate(ctx, contenders, rounds, seconds, func(round int, rates []float64) {
		fmt.Fprintf(log, "round %d of %d:", round+1, rounds)
		for i, rate := range rates {
			fmt.Fprintf(log, " %s %.0f", contenders[i].Name(), rate)
		}
		fmt.Fprintln(log, " images/s")
	})
	if err != nil {
		return err
	}
	ratios := benchTable(contenders, peers.Results(rates))
	caption := fmt.Sprintf("noisy images a second on %d cores, %s; turns of %v s, %d rounds; ratio: lipsmooth's rate over the peer's, the median of rounds", runtime.GOMAXPROCS(0), o, seconds, rounds)
	path := filepath.Join(out, "bench.tsv")
	if err := ratios.WriteFile(path, caption); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), caption)
	if err := ratios.WriteText(cmd.OutOrStdout()); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%s\n", path)
	return nil
}

// startPeer installs a peer where it isn't, and starts it.
func startPeer(ctx context.Context, e peers.Environments, f peers.Files, p peers.Peer) (*peers.Child, error) {
	python, err := e.Python(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return peers.Start(ctx, p.Name, f.Command(python, p))
}

// benchTable has a row for every contender.
func benchTable(contenders []peers.Contender, results []peers.Result) *table.Table {
	t := &table.Table{Columns: []string{"peer", "version", "best", "median", "ratio"}}
	for i, r := range results {
		t.Rows = append(t.Rows, []string{contenders[i].Name(), contenders[i].Version(), fmt.Sprintf("%.0f", r.Best), fmt.Sprintf("%.0f", r.Median), fmt.Sprintf("%.3f", r.Ratio)})
	}
	return t
}
