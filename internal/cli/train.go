package cli

import (
	"context"
	"fmt"

	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
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

// train trains a model in the folder dir, or loads it where that is done, without a device. bar says
// whether the standard output is a terminal to draw on.
func train(ctx context.Context, o *opened, c training.Config, trainSet, testSet *data.Dataset, dir string, bar bool) (*training.Model, error) {
	if _, err := net.New(c.Architecture, lip.Size{trainSet.Height, trainSet.Width, trainSet.Channels}, c.Convolution, c.Width, trainSet.Classes()); err != nil {
		return nil, fmt.Errorf("training on %s: %w", trainSet.Name, err)
	}
	hash, err := trainSet.Hash()
	if err != nil {
		return nil, err
	}
	if there, err := training.ReadInfo(dir); err == nil && there.Config == c && there.DataHash == hash {
		return training.Load(dir)
	}
	if err := o.open(ctx); err != nil {
		return nil, err
	}
	return training.Train(ctx, o.backend, c, trainSet, testSet, dir, training.Options{Bar: bar, Log: o.log, Versions: o.Versions})
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
			if err := config.Validate(); err != nil {
				return err
			}
			trainSet, testSet, err := data.Open(ref)
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			m, err := train(cmd.Context(), &opened{log: cmd.ErrOrStderr()}, config, trainSet, testSet, out, terminal(w))
			if err != nil {
				return err
			}
			fmt.Fprintln(w, summary(m))
			fmt.Fprintln(w, "saved in", out)
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
