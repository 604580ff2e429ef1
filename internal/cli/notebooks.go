package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lipsmooth/lipsmooth/notebooks/jupyter"
	"github.com/spf13/cobra"
)

// notebooks is what the command is asked for.
type notebooks struct {
	jupyter.Headless
	copy string // a folder; empty is none
}

func (n notebooks) check() error {
	switch {
	case n.Save && !n.Execute:
		return errors.New("--save keeps the outputs of --execute: give both")
	case n.copy != "" && (n.Execute || n.HTML != ""):
		return errors.New("--copy opens a copy; --execute and --html work where you are: give " +
			"one or the other")
	case n.Limit < time.Second:
		return fmt.Errorf("--limit %v: want at least 1s", n.Limit)
	}
	return nil
}

// home is where the notebooks are: the checkout or the copy that holds the working directory, or
// with --copy the source of this program.
func (n notebooks) home(ctx context.Context) (jupyter.Home, error) {
	home, err := jupyter.Here(".")
	if err != nil && n.copy != "" {
		home, err = jupyter.Source(ctx)
	}
	return home, err
}

func notebooksCommand() *cobra.Command {
	var n notebooks
	c := &cobra.Command{
		Use:   "notebooks [NAME…] [-- FLAG…]",
		Short: "Open the notebooks in JupyterLab, or execute them headless",
		Long: `Open notebooks in JupyterLab: the named ones, or all, of the checkout or the copy
that you are in. The command first installs GoNB and a Python environment with JupyterLab into the
user's cache folder. Go and Python 3.11 must be there. Flags after -- go to JupyterLab.

--copy works anywhere. Its folder becomes a Go module that requires this release of lipsmooth, or
replaces it by the checkout that the command was built from. Cells there import your own packages
too: own/NAME is the folder NAME.

--execute runs the notebooks headless instead and doesn't change them. A cell that panics, doesn't
compile or takes too long is an error, which names the cell and the reason. --save keeps the
outputs. --html exports pages of the executed notebooks. Without --execute, it exports the outputs
that the notebooks hold.`,
		Example: `  lipsmooth notebooks --copy my-notebooks
  lipsmooth notebooks --execute --html pages 01_quickstart`,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, lab := args, []string(nil)
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				names, lab = args[:at], args[at:]
			}
			if err := n.check(); err != nil {
				return err
			}
			home, err := n.home(cmd.Context())
			if err != nil {
				return err
			}
			paths, err := jupyter.Find(home, names...)
			if err != nil {
				return err
			}
			if n.copy != "" {
				if home, paths, err = jupyter.Copy(home, n.copy, paths); err != nil {
					return err
				}
			}
			python, err := jupyter.InPython(paths)
			if err != nil {
				return err
			}
			headless := n.Execute || n.HTML != ""
			t, err := jupyter.Setup(cmd.Context(), home, jupyter.Options{Lab: !headless,
				Python: python && n.Execute, Log: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			if headless {
				n.Out = cmd.OutOrStdout()
				return t.Headless(cmd.Context(), n.Headless, paths)
			}
			return t.Lab(cmd.Context(), home.Notebooks, paths, lab...)
		},
	}
	f := c.Flags()
	f.BoolVar(&n.Execute, "execute", false, "run them headless")
	f.BoolVar(&n.Save, "save", false, "with --execute: keep the outputs in the notebooks")
	f.StringVar(&n.HTML, "html", "", "folder to export HTML pages to")
	f.StringVar(&n.copy, "copy", "", "folder to open copies in, made where they aren't yet")
	f.DurationVar(&n.Limit, "limit", 10*time.Minute, "with --execute: the longest that a cell "+
		"may take")
	return c
}
