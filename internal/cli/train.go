package cli

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// bind binds every field of a training.Config to a flag.
func bind(f *pflag.FlagSet, c *training.Config) {
	f.StringVar(&c.Architecture, "arch", c.Architecture, "architecture: conv, residual or dense")
	f.StringVar(&c.Convolution, "conv", c.Convolution, "convolution: aol or bcop")
	f.IntVar(&c.Width, "width", c.Width, "channels of the first convolution")
	f.IntVar(&c.Epochs, "epochs", c.Epochs, "epochs")
	f.IntVar(&c.Images, "epoch-images", c.Images, "images an epoch takes; 0 is all")
	f.IntVar(&c.Batch, "batch", c.Batch, "images a step")
	f.Float64Var(&c.LearningRate, "lr", c.LearningRate, "peak learning rate of Adam")
	f.Float64Var(&c.Sigma, "sigma", c.Sigma, "standard deviation of the training noise, images being in [0, 1]")
	f.Float64Var(&c.Offset, "offset", c.Offset, "margin the loss asks for, in units of radius")
	f.Float64Var(&c.Temperature, "temperature", c.Temperature, "temperature of the loss, in units of radius")
	f.BoolVar(&c.Flip, "flip", c.Flip, "mirror images by chance")
	f.IntVar(&c.Crop, "crop", c.Crop, "shift images by up to so many pixels by chance")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of weights, order and noise")
	f.IntVar(&c.CheckpointEvery, "checkpoint-every", c.CheckpointEvery, "steps between checkpoints")
}

func trainCommand() *cobra.Command {
	config := training.Default()
	var ref, out string
	c := &cobra.Command{
		Use:   "train",
		Short: "Train a Lipschitz-bounded classifier and prove its bound",
		Long: `Train a classifier with Gaussian noise and save it with the proved bound of each layer. Stopped
and started again with the same flags, it goes on from its last checkpoint.`,
		Example: "  lipsmooth train --data mnist --sigma 0.25 --epochs 5 --out models/mnist-0.25",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			trainSet, testSet, err := data.Open(ref)
			if err != nil {
				return err
			}
			o := &opened{log: cmd.ErrOrStderr()}
			if err := o.open(cmd.Context()); err != nil {
				return err
			}
			m, err := training.Train(cmd.Context(), o.backend, config, trainSet, testSet, out, training.Options{
				Bar: terminal(cmd.OutOrStdout()), Log: cmd.ErrOrStderr(), Versions: o.Versions,
			})
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), summary(m))
			fmt.Fprintln(cmd.OutOrStdout(), "saved in", out)
			return nil
		},
	}
	bind(c.Flags(), &config)
	c.Flags().StringVar(&ref, "data", "mnist", "dataset: mnist, cifar10, or a path")
	c.Flags().StringVar(&out, "out", "model", "folder of the model")
	return c
}

// summary is a trained model in one line.
func summary(m *training.Model) string {
	return fmt.Sprintf("model %.12s: accuracy %.4f, verified %.4f at radius 0.5, average radius %.3f; Λ = %.5f proved, slope %.5f observed",
		m.Hash, m.Metrics.Accuracy, m.Metrics.Verified["0.5"], m.Metrics.AverageRadius, m.Lambda.Value(), m.Metrics.Slope)
}
