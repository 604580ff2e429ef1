package cli

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/spf13/cobra"
)

func compareCommand() *cobra.Command {
	c := certify.Default()
	level, out := 0.95, ""
	cmd := &cobra.Command{
		Use:   "compare RUN...",
		Short: "Set runs, models, noise levels and methods side by side, with paired intervals",
		Long: `Certify runs and print the average certified radius of each method and run. Each run is
compared with the first one. The change is paired over the images that both have, and ± is half of
its confidence interval over images. The sign ~ stands where the interval holds 0: the images don't
show which is larger. Each interval has its level by itself, so of 20 changes that are none, about
one is shown at 95%. Of one run alone, each method is compared with mono.

compare writes compare.tsv and its figure.`,
		Example: `  lipsmooth compare runs/mnist-0.25 runs/mnist-0.5
  lipsmooth compare runs/mnist-0.25 --method mono,cpm,adaptive`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(checkAlpha(c.Alpha), flagged(nil, c.Check())); err != nil {
				return err
			}
			if !(0 < level && level < 1) {
				return fmt.Errorf("--interval %v: must lie between 0 and 1", level)
			}
			w := printer(cmd)
			x, err := compareRuns(c, level, args)
			if err != nil {
				return err
			}
			if err := w.Table("comparison", x.Table(), x.Summary()); err != nil {
				return err
			}
			fmt.Fprintf(w, "note: ± is half of a %g%% confidence interval over images, and ~ a change "+
				"that isn't shown\n", 100*level)
			f, err := figures.Compare(x)
			if err != nil {
				return err
			}
			files, err := f.Save(cmp.Or(out, filepath.Join(args[0], "figures")), "")
			if err == nil {
				fmt.Fprintf(w, "\n%s\n%s\n", files[len(files)-2], files[1])
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&c.Methods, "method", nil, "methods, separated by commas, or all; default: "+
		"those of certify")
	f.Float64Var(&c.Alpha, "alpha", c.Alpha, "error probability of each certificate")
	f.Float64Var(&level, "interval", level, "level of the confidence intervals")
	f.StringVar(&out, "out", "", "folder for compare.tsv and the figure; default: RUN/figures of the "+
		"first run")
	return cmd
}

// compareRuns certifies the runs of folders and compares them.
func compareRuns(c certify.Config, level float64, dirs []string) (*certify.Comparison, error) {
	var results []*certify.Result
	for _, dir := range dirs {
		run, err := certify.Open(dir)
		if err != nil {
			return nil, err
		}
		x, err := run.Certify(c)
		if err != nil {
			return nil, err
		}
		results = append(results, x)
	}
	return certify.Compare(level, results...)
}
