package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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

Where ONNX Runtime is a peer, lipsmooth also samples the same net from a file, m.onnx.
bench writes the table to bench.tsv.`, peers.Batch, strings.Join(peers.Names(), ", ")),
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
			b := benchmark{log: cmd.ErrOrStderr(), rounds: rounds, seconds: seconds}
			err = b.run(cmd.Context(), cmd.OutOrStdout(), list, out)
			if stopped := cmd.Context().Err(); err != nil && stopped != nil {
				// A child that was ended may have said something else last.
				return fmt.Errorf("nothing is written to %s: %w", out, stopped)
			}
			return err
		},
	}
	f := c.Flags()
	f.StringSliceVar(&names, "peers", []string{"jax", "onnxruntime"}, "libraries to compare with")
	f.IntVar(&rounds, "rounds", 5, "number of turns of each library")
	f.Float64Var(&seconds, "seconds", 2, "length of a turn, in seconds")
	f.StringVar(&out, "out", "bench", "folder for bench.tsv")
	return c
}

// A benchmark measures the rate of lipsmooth and of its peers.
type benchmark struct {
	log        io.Writer
	rounds     int
	seconds    float64 // length of a turn
	contenders []peers.Contender
	closers    []func()
}

// close ends everything that was started.
func (b *benchmark) close() {
	for _, end := range slices.Backward(b.closers) {
		end()
	}
}

// add adds the last contender; end frees what the contender holds.
func (b *benchmark) add(c peers.Contender, end func()) {
	b.contenders, b.closers = append(b.contenders, c), append(b.closers, end)
}

// run measures lipsmooth beside the peers of the list and writes bench.tsv in the folder out.
func (b *benchmark) run(ctx context.Context, w io.Writer, list []peers.Peer, out string) error {
	temp, err := os.MkdirTemp("", "lipsmooth-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	defer b.close()
	net := peers.NewNet(1)
	files, err := peers.WriteFiles(temp, net)
	if err != nil {
		return err
	}
	if err := b.start(ctx, files, list); err != nil {
		return err
	}
	o, err := b.open(ctx, files, net)
	if err != nil {
		return err
	}
	if err := peers.Agree(ctx, b.contenders); err != nil {
		return err
	}
	rates, err := peers.Alternate(ctx, b.contenders, b.rounds, b.seconds, b.round)
	if err != nil {
		return err
	}
	caption := fmt.Sprintf("noisy images a second on %d cores, %s; turns of %v s, %d rounds; "+
		"ratio: lipsmooth's rate over the peer's, the median of rounds",
		runtime.GOMAXPROCS(0), o, b.seconds, b.rounds)
	return writeBench(w, benchTable(b.contenders, peers.Results(rates)), caption, out)
}

// start installs and starts the peers of the list. It leaves out a peer that doesn't start, and
// returns an error where none does.
func (b *benchmark) start(ctx context.Context, files peers.Files, list []peers.Peer) error {
	cache, err := device.CacheDir()
	if err != nil {
		return err
	}
	environments := peers.Environments{Dir: filepath.Join(cache, "peers"), Log: b.log}
	var left []error
	for _, p := range list {
		child, err := startPeer(ctx, environments, files, p)
		if err != nil {
			left = append(left, err)
			continue
		}
		b.add(child, child.Close)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(b.contenders) == 0 {
		return fmt.Errorf("no peer runs: %w", errors.Join(left...))
	}
	for _, err := range left {
		fmt.Fprintf(b.log, "left out: %s\n", oneline.Error(err))
	}
	return nil
}

// open puts lipsmooth first among the contenders. Where ONNX Runtime is a peer, lipsmooth's own
// run of the ONNX file comes last.
func (b *benchmark) open(ctx context.Context, files peers.Files, net *peers.Net) (*opened, error) {
	o := &opened{log: b.log}
	if err := o.open(ctx); err != nil {
		return nil, err
	}
	if o.Platform != "cpu" && o.Name != "go" {
		return nil, fmt.Errorf("the peers run on the CPU, and lipsmooth on %s: "+
			"set GOMLX_BACKEND=xla:cpu", o)
	}
	ours, err := peers.NewOurs(o.backend, net, sample.Default().Block, b.seconds)
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, ours.Close)
	b.contenders = slices.Insert(b.contenders, 0, peers.Contender(ours))
	if _, err := os.Stat(files.ONNX); err != nil {
		return o, nil
	}
	if _, err := onnx.Install(ctx, b.log); err != nil {
		return nil, err
	}
	file, err := peers.NewOursONNX(files.ONNX, net, sample.Default().Block, b.seconds)
	if err != nil {
		return nil, err
	}
	b.add(file, file.Close)
	return o, nil
}

// round logs the rates of one round, in images a second.
func (b *benchmark) round(round int, rates []float64) {
	fmt.Fprintf(b.log, "round %d of %d:", round+1, b.rounds)
	for i, rate := range rates {
		fmt.Fprintf(b.log, " %s %.0f", b.contenders[i].Name(), rate)
	}
	fmt.Fprintln(b.log, " images/s")
}

// writeBench saves the table in the folder out and prints it.
func writeBench(w io.Writer, t *table.Table, caption, out string) error {
	path := filepath.Join(out, "bench.tsv")
	if err := t.WriteFile(path, caption); err != nil {
		return err
	}
	fmt.Fprintln(w, caption)
	if err := t.WriteText(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", path)
	return nil
}

// startPeer installs a peer where that is still to be done, and starts the peer.
func startPeer(ctx context.Context, e peers.Environments, f peers.Files,
	p peers.Peer) (*peers.Child, error) {
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
		t.Rows = append(t.Rows, []string{contenders[i].Name(), contenders[i].Version(),
			fmt.Sprintf("%.0f", r.Best), fmt.Sprintf("%.0f", r.Median),
			fmt.Sprintf("%.3f", r.Ratio)})
	}
	return t
}
