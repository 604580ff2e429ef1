package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/spf13/cobra"
)

func mergeCommand() *cobra.Command {
	var partial bool
	c := &cobra.Command{
		Use:   "merge OUT SHARD...",
		Short: "Merge runs of the same settings and other examples into one",
		Long: `Merge runs that were sampled in parts, with the same settings and each its own examples, into the folder of one run: the bytes
are those of a run sampled in one piece. Refused are examples that two shards have, examples of the plan that none has
(unless --partial), and settings that differ. A temperature's tuning runs are merged by themselves.`,
		Example: "  lipsmooth merge runs/all runs/part-0 runs/part-1",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("merge takes the folder to make and the runs to merge, and was given %d; see %s --help", len(args), c.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			run, rows, err := countlog.Merge(cmd.Context(), args[0], partial, args[1:]...)
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "%s: %d of %d examples, of %d runs; next: lipsmooth certify %s\n", args[0], rows, run.Examples.Count, len(args)-1, args[0])
			if _, err := os.Stat(filepath.Join(args[1], tuningFolder)); err == nil {
				fmt.Fprintf(w, "note: without the tuning images of %s: merge those into %s, or copy them there\n", args[1], filepath.Join(args[0], tuningFolder))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&partial, "partial", false, "let examples of the plan be missing")
	return c
}
