package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Environments are Python's virtual environments below a folder, one a module, each made once.
type Environments struct {
	Dir string
	Log io.Writer
}

// marker, written last, holds the requirements that an environment has.
const marker = "requirements.txt"

// Python returns the interpreter of an environment that holds p. One that is missing, of other requirements or broken is made
// anew, by Python 3 with venv and the package index that pip is set to use.
func (e Environments) Python(ctx context.Context, p Peer) (python string, err error) {
	dir := filepath.Join(e.Dir, p.Module)
	python = filepath.Join(dir, "bin", "python")
	if runtime.GOOS == "windows" {
		python = filepath.Join(dir, "Scripts", "python.exe")
	}
	requirements := strings.Join(p.Requirements, "\n")
	works := func() error { return run(ctx, python, "-I", "-c", "import "+p.Module) }
	if text, err := os.ReadFile(filepath.Join(dir, marker)); err == nil && string(text) == requirements && works() == nil {
		return python, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	base, err := exec.LookPath("python3")
	if err != nil {
		if base, err = exec.LookPath("python"); err != nil {
			return "", errors.New("no python3 on PATH: install Python 3 with pip and venv")
		}
	}
	fmt.Fprintf(e.Log, "lipsmooth: installing %s into %s, once\n", strings.Join(p.Requirements, " "), dir)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(e.Dir, 0o755)); err != nil {
		return "", err
	}
	if err := run(ctx, base, "-m", "venv", dir); err != nil {
		return "", fmt.Errorf("python3 -m venv: %w", err)
	}
	if len(p.Requirements) > 0 {
		install := append([]string{"-m", "pip", "install", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet",
			"--retries=1", "--timeout=15"}, p.Requirements...)
		if err := run(ctx, python, install...); err != nil {
			return "", fmt.Errorf("pip install, which takes a network or a mirror that pip is set to: %w", err)
		}
	}
	if err := works(); err != nil {
		return "", fmt.Errorf("import %s, as installed: %w", p.Module, err)
	}
	return python, os.WriteFile(filepath.Join(dir, marker), []byte(requirements), 0o666)
}

// run runs a program; its last words are in the error.
func run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w%s", err, lastLine(text))
	}
	return nil
}
