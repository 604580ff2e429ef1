package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/internal/help"
	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/loss"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// binder binds the fields of a training.Config to flags.
type binder struct {
	flags  *pflag.FlagSet
	config *training.Config
	lists  []*list
}

func bind(f *pflag.FlagSet, c *training.Config) *binder {
	b := &binder{flags: f, config: c}
	for _, field := range training.Fields {
		l := &list{training.Axis{Field: field, Values: []string{field.Text(c)}}, c}
		doc := field.Doc
		if field.Known != nil {
			doc += ": " + strings.Join(field.Known, ", ")
		}
		f.Var(l, field.Name, doc)
		if field.Kind() == "bool" {
			f.Lookup(field.Name).NoOptDefVal = "true"
		}
		b.lists = append(b.lists, l)
	}
	f.IntVar(&c.CheckpointEvery, "checkpoint-every", c.CheckpointEvery, "steps between checkpoints")
	return b
}

// axes are the fields whose flags have lists.
func (b *binder) axes() (axes []training.Axis) {
	for _, l := range b.lists {
		if len(l.Values) > 1 {
			axes = append(axes, l.Axis)
		}
	}
	return axes
}

// follow takes from base every field whose flag wasn't given.
func (b *binder) follow(base training.Config) error {
	for _, l := range b.lists {
		if !b.flags.Changed(l.Name) {
			if err := l.Set(l.Text(&base)); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuse names a flag that was given and that no point takes.
func (b *binder) refuse(points []training.Point) error {
	for _, l := range b.lists {
		takes := func(p training.Point) bool { return l.Takes(p.Config) }
		if b.flags.Changed(l.Name) && !slices.ContainsFunc(points, takes) {
			return fmt.Errorf("--%s: architecture %s has no Lipschitz bound, and takes none", l.Name,
				b.config.Architecture)
		}
	}
	return nil
}

// A list is a flag that takes one value, or values with commas between them. A sweep runs over the
// values.
type list struct {
	training.Axis
	config *training.Config
}

// Set implements pflag.Value. The config has the first value.
func (l *list) Set(text string) error {
	values := strings.Split(text, ",")
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	axis, err := training.NewAxis(l.Name, values...)
	if err != nil {
		return err
	}
	l.Axis = axis
	return l.Field.Set(l.config, axis.Values[0])
}

func (l *list) Type() string {
	if l.Name == "width" {
		return l.Name // which takes names of sizes too
	}
	return l.Kind()
}

func (l *list) String() string { return strings.Join(l.Values, ",") }

// train trains a model. A finished model is loaded instead, without a device.
func (o *opened) train(ctx context.Context, j training.Job) (*training.Model, error) {
	done, err := j.Done()
	if err != nil {
		return nil, err
	}
	if done != nil {
		return training.Load(j.Dir)
	}
	if err := o.open(ctx); err != nil {
		return nil, err
	}
	j.Versions = o.Versions
	return training.Train(ctx, o.backend, j)
}

// sweep trains the points of a series, prints their table without the names that the values make,
// and draws its figure.
func (o *opened) sweep(ctx context.Context, s training.Series, w *terminal.Printer) error {
	missing, err := s.Missing()
	if err == nil && missing > 0 {
		err = o.open(ctx)
	}
	if err != nil {
		return err
	}
	s.Versions = o.Versions
	t, diverged := s.Run(ctx, o.backend)
	if t == nil || len(t.Rows) == 0 {
		return diverged
	}
	short := table.Table{Columns: t.Columns[1:]}
	for _, row := range t.Rows {
		short.Rows = append(short.Rows, row[1:])
	}
	if err := w.Table("sweep", t, &short); err != nil {
		return err
	}
	f, err := figures.SweepTable(t, s.Caption())
	if err != nil {
		return err
	}
	f.Caption = s.Caption() // its table is that of the series
	files, err := f.Save(s.Dir, "")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n%s\n", files[len(files)-2], files[1])
	return diverged
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
	doc.WriteString("\nOptimisers:\n")
	for _, o := range training.Optimizers {
		fmt.Fprintf(&doc, "  %-13s %s\n", o.Name, o.Doc)
	}
	c := &cobra.Command{
		Use:   "train",
		Short: "Train a Lipschitz-bounded classifier and prove its bound",
		Long: `Train a classifier with Gaussian noise and save the model with the proved bound
of each layer. Run a stopped training again with the same flags: it continues from its last
checkpoint.

lenet and resnet20 are plain networks, the baselines of papers. They have no Lipschitz bound, so
votes alone certify them. Their layers and their loss, a cross-entropy, are fixed.

Every flag of the training takes a list, such as --loss offset,emma --sigma 0,0.25. train then
trains every combination, one after another, each in a subfolder of --out. The folder also gets
sweep.tsv and its figure. A finished model is not trained again.

Presets; the first is the default, and other flags change its settings:
` + doc.String(),
		Example: `  lipsmooth train --data mnist --sigma 0.25 --epochs 5 --out models/mnist-0.25
  lipsmooth train --loss offset,emma,hkr --sigma 0,0.25 --out models/losses
  lipsmooth train --preset mnist --seed 2 --out models/mnist-2`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := training.PresetByName(preset)
			if err != nil {
				return fmt.Errorf("--preset: %w", err)
			}
			if err := bound.follow(p.Config); err != nil {
				return err
			}
			if !cmd.Flags().Changed("data") {
				ref = p.Data
			}
			varied := bound.axes()
			points, err := training.Sweep(config, varied...)
			if err != nil {
				return err
			}
			if err := bound.refuse(points); err != nil {
				return err
			}
			ctx, w, o := cmd.Context(), printer(cmd), &opened{log: cmd.ErrOrStderr()}
			job := training.Job{Config: points[0].Config, Dir: out,
				Progress: trainingProgress(o.log), Log: o.log}
			if job.Train, job.Test, err = data.Open(ref); err != nil {
				return err
			}
			if len(varied) > 0 {
				return o.sweep(ctx, training.Series{Job: job, Axes: varied, Points: points}, w)
			}
			m, err := o.train(ctx, job)
			if err != nil {
				return err
			}
			fmt.Fprintln(w, m.Summary())
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
	help.Group(c, "What to train", "preset data arch width conv", "dense", "residual", "activation",
		"centring", "padding", "last")
	help.Group(c, "How", "sigma loss offset epochs method seed", "temperature", "draws", "weight",
		"attack-radius", "optimizer", "lr", "batch", "epoch-images", "flip", "crop", "warp")
	help.Group(c, "Output", "out", "checkpoint-every")
	return c
}
