package jupyter

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/lipsmooth/lipsmooth/internal/python"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// Setup installs the tools of this module, GoNB and goimports, and these Python packages.
var (
	//go:embed tools.mod
	toolsMod string
	//go:embed tools.sum
	toolsSum string
	//go:embed requirements.txt
	executing string
	//go:embed python.txt
	inPython string
	//go:embed lab.txt
	lab string
)

// Tools are installed, for the notebooks of one Home.
type Tools struct {
	home   Home
	python string   // of the environment
	env    []string // of every program run
}

// Options of [Setup].
type Options struct {
	Lab    bool      // installs JupyterLab too, and all that Python does
	Python bool      // installs the kernel of notebooks in Python, with pandas and matplotlib
	Log    io.Writer // gets progress; nil is silent
}

// Setup installs the missing tools into device.CacheDir, in folders named by the pinned versions.
// Several processes may call it at once. Its error is one line where Go, Python or the network is
// missing.
func Setup(ctx context.Context, h Home, o Options) (*Tools, error) {
	cache, err := device.CacheDir()
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	s := setup{Options: o, ctx: ctx}
	pins := []byte(runtime.Version() + executing + inPython + lab + toolsMod + toolsSum)
	s.dir = filepath.Join(cache, fmt.Sprintf("notebooks-%x",
		sha256.Sum256(pins))[:len("notebooks-")+12])
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(s.dir, "lock"))
	if _, err := lock.TryLockContext(ctx, time.Second); err != nil {
		return nil, fmt.Errorf("waiting for another setup of notebooks: %w", err)
	}
	defer lock.Close()

	bin, venv := filepath.Join(s.dir, "bin"), filepath.Join(s.dir, "python")
	t := &Tools{
		home: h, python: python.Interpreter(venv),
		// A cell's python3 is the environment's.
		env: append(os.Environ(), "PATH="+strings.Join([]string{bin,
			filepath.Dir(python.Interpreter(venv)), os.Getenv("PATH")},
			string(os.PathListSeparator)), "GOWORK="),
	}
	steps := []step{
		{"gonb", "compiling GoNB", func() error {
			return s.tools(append(t.env, "GOBIN="+bin, "GOWORK=off"))
		}},
		{"python", "making a Python environment",
			func() error { return python.Make(ctx, venv, leastPython) }},
		{"packages", "installing nbclient and nbconvert",
			func() error { return s.pip(t.python, executing) }},
		// An environment's own folder share/jupyter is where its Jupyter looks for kernels first.
		{"kernel", "installing the kernel", func() error {
			return s.run(filepath.Join(bin, "gonb"),
				append(t.env, "JUPYTER_DATA_DIR="+filepath.Join(venv, "share", "jupyter")),
				"--install", "--force_deps", "-raw_error")
		}},
	}
	if o.Python || o.Lab {
		steps = append(steps, step{"pandas", "installing pandas, matplotlib and ONNX Runtime",
			func() error { return s.pip(t.python, inPython) }})
	}
	if o.Lab {
		steps = append(steps, step{"lab", "installing JupyterLab",
			func() error { return s.pip(t.python, lab) }})
	}
	for _, step := range steps {
		if err := s.once(step); err != nil {
			return nil, err
		}
	}
	t.env, err = linking(ctx, t.env)
	return t, err
}

// linking adds to an environment that cells are linked fast. A cell is compiled in no time, and
// most of its start is linking.
func linking(ctx context.Context, env []string) ([]string, error) {
	text, err := exec.CommandContext(ctx, "go", "env", "GOFLAGS").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOFLAGS: %w", err)
	}
	flags := "-s -w" // neither symbols nor debugging
	if runtime.GOOS == "linux" {
		flags += " -linkmode=internal" // not by gcc
	}
	return append(env, fmt.Sprintf("GOFLAGS=%s '-ldflags=%s'", bytes.TrimSpace(text), flags)), nil
}

type setup struct {
	Options
	ctx context.Context
	dir string // all is installed below
}

// tools compiles the tools of the module that pins them.
func (s *setup) tools(env []string) error {
	dir := filepath.Join(s.dir, "tools")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"go.mod": toolsMod, "go.sum": toolsSum} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return s.run("go", env, "install", "-C", dir, "tool")
}

// step is done once: then a file of its name says so.
type step struct {
	name, doing string
	do          func() error
}

func (s *setup) once(step step) error {
	done := filepath.Join(s.dir, step.name+".done")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	fmt.Fprintf(s.Log, "notebooks: %s in %s\n", step.doing, s.dir)
	if err := step.do(); err != nil {
		return fmt.Errorf("%s: %w", step.doing, err)
	}
	return os.WriteFile(done, nil, 0o644)
}

// leastPython is what the pinned packages ask for.
const leastPython = "3.11"

// pip installs the packages that a file of requirements lists.
func (s *setup) pip(interpreter, requirements string) error {
	file := filepath.Join(s.dir, "requirements.txt")
	if err := os.WriteFile(file, []byte(requirements), 0o644); err != nil {
		return err
	}
	return python.Install(s.ctx, interpreter, "--requirement", file)
}

// run runs a program of the setup.
func (s *setup) run(program string, env []string, args ...string) error {
	err := python.Run(s.ctx, env, program, args...)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("no %s on PATH", program)
	case err != nil:
		return fmt.Errorf("`%s %s`: %w", filepath.Base(program),
			strings.Join(args[:min(3, len(args))], " "), err)
	}
	return nil
}
