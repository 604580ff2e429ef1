package jupyter

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/python"
)

//go:embed notebook.py
var program string

// notebooks is the environment variable that tells a cell, which is executed elsewhere, where the
// notebooks lie.
const notebooks = "LIPSMOOTH_NOTEBOOKS"

// Execution has the settings of an execution.
type Execution struct {
	Folder string        // the cells' own, where runs are kept
	Out    string        // file of the notebook with its outputs, which may be the input
	Cell   time.Duration // the longest that a cell may take, at least a second
}

// A CellError names the cell of a notebook that failed.
type CellError struct {
	Path string // of the notebook
	What string // the cell, its first line, and why it failed
}

func (e *CellError) Error() string { return e.Path + ": " + e.What }

// Execute executes a notebook headless and returns how many cells of code it has. Execution ends at
// the first cell that fails. A cell fails if it doesn't compile, panics, takes too long, or if it
// or its shell command exits with a status other than 0. Then the error is a *CellError, and
// nothing is written. Paths of this machine don't get into the outputs.
func (t *Tools) Execute(ctx context.Context, path string, e Execution) (cells int, err error) {
	dir, err := filepath.Abs(e.Folder)
	if err != nil {
		return 0, err
	}
	text, err := t.notebook(ctx, "execute", path, map[string]any{
		"module": t.home.Module, "folder": dir, "out": e.Out, "seconds": int(e.Cell.Seconds()),
	})
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 3 &&
		ctx.Err() == nil {
		return 0, &CellError{path, text}
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// HTML writes a notebook as an HTML page.
func (t *Tools) HTML(ctx context.Context, path, out string) error {
	_, err := t.notebook(ctx, "html", path, map[string]any{"out": out})
	return err
}

// Headless says what is done with notebooks that nobody looks at.
type Headless struct {
	Execute bool          // the cells, in a folder that is removed afterwards
	Save    bool          // keep the outputs in the notebooks
	HTML    string        // folder of a page for each notebook; empty is none
	Limit   time.Duration // the longest that a cell may take, at least a second
	Out     io.Writer     // gets a line for each notebook and page
}

// Headless executes and exports notebooks. A page shows the outputs of Execute, or those that the
// notebook holds.
func (t *Tools) Headless(ctx context.Context, h Headless, paths []string) error {
	scratch, err := os.MkdirTemp("", "lipsmooth-notebooks-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if h.HTML != "" {
		if err := os.MkdirAll(h.HTML, 0o755); err != nil {
			return err
		}
	}
	for _, path := range paths {
		name, shown := Name(path), path
		if h.Execute {
			if !h.Save {
				shown = filepath.Join(scratch, name+".ipynb")
			}
			begun := time.Now()
			cells, err := t.Execute(ctx, path, Execution{Folder: scratch, Out: shown, Cell: h.Limit})
			if err != nil {
				return err
			}
			fmt.Fprintf(h.Out, "%s: %d cells in %.0f s\n", name, cells, time.Since(begun).Seconds())
		}
		if h.HTML != "" {
			page := filepath.Join(h.HTML, name+".html")
			if err := t.HTML(ctx, shown, page); err != nil {
				return err
			}
			fmt.Fprintln(h.Out, page)
		}
	}
	return nil
}

// notebook runs notebook.py and returns its output.
func (t *Tools) notebook(ctx context.Context, what, path string, options map[string]any) (string,
	error) {
	text, err := json.Marshal(options)
	if err != nil {
		return "", err
	}
	// -P: modules in the working directory are somebody else's.
	cmd := exec.CommandContext(ctx, t.python, "-P", "-c", program, what, path, string(text))
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = append(t.env, notebooks+"="+t.home.Notebooks), &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends the kernel
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		err = fmt.Errorf("%s: %w%s", path, err, python.LastWords(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), err
}

// Lab opens JupyterLab on the folder dir, with further arguments, and returns when JupyterLab is
// closed. The notebooks at paths are trusted: their sliders work before the notebooks are run.
func (t *Tools) Lab(ctx context.Context, dir string, paths []string, args ...string) error {
	for _, path := range paths {
		if _, err := t.notebook(ctx, "sign", path, nil); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, t.python,
		append([]string{"-P", "-m", "jupyterlab", "--ServerApp.root_dir=" + dir}, args...)...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = t.env, os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("JupyterLab: %w", err)
	}
	return nil
}
