package peers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/internal/backend"
	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// A Benchmark measures the rate of lipsmooth and of its peers.
type Benchmark struct {
	Peers   []Peer
	Rounds  int
	Seconds float64 // length of a turn
	Side    int     // of the image, in pixels, even
	// Precision is that of the backend, and of the peers: as [countlog.Model.Precision] has it.
	Precision string
	Environments
	// Open opens the backend that lipsmooth runs on, when the peers have started.
	Open func(ctx context.Context) (compute.Backend, error)
}

// Run lets every contender take its turns, and returns a table with a row for each and a caption.
// Contenders that don't compute the same net are an error.
func (b Benchmark) Run(ctx context.Context) (t *table.Table, caption string, err error) {
	temp, err := os.MkdirTemp("", "lipsmooth-bench-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(temp)
	net, within := NewNet(1, b.Side), Tolerance
	if b.Precision != "" {
		within = Rounded
	}
	files, err := WriteFiles(temp, net)
	if err != nil {
		return nil, "", err
	}
	contenders, err := b.start(ctx, files)
	defer func() {
		for _, c := range contenders {
			c.Close()
		}
	}()
	if err != nil {
		return nil, "", err
	}
	on, err := b.Open(ctx)
	if err != nil {
		return nil, "", err
	}
	first, err := NewOurs(on, net, sample.Default().Block, b.Seconds)
	if err != nil {
		return nil, "", err
	}
	contenders = slices.Insert(contenders, 0, Contender(first))
	if _, err := os.Stat(files.ONNX); err == nil { // ONNX Runtime is a peer
		if _, err := onnx.Install(ctx, b.Log); err != nil {
			return nil, "", err
		}
		file, err := NewOursONNX(files.ONNX, net, sample.Default().Block, b.Seconds)
		if err != nil {
			return nil, "", err
		}
		contenders = append(contenders, file)
	}
	if err := Agree(ctx, contenders, within); err != nil {
		return nil, "", err
	}
	rates, err := Alternate(ctx, contenders, b.Rounds, b.Seconds, func(round int, rates []float64) {
		fmt.Fprintf(b.Log, "round %d of %d:", round+1, b.Rounds)
		for i, rate := range rates {
			fmt.Fprintf(b.Log, " %s %.0f", contenders[i].Name(), rate)
		}
		fmt.Fprintln(b.Log, " images/s")
	})
	if err != nil {
		return nil, "", err
	}
	t = &table.Table{Columns: []string{"peer", "version", "best", "median"}}
	for _, c := range contenders {
		t.Rows = append(t.Rows, []string{c.Name(), c.Version()})
	}
	for i, r := range Results(rates, 0) {
		t.Rows[i] = append(t.Rows[i], fmt.Sprintf("%.0f", r.Best), fmt.Sprintf("%.0f", r.Median))
	}
	for base, c := range contenders {
		if _, ok := c.(*Ours); !ok {
			continue
		}
		t.Columns = append(t.Columns, strings.TrimPrefix(c.Name(), ours)+" ratio")
		for i, r := range Results(rates, base) {
			t.Rows[i] = append(t.Rows[i], fmt.Sprintf("%.3f", r.Ratio))
		}
	}
	return t, fmt.Sprintf("noisy images of %d×%[1]d a second on %d cores, %s in %s; turns of %v s, "+
		"%d rounds; a ratio is a runtime's rate over the row's, the median of rounds", b.Side,
		runtime.GOMAXPROCS(0), backend.Name(on), cmp.Or(b.Precision, countlog.Float32), b.Seconds,
		b.Rounds), nil
}

// start installs and starts the peers. It leaves out a peer that doesn't start, and returns an
// error where none does.
func (b Benchmark) start(ctx context.Context, files Files) (running []Contender, err error) {
	var left []error
	for _, p := range b.Peers {
		python, err := b.Python(ctx, p)
		if err != nil {
			left = append(left, fmt.Errorf("%s: %w", p.Name, err))
			continue
		}
		child, err := Start(ctx, p.Name, files.Command(python, p, b.Precision))
		if err != nil {
			left = append(left, err)
			continue
		}
		running = append(running, child)
	}
	if ctx.Err() != nil {
		return running, ctx.Err()
	}
	if len(running) == 0 {
		return nil, fmt.Errorf("no peer runs: %w", errors.Join(left...))
	}
	for _, err := range left {
		fmt.Fprintf(b.Log, "left out: %s\n", oneline.Error(err))
	}
	return running, nil
}
