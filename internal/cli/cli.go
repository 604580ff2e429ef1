// Package cli is the lipsmooth command: one file a subcommand, over the packages that do the work.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/internal/version"
	"github.com/spf13/cobra"
)

// commands makes every subcommand; a new one is a file and a line here.
var commands = []func() *cobra.Command{
	reproduceCommand, trainCommand, sampleCommand, certifyCommand, figuresCommand, infoCommand,
	setupCommand, coverageCommand,
	importCommand, verifyCommand, mergeCommand, jobCommand, attackCommand, boundCommand,
	benchCommand,
	notebooksCommand, reportCommand, exportCommand,
}

// Main runs the command and returns its exit status: 0, 1 after an error, which is one line
// on stderr.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second interrupt ends the process at once.
	context.AfterFunc(ctx, stop)
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

// Run runs the command.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	root := &cobra.Command{
		Use:   "lipsmooth",
		Short: "Certified robustness by randomized smoothing and Lipschitz networks",
		Long: `lipsmooth trains Lipschitz-bounded classifiers, samples their predictions under
Gaussian noise, and certifies l2 radii from the samples.

  lipsmooth reproduce        does all of it, on MNIST`,
		Version:       version.String(),
		SilenceErrors: true, SilenceUsage: true,
	}
	for _, c := range commands {
		root.AddCommand(c())
	}
	root.PersistentPreRunE = noEmptyFlag
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.HiddenDefaultCmd = true
	return root.ExecuteContext(ctx)
}
