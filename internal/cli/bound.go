package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/spf13/cobra"
)

// observeSteps of ascent and power iteration bring a linear layer's slope to four digits.
const observeSteps = 100

// seen holds the observed slopes of a model's layers, and of the network from its input through
// each layer. It is nil where nobody asked for them.
type seen struct{ layers, through []float64 }

// observe looks for the steepest slope of each layer, and of the network through that layer, in
// this many steps each.
func observe(on compute.Backend, m *training.Model, steps int) (s seen, err error) {
	if s.layers, err = m.Observed(on, steps); err != nil {
		return seen{}, err
	}
	s.through, err = m.ObservedThrough(on, steps)
	return s, err
}

// slope looks for the network's steepest slope from some of a dataset's images.
func slope(on compute.Backend, m *training.Model, d *data.Dataset) (float64, error) {
	if err := m.Fits(d); err != nil {
		return 0, err
	}
	return m.Slope(on, d, 64, 20)
}

// observedBounds writes the table of a model's bounds into its folder, unless the folder has the
// table of this model. The observed slopes take this many steps. The search runs in pure Go, since
// each layer has a graph of its own: XLA would take longer to compile it.
func observedBounds(folder string, d *data.Dataset, sigma float64, steps int, log io.Writer) error {
	m, err := loadTrained(folder)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, boundsFile)
	switch t, caption, err := table.ReadFile(path); {
	case err != nil:
		return err
	case t != nil && strings.Contains(caption, fmt.Sprintf("%.12s", m.Hash)):
		return nil
	}
	fmt.Fprintln(log, "bounds: looking for the steepest slope of each layer")
	on, err := device.PureGo()
	if err != nil {
		return err
	}
	defer on.Finalize()
	observed, err := observe(on, m, steps)
	if err != nil {
		return err
	}
	steepest, err := slope(on, m, d)
	if err != nil {
		return err
	}
	t, _, err := boundTable(m, sigma, observed, steepest)
	if err != nil {
		return err
	}
	return t.WriteFile(path, boundCaption(m, sigma, steps))
}

// boundCaption says what a table of bounds is of; steps is 0 where nothing was looked for.
func boundCaption(m *training.Model, sigma float64, steps int) string {
	caption := fmt.Sprintf("model %s, %.12s: bounds proved, float32 at σ = %g", modelName(m),
		m.Hash, sigma)
	if steps > 0 {
		caption += fmt.Sprintf(", observed in %d steps", steps)
	}
	return caption
}

// boundTable has a row for each layer, and then the rows of the whole network. A row has the proved
// bound, the observed slope, and what float32 does behind the layer to images under noise of
// standard deviation sigma. A note says what the bound for float32 lacks.
func boundTable(m *training.Model, sigma float64, observed seen, slope float64) (t *table.Table,
	note string, err error) {
	p, err := m.Prove()
	if err != nil {
		return nil, "", err
	}
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', 7, 64) }
	// Digits beyond float32's precision are left out.
	estimate := func(x float64) string { return strconv.FormatFloat(x, 'f', 5, 64) }
	off := func(x float64) string { return strconv.FormatFloat(x, 'e', 2, 64) }
	r, unproved := m.Rounding(p, sample.Reach(sigma, m.Input.Entries(), 0))
	t = &table.Table{Columns: []string{"layer", "input", "bound", "observed", "bound_through",
		"observed_through", "float32", "proof"}}
	through := lip.Isometry()
	for i, l := range m.Network.Layers {
		layer, all, error32 := "", "", ""
		if observed.layers != nil {
			layer, all = estimate(observed.layers[i]), estimate(observed.through[i])
		}
		through = through.Times(p.Layers[i])
		if i < len(r.Layers) {
			error32 = off(r.Layers[i].Value())
		}
		t.Rows = append(t.Rows, []string{l.String(), m.Network.Sizes()[i].String(),
			number(p.Layers[i].Value()), layer, number(through.Value()), all, error32,
			p.Layers[i].Proof()})
	}
	margin, steepest := "", ""
	if slope > 0 {
		steepest = estimate(slope)
	}
	if unproved == nil {
		margin = off(r.Margin.Value())
	} else {
		note = "no bound on what float32 does: " + unproved.Error()
	}
	whole := func(name string, value float64, observed, error32, proof string) {
		t.Rows = append(t.Rows, []string{name, m.Input.String(), number(value), observed, "", "",
			error32, proof})
	}
	whole(figures.WholeRow+"product (PUB)", p.Product.Value(), "", "",
		"product of the layers', of the last the largest distance of two columns")
	proof := p.Composed.Proof()
	if p.Composed == p.Product {
		proof = "nothing gained by composing linear layers"
	}
	whole(figures.WholeRow+"composed", p.Composed.Value(), "", "", proof)
	whole(figures.WholeRow+"Λ", m.Lambda.Value(), steepest, margin, "of model.json, proved again")
	return t, note, nil
}

// boundFlags are the flags of bound.
type boundFlags struct {
	ref, out string
	sigma    float64
	looking  bool
}

// run prints the table of bounds of the model in dir, and writes it where that is asked for.
func (q boundFlags) run(cmd *cobra.Command, dir string) error {
	if err := checkSigma(q.sigma); err != nil {
		return err
	}
	if isONNX(dir) {
		return fmt.Errorf("%s: lipsmooth proves bounds only for models that it "+
			"trained, not for ONNX files (sample --lipschitz claims a bound)", dir)
	}
	m, err := loadTrained(dir)
	if err != nil {
		return err
	}
	on := &opened{log: cmd.ErrOrStderr()}
	if q.looking || q.ref != "" {
		if err := on.open(cmd.Context()); err != nil {
			return err
		}
	}
	var observed seen
	steps := 0
	if q.looking {
		steps = observeSteps
		if observed, err = observe(on.backend, m, steps); err != nil {
			return err
		}
	}
	steepest := 0.0
	if q.ref != "" {
		d, err := data.Load(q.ref, data.Test)
		if err != nil {
			return err
		}
		if steepest, err = slope(on.backend, m, d); err != nil {
			return err
		}
	}
	t, note, err := boundTable(m, q.sigma, observed, steepest)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	caption := boundCaption(m, q.sigma, steps)
	fmt.Fprintln(w, caption)
	if err := t.WriteText(w); err != nil {
		return err
	}
	if note != "" {
		fmt.Fprintln(w, "note:", note)
	}
	out := q.out
	if out == "" && q.looking {
		out = filepath.Join(dir, boundsFile)
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
certify --float32 subtracts.`,
		Example: "  lipsmooth bound models/mnist-0.25 --observe --data mnist",
		Args:    one("model's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.run(cmd, args[0])
		},
	}
	f := c.Flags()
	f.BoolVar(&q.looking, "observe", false, "look for each layer's steepest slope, on the device")
	f.StringVar(&q.ref, "data", "", "dataset, mnist, cifar10, or a path, from whose images the "+
		"network's steepest slope is looked for")
	f.Float64Var(&q.sigma, "sigma", 0.5, "standard deviation of the noise that float32's error is "+
		"bounded under")
	f.StringVar(&q.out, "out", "", "file to write the table to, as TSV; default with --observe: "+
		"MODEL/"+boundsFile+", which lipsmooth figures draws")
	return c
}
