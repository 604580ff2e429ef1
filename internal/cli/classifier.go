package cli

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// chosen is the classifier that a command's arguments and flags name.
type chosen struct {
	ref     string
	file    onnx.Options
	runtime string // that computes it; empty is the usual one

	precision string // of what draws
	set       data.Options
}

func (c *chosen) bind(f *pflag.FlagSet) {
	f.StringVar(&c.ref, "model", "", "MODEL, by a flag")
	f.Float64Var(&c.file.Lipschitz, "lipschitz", 0, "of an ONNX file: claim that no difference of "+
		"two of its logits changes by more than so many times an image's change (l2, images in "+
		"[0, 1], and behind the --denoiser); a proof that gives no more is used instead")
	f.BoolVar(&c.file.Random, "random", false, "of an ONNX file: it answers by chance, each time "+
		"independently, which isn't checked; it is run one image at a time, and votes certify its "+
		"most frequent answer; its draws can't be made again")
	bindONNX(f, &c.file)
	bindRuntime(f, &c.runtime)
	bindSet(f, &c.set)
}

// name takes the one model of the arguments or of --model, and checks the flags that go with it.
func (c *chosen) name(cmd *cobra.Command, args []string) error {
	if c.ref == "" {
		if err := one("model: a folder or an ONNX file")(cmd, args); err != nil {
			return err
		}
		c.ref = args[0]
	} else if len(args) > 0 {
		return fmt.Errorf("%s is given a model twice: %s, and by --model %s",
			cmd.Name(), args[0], c.ref)
	}
	if err := onnx.Foreign(c.ref); err != nil {
		return fmt.Errorf("%s: %w", c.ref, err)
	}
	for _, name := range append([]string{"lipschitz", "random"}, onnxNames...) {
		if cmd.Flags().Changed(name) && !isONNX(c.ref) {
			return fmt.Errorf("--%s is of an ONNX file, and %s is none", name, c.ref)
		}
	}
	claim := c.file.Lipschitz
	if cmd.Flags().Changed("lipschitz") && !(claim > 0 && claim <= math.MaxFloat32) {
		return fmt.Errorf("--lipschitz %v: must be positive and finite", claim)
	}
	if err := cmp.Or(checkONNX(&c.file), checkRuntime(c.runtime)); err != nil {
		return err
	}
	if c.file.Random && claim > 0 {
		return fmt.Errorf("--random and --lipschitz: " +
			"logits that are drawn by chance change where an image doesn't")
	}
	if claim > 0 && c.precision != countlog.Float32 {
		return fmt.Errorf("--lipschitz and --precision %s: rounded inputs of products change logits in "+
			"steps", c.precision)
	}
	return nil
}

// load opens the classifier with its dataset, that of a name or path, or the one it was trained on,
// to draw from.
func (c *chosen) load(cmd *cobra.Command, ref string) (d *sample.Drawer, closing func(),
	err error) {
	o := &opened{log: cmd.ErrOrStderr(), precision: c.precision}
	if isONNX(c.ref) {
		if ref == "" {
			return nil, nil, fmt.Errorf("%s doesn't say what it classifies: "+
				"give a dataset with --data", c.ref)
		}
		set, err := loadFor(c.ref, c.file, ref, c.set)
		if err != nil {
			return nil, nil, err
		}
		m, err := serve(c.ref, c.file, set)
		if err != nil {
			return nil, nil, err
		}
		printNotes(o.log, m.Notes())
		d := &sample.Drawer{Classifier: m, Images: set}
		return d, func() { d.Close(); m.Close() }, nil
	}
	m, err := training.Load(c.ref)
	if err != nil {
		return nil, nil, err
	}
	own := c.set
	size, classes := m.Shape()
	own.Split, own.Size = cmp.Or(own.Split, data.Test), [2]int(size[:2])
	set, err := own.Load(cmp.Or(ref, m.Dataset))
	if err != nil {
		if ref == "" {
			err = fmt.Errorf("%w; the model was trained on it: give its path with --data", err)
		}
		return nil, nil, err
	}
	if err := set.Fit(classes); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.ref, err)
	}
	d = &sample.Drawer{Classifier: m, Images: set, Open: o.get}
	return d, d.Close, nil
}

// isONNX tells an ONNX file from the folder of a model that was trained here.
func isONNX(ref string) bool { return strings.EqualFold(filepath.Ext(ref), ".onnx") }
