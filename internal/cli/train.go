package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/loss"
	"github.com/lipsmooth/lipsmooth/training/net"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// bind binds the fields of a training.Config to flags.
func bind(f *pflag.FlagSet, c *training.Config) *binder {
	b := &binder{flags: f, config: c}
	type config = training.Config
	names := func(s []string) string { return strings.Join(s, ", ") }
	b.text("arch", "architecture: "+names(slices.Sorted(maps.Keys(net.Architectures))),
		func(c *config) *string { return &c.Architecture })
	b.text("conv", "convolution: "+names(lip.Convolutions()),
		func(c *config) *string { return &c.Convolution })
	b.text("dense", "dense layers: "+names(lip.Denses())+" (empty: bjorck)",
		func(c *config) *string { return &c.Dense })
	b.text("residual", "residual steps: "+names(lip.Residuals())+" (empty: sll)",
		func(c *config) *string { return &c.Residual })
	b.text("activation", names(lip.Activations())+" (empty: maxmin)",
		func(c *config) *string { return &c.Activation })
	b.text("padding", "padding of convolutions: circular or zero (empty: circular)",
		func(c *config) *string { return &c.Padding })
	b.text("last", "layer that gives the logits: a dense layer; normalised is LLN (empty: bjorck)",
		func(c *config) *string { return &c.Last })
	b.text("loss", "loss, see above", func(c *config) *string { return &c.Loss })
	b.text("method", "method of training through noise, see above",
		func(c *config) *string { return &c.Method })
	listFlag[int]{
		name: "width", kind: "width",
		doc:   "channels of the first convolution, or a size: xs (8), s (16), m (32)",
		field: func(c *config) *int { return &c.Width },
		parse: func(s string) (int, error) {
			if w, ok := net.Sizes[strings.ToLower(s)]; ok {
				return w, nil
			}
			return strconv.Atoi(s)
		},
	}.add(b)
	b.whole("epochs", "number of epochs", func(c *config) *int { return &c.Epochs })
	b.whole("epoch-images", "images of an epoch; 0 is all",
		func(c *config) *int { return &c.Images })
	b.whole("batch", "images of a step", func(c *config) *int { return &c.Batch })
	b.number("lr", "peak learning rate of Adam", func(c *config) *float64 {
		return &c.LearningRate
	})
	b.number("sigma", "noise level σ of training, for images in [0, 1]",
		func(c *config) *float64 { return &c.Sigma })
	b.number("offset", "margin that the loss asks for, in units of radius",
		func(c *config) *float64 { return &c.Offset })
	b.number("temperature", "temperature of the loss, in units of radius",
		func(c *config) *float64 { return &c.Temperature })
	b.whole("draws", "noisy copies of an image in a step; 0 is the method's default",
		func(c *config) *int { return &c.Draws })
	b.number("weight", "weight of the term that the method adds to the loss; 0 is the method's "+
		"default",
		func(c *config) *float64 { return &c.Weight })
	b.number("attack-radius", "l2 radius of smoothadv's attack; 0 is the method's default",
		func(c *config) *float64 { return &c.AttackRadius })
	listFlag[bool]{
		name: "flip", kind: "bool", doc: "mirror images at random",
		field: func(c *config) *bool { return &c.Flip }, parse: strconv.ParseBool,
	}.add(b)
	f.Lookup("flip").NoOptDefVal = "true"
	b.whole("crop", "shift images at random by up to this many pixels",
		func(c *config) *int { return &c.Crop })
	listFlag[uint64]{
		name: "seed", kind: "uint64", doc: "seed of weights, order and noise",
		field: func(c *config) *uint64 { return &c.Seed },
		parse: func(s string) (uint64, error) { return strconv.ParseUint(s, 0, 64) },
	}.add(b)
	f.IntVar(&c.CheckpointEvery, "checkpoint-every", c.CheckpointEvery, "steps between checkpoints")
	return b
}

// binder adds flags for fields of config.
type binder struct {
	flags  *pflag.FlagSet
	config *training.Config
	lists  []field
}

// field is a flag of one field.
type field interface {
	axis() (a training.Axis, several bool)
	follow(base *training.Config)
}

// axes are the fields whose flags have lists, in the order of bind. Numbers come last, because the
// figure of a sweep draws lines along the last axis.
func (b *binder) axes() (axes []training.Axis) {
	for _, l := range b.lists {
		if a, several := l.axis(); several {
			axes = append(axes, a)
		}
	}
	return axes
}

// follow takes from base every field whose flag wasn't given.
func (b *binder) follow(base training.Config) {
	for _, l := range b.lists {
		if a, _ := l.axis(); !b.flags.Changed(a.Name) {
			l.follow(&base)
		}
	}
}

func (b *binder) text(name, doc string, field func(*training.Config) *string) {
	listFlag[string]{name, "string", doc, field,
		func(s string) (string, error) { return s, nil }}.add(b)
}

func (b *binder) whole(name, doc string, field func(*training.Config) *int) {
	listFlag[int]{name, "int", doc, field, func(s string) (int, error) {
		x, err := strconv.ParseInt(s, 0, strconv.IntSize)
		return int(x), err
	}}.add(b)
}

func (b *binder) number(name, doc string, field func(*training.Config) *float64) {
	listFlag[float64]{name, "float64", doc, field,
		func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }}.add(b)
}

// listFlag describes a flag of one field of training.Config.
type listFlag[T comparable] struct {
	name, kind, doc string
	field           func(*training.Config) *T
	parse           func(string) (T, error)
}

func (d listFlag[T]) add(b *binder) {
	l := &list[T]{listFlag: d, config: b.config, values: []T{*d.field(b.config)}}
	b.flags.Var(l, d.name, d.doc)
	b.lists = append(b.lists, l)
}

// A list is a flag that takes one value, or values with commas between them. A sweep runs over the
// values.
type list[T comparable] struct {
	listFlag[T]
	config *training.Config
	values []T
}

func (l *list[T]) axis() (training.Axis, bool) {
	return training.NewAxis(l.name, l.field, l.values...), len(l.values) > 1
}

func (l *list[T]) follow(base *training.Config) {
	*l.field(l.config) = *l.field(base)
	l.values = []T{*l.field(base)}
}

// Set implements pflag.Value. The config has the first value.
func (l *list[T]) Set(text string) error {
	var values []T
	for s := range strings.SplitSeq(text, ",") {
		v, err := l.parse(strings.TrimSpace(s))
		if err != nil {
			return err
		}
		values = append(values, v)
	}
	l.values, *l.field(l.config) = values, values[0]
	return nil
}

func (l *list[T]) Type() string { return l.kind }

func (l *list[T]) String() string {
	if l == nil || l.parse == nil { // pflag's own zero value
		return ""
	}
	var texts []string
	for _, v := range l.values {
		texts = append(texts, fmt.Sprint(v))
	}
	return strings.Join(texts, ",")
}

// train trains a model in the folder dir. A finished model is loaded instead, without a device. bar
// says whether the standard output is a terminal to draw on.
func train(ctx context.Context, o *opened, c training.Config, trainSet, testSet *data.Dataset,
	dir string, bar bool) (*training.Model, error) {
	size := lip.Size{trainSet.Height, trainSet.Width, trainSet.Channels}
	if _, err := net.New(size, trainSet.Classes(), c.Network()); err != nil {
		return nil, fmt.Errorf("training on %s: %w", trainSet.Name, err)
	}
	hash, err := trainSet.Hash()
	if err != nil {
		return nil, err
	}
	if _, done := trained(dir, c, hash); done {
		return training.Load(dir)
	}
	if err := o.open(ctx); err != nil {
		return nil, err
	}
	return training.Train(ctx, o.backend, training.Job{
		Config: c, Train: trainSet, Test: testSet, Dir: dir, Bar: bar, Log: o.log,
		Versions: o.Versions,
	})
}

// trained reads model.json in dir. done says that the model was trained with this config on the
// dataset of this hash.
func trained(dir string, c training.Config, hash string) (info *training.Info, done bool) {
	info, err := training.ReadInfo(dir)
	return info, err == nil && info.Config == c && info.DataHash == hash
}

func trainCommand() *cobra.Command {
	config := training.Default()
	var ref, out, preset string
	var bound *binder
	var doc strings.Builder
	for _, p := range training.Presets {
		fmt.Fprintf(&doc, "  %-13s %s\n", p.Name, p.Doc)
	}
	doc.WriteString("\nLosses; the first is the default:\n")
	for _, l := range loss.Losses {
		fmt.Fprintf(&doc, "  %-13s %s\n", l.Name, l.Doc)
	}
	doc.WriteString("\nMethods:\n")
	for _, m := range training.Methods {
		fmt.Fprintf(&doc, "  %-13s %s\n", m.Name, m.Doc)
	}
	c := &cobra.Command{
		Use:   "train",
		Short: "Train a Lipschitz-bounded classifier and prove its bound",
		Long: `Train a classifier with Gaussian noise and save the model with the proved bound
of each layer. Run a stopped training again with the same flags: it continues from its last
checkpoint.

Every flag of the training takes a list, such as --loss offset,emma --sigma 0,0.25. train then
trains every combination, one after another, each in a subfolder of --out. The folder also gets
sweep.tsv and its figure. A finished model is not trained again.

Presets; the first is the default, and other flags change its settings:
` + doc.String(),
		Example: `  lipsmooth train --data mnist --sigma 0.25 --epochs 5 --out models/mnist-0.25
  lipsmooth train --loss offset,emma,hkr --sigma 0,0.25 --out models/losses`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := training.PresetByName(preset)
			if err != nil {
				return fmt.Errorf("--preset: %w", err)
			}
			bound.follow(p.Config)
			if !cmd.Flags().Changed("data") {
				ref = p.Data
			}
			varied := bound.axes()
			points, err := training.Sweep(config, varied...)
			if err != nil {
				return err
			}
			trainSet, testSet, err := data.Open(ref)
			if err != nil {
				return err
			}
			ctx, w, o := cmd.Context(), cmd.OutOrStdout(), &opened{log: cmd.ErrOrStderr()}
			if len(varied) > 0 {
				return sweep{opened: o, axes: varied, points: points, train: trainSet,
					test: testSet,
					out:  out}.run(ctx, w)
			}
			m, err := train(ctx, o, points[0].Config, trainSet, testSet, out, terminal(w))
			if err != nil {
				return err
			}
			fmt.Fprintln(w, summary(m))
			fmt.Fprintln(w, "saved in", out)
			return nil
		},
	}
	bound = bind(c.Flags(), &config)
	c.Flags().StringVar(&preset, "preset", training.Presets[0].Name,
		"settings to start from, see above")
	c.Flags().StringVar(&ref, "data", "", "dataset: mnist, cifar10, or a path; default: the "+
		"preset's")
	c.Flags().StringVar(&out, "out", "model", "folder of the model")
	return c
}

// summary is a trained model in one line.
func summary(m *training.Model) string {
	return fmt.Sprintf("model %.12s: accuracy %.4f, verified %.4f at radius 0.5, average radius "+
		"%.3f; Λ = %.5f proved, slope %.5f observed",
		m.Hash, m.Metrics.Accuracy, m.Metrics.Verified["0.5"], m.Metrics.AverageRadius,
		m.Lambda.Value(), m.Metrics.Slope)
}
