package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/spf13/cobra"
)

func mergeCommand() *cobra.Command {
	var partial bool
	var sign signing
	c := &cobra.Command{
		Use:   "merge OUT SHARD...",
		Short: "Merge shards of a run into one",
		Long: `Merge runs of the same settings and different examples into the folder of one run,
with their tuning images. The rows are those of a run that was sampled in one piece. merge refuses
shards of different settings. It refuses a shard or an example that is there twice, and without
--partial also one that is missing. It refuses rows and settings that differ from a shard's seal.
The merged seal keeps the seals of all shards, which verify compares again.`,
		Example: "  lipsmooth merge runs/whole runs/mnist/shard-*",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("merge takes the folder to make and the runs to merge, and was "+
					"given %d; see %s --help", len(args), c.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := sign.load(); err != nil {
				return err
			}
			run, rows, err := countlog.Merge(cmd.Context(), args[0], partial, args[1:]...)
			if err != nil {
				return err
			}
			var tuning []string
			for _, dir := range args[1:] {
				if shard, err := countlog.ReadRun(dir); err == nil && countlog.Renamed(run,
					shard) != "" {
					fmt.Fprintf(cmd.ErrOrStderr(), "note: %s: %s; the hashes are equal\n", dir,
						countlog.Renamed(run, shard))
				}
				if dir = filepath.Join(dir, countlog.TuningFolder); exists(dir) {
					tuning = append(tuning, dir)
				}
			}
			if len(tuning) > 0 {
				if _, _, err := countlog.Merge(cmd.Context(),
					filepath.Join(args[0], countlog.TuningFolder), partial, tuning...); err != nil {
					return errors.Join(err, os.RemoveAll(args[0]))
				}
			}
			if err := sign.run(args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d of %d examples, of %d runs; next: lipsmooth certify %s\n",
				args[0], rows, run.Examples.Count, len(args)-1, quoted(args[0]))
			return nil
		},
	}
	sign.bind(c.Flags())
	c.Flags().BoolVar(&partial, "partial", false, "let examples of the plan be missing")
	return c
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
