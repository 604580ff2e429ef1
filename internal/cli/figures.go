package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/spf13/cobra"
)

// curveFile is the training curve in a model's folder.
const curveFile = "training.tsv"

// drawing gathers what figures are made from: the run, the runs at other noise in its folder sigma, and
// the training curve of the model in it.
func drawing(l *loaded, dir string, alpha float64) (figures.Input, error) {
	in := figures.Input{Runs: []figures.Sampled{l.Sampled}, Alpha: alpha}
	others, err := filepath.Glob(filepath.Join(dir, sweepFolder, "*", countlog.RunFile))
	if err != nil {
		return in, err
	}
	for _, other := range others {
		other = filepath.Dir(other)
		s, err := load(other, alpha, -1)
		if err != nil {
			return in, err
		}
		if err := alike(other, s.Run, dir, l.Run); err != nil {
			return in, err
		}
		in.Runs = append(in.Runs, s.Sampled)
		l.notes = append(l.notes, s.notes...)
	}
	path := filepath.Join(dir, attackFile)
	switch f, err := os.Open(path); {
	case err == nil:
		defer f.Close()
		if in.Attacks, err = readAttacks(f, path); err != nil {
			return in, err
		}
	case !errors.Is(err, os.ErrNotExist):
		return in, err
	}
	path = filepath.Join(dir, modelFolder, curveFile)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return in, nil
	}
	if err != nil {
		return in, err
	}
	defer f.Close()
	in.Metrics, err = figures.ReadTable(f, path)
	return in, err
}

// draw saves the named figures, or every one the input has what it needs for, and returns one path of
// each. Nothing is saved where a named one can't be drawn.
func draw(in figures.Input, names []string, out string) (paths, notes []string, err error) {
	entries, err := figuresByName(names)
	if err != nil {
		return nil, nil, err
	}
	var drawn []*figures.Figure
	for _, e := range entries {
		figure, err := e.Draw(in)
		switch {
		case err == nil:
			drawn = append(drawn, figure)
		case len(names) > 0:
			return nil, nil, err
		default:
			notes = append(notes, fmt.Sprintf("left out: %v", err))
		}
	}
	for _, figure := range drawn {
		files, err := figure.Save(out, "")
		if err != nil {
			return nil, nil, err
		}
		paths = append(paths, files[1])
	}
	return paths, notes, nil
}

// figuresByName finds entries of figures.List, all of them where no name is given.
func figuresByName(names []string) (entries []figures.Entry, err error) {
	if len(names) == 0 {
		return figures.List, nil
	}
	for _, name := range names {
		e, err := figures.ByName(name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func figuresCommand() *cobra.Command {
	var alpha float64
	var out string
	var list strings.Builder
	for _, e := range figures.List {
		fmt.Fprintf(&list, "  %-10s %s\n", e.Name, e.Doc)
	}
	c := &cobra.Command{
		Use:   "figures RUN [NAME…]",
		Short: "Draw figures of a run as SVG, PNG and PDF, each with its numbers as TSV",
		Long: `Draw the named figures of a run, or all it has what they need for, without a device.

Figures:
` + list.String(),
		Example: "  lipsmooth figures runs/mnist-0.25 radius margins --out figures",
		Args: func(cmd *cobra.Command, args []string) error {
			return one("run's folder")(cmd, args[:min(1, len(args))])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := figuresByName(args[1:]); err != nil {
				return err
			}
			l, err := load(args[0], alpha, -1)
			if err != nil {
				return err
			}
			in, err := drawing(l, args[0], alpha)
			if err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join(args[0], "figures")
			}
			paths, notes, err := draw(in, args[1:], out)
			if err != nil {
				return err
			}
			for _, n := range append(l.notes, notes...) {
				fmt.Fprintln(cmd.ErrOrStderr(), "note:", n)
			}
			for _, p := range paths {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
			return nil
		},
	}
	c.Flags().Float64Var(&alpha, "alpha", 0.001, "error probability of each certificate")
	c.Flags().StringVar(&out, "out", "", "folder for the files; default: RUN/figures")
	return c
}
