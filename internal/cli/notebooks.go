package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
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
		return errors.New("--copy opens a copy; --execute and --html work on the checkout's " +
			"notebooks: give one or the other")
	case n.Limit < time.Second:
		return fmt.Errorf("--limit %v: want at least 1s", n.Limit)
	}
	return nil
}

// open opens JupyterLab on the notebooks at paths, in place or on a copy.
func (n notebooks) open(ctx context.Context, t *jupyter.Tools, checkout string, paths,
	lab []string) error {
	dir := filepath.Join(checkout, "notebooks")
	if n.copy != "" {
		var err error
		if dir, err = filepath.Abs(n.copy); err != nil {
			return err
		}
		if paths, err = jupyter.Copy(checkout, dir, paths); err != nil {
			return err
		}
	}
	return t.Lab(ctx, dir, paths, lab...)
}

func notebooksCommand() *cobra.Command {
	var n notebooks
	c := &cobra.Command{
		Use:   "notebooks [NAME…] [-- FLAG…]",
		Short: "Open the notebooks in JupyterLab, or execute them headless",
		Long: `Open notebooks of the checkout in JupyterLab: the named ones, or all. The command
first installs GoNB and a Python environment with JupyterLab into the user's cache folder. Go and
Python 3.11 must be there. Flags after -- go to JupyterLab.

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
			checkout, err := jupyter.Checkout(".")
			if err != nil {
				return err
			}
			paths, err := jupyter.Find(checkout, names...)
			if err != nil {
				return err
			}
			headless := n.Execute || n.HTML != ""
			t, err := jupyter.Setup(cmd.Context(), checkout,
				jupyter.Options{Lab: !headless, Log: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			if headless {
				n.Out = cmd.OutOrStdout()
				return t.Headless(cmd.Context(), n.Headless, paths)
			}
			return n.open(cmd.Context(), t, checkout, paths, lab)
		},
	}
	f := c.Flags()
	f.BoolVar(&n.Execute, "execute", false, "run them headless")
	f.BoolVar(&n.Save, "save", false, "with --execute: keep the outputs in the notebooks")
	f.StringVar(&n.HTML, "html", "", "folder to export HTML pages to")
	f.StringVar(&n.copy, "copy", "", "folder to open copies in, made where they aren't yet; "+
		"default: the checkout's own, in place")
	f.DurationVar(&n.Limit, "limit", 10*time.Minute, "with --execute: the longest that a cell "+
		"may take")
	return c
}
