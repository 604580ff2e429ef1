// Package cli is the lipsmooth command: one file a subcommand, over the packages that do the work.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/lipsmooth/lipsmooth/internal/help"
	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/internal/version"
	"github.com/spf13/cobra"
)

// commands makes every subcommand; a new one is a file and a line here.
var commands = []func() *cobra.Command{
	reproduceCommand, trainCommand, sampleCommand, certifyCommand, figuresCommand, infoCommand,
	setupCommand, coverageCommand,
	importCommand, verifyCommand, mergeCommand, jobCommand, attackCommand, boundCommand,
	benchCommand,
	notebooksCommand, reportCommand, exportCommand, compareCommand,
}

// Main runs the command and returns its exit status: 0, 1 after an error, which is one line
// on stderr.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second interrupt ends the process at once.
	context.AfterFunc(ctx, stop)
	stderr = terminal.NewPrinter(stderr)
	err := Run(ctx, args, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "lipsmooth: interrupted:", interrupted(err))
	default:
		fmt.Fprintln(stderr, "lipsmooth:", oneline.Error(err))
	}
	return 1
}

// interrupted is what an interrupt cut off.
func interrupted(err error) string {
	what := strings.TrimRight(strings.TrimSuffix(oneline.Error(err).Error(),
		context.Canceled.Error()), ": ")
	if what == "" {
		return "the same command goes on from what is done"
	}
	return what
}

// printer takes what a command prints on standard output.
func printer(c *cobra.Command) *terminal.Printer { return c.OutOrStdout().(*terminal.Printer) }

// Run runs the command.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	out := terminal.NewPrinter(stdout)
	root := &cobra.Command{
		Use:   "lipsmooth",
		Short: "Certified robustness by randomized smoothing and Lipschitz networks",
		Long: `lipsmooth trains Lipschitz-bounded classifiers, samples their predictions under
Gaussian noise, and certifies l2 radii from the samples.

  lipsmooth reproduce        does all of it, on MNIST`,
		Version:       version.String(),
		SilenceErrors: true, SilenceUsage: true,
		Args: func(root *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return fmt.Errorf("unknown command %q%s; see lipsmooth --help", args[0],
				named.Hint(args[0], namesOf(root.Commands(), (*cobra.Command).Name)))
		},
		RunE: func(root *cobra.Command, _ []string) error { return root.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if out.Quiet {
				c.Root().SetErr(io.Discard)
			}
			out.Set("command", c.Name())
			return noEmptyFlag(c)
		},
	}
	f := root.PersistentFlags()
	f.BoolVar(&out.JSON, "json", false, "print one JSON document, with the tables, and no text")
	f.BoolVar(&out.Quiet, "quiet", false, "print results alone: no progress and no notes")
	for _, c := range commands {
		root.AddCommand(c())
	}
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(help.FlagError)
	help.Install(root)
	complete(root)
	err := root.ExecuteContext(ctx)
	return errors.Join(err, out.Close(err))
}
