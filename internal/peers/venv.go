package peers

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/python"
)

// Environments are Python's virtual environments below a folder, one a module, each made once.
type Environments struct {
	Dir string
	Log io.Writer
	// Interpreter has every peer's modules already. Empty is none.
	Interpreter string
}

// marker, written last, holds the requirements that an environment has.
const marker = "requirements.txt"

// Python returns the interpreter of an environment that holds p. It makes the environment anew
// where that is missing or broken, or has other requirements. That needs Python 3 with venv and the
// package index that pip is set to use.
func (e Environments) Python(ctx context.Context, p Peer) (interpreter string, err error) {
	if e.Interpreter != "" {
		return e.Interpreter, nil
	}
	dir := filepath.Join(e.Dir, p.Module)
	interpreter = python.Interpreter(dir)
	requirements := strings.Join(p.Requirements, "\n")
	works := func() error {
		return python.Run(ctx, nil, interpreter, "-I", "-c", "import "+p.Module)
	}
	if text, err := os.ReadFile(filepath.Join(dir, marker)); err == nil &&
		string(text) == requirements && works() == nil {
		return interpreter, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(e.Dir, 0o755); err != nil {
		return "", err
	}
	if err := python.Make(ctx, dir, ""); err != nil {
		return "", err
	}
	fmt.Fprintf(e.Log, "lipsmooth: installing %s into %s, once\n",
		strings.Join(p.Requirements, " "), dir)
	if len(p.Requirements) > 0 {
		if err := python.Install(ctx, interpreter, p.Requirements...); err != nil {
			return "", err
		}
	}
	if err := works(); err != nil {
		return "", fmt.Errorf("import %s, as installed: %w", p.Module, err)
	}
	return interpreter, os.WriteFile(filepath.Join(dir, marker), []byte(requirements), 0o666)
}
