// Package python runs Python 3, in virtual environments that are made once.
package python

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Interpreter is that of an environment.
func Interpreter(dir string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(dir, "Scripts", "python.exe")
	}
	return filepath.Join(dir, "bin", "python")
}

// Make makes an environment anew, with a Python 3 on PATH of version least or later, such as
// "3.11". An empty least takes any version.
func Make(ctx context.Context, dir, least string) error {
	wanted := "Python 3"
	if least != "" {
		wanted = "Python " + least + " or later"
	}
	err := errors.New("no python3 on PATH: install " + wanted + " with pip and venv")
	for _, name := range []string{"python3", "python"} {
		path, lookErr := exec.LookPath(name)
		if lookErr != nil {
			continue
		}
		if least != "" {
			check := fmt.Sprintf("import sys; sys.exit('%%d.%%d is older than %s' %% "+
				"sys.version_info[:2] if sys.version_info[:2] < (%s) else 0)",
				least, strings.ReplaceAll(least, ".", ", "))
			if err = Run(ctx, nil, path, "-c", check); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
				continue
			}
		}
		if err = Run(ctx, nil, path, "-m", "venv", dir, "--clear"); err != nil {
			return fmt.Errorf("python3 -m venv: %w (on Debian, apt install python3-venv)", err)
		}
		return nil
	}
	return err
}

// Install runs the pip of an environment with these arguments, with one retry. Without a network,
// it fails within a minute.
func Install(ctx context.Context, python string, args ...string) error {
	args = append([]string{"-m", "pip", "install", "--only-binary=:all:", "--no-input",
		"--disable-pip-version-check", "--quiet",
		"--retries=1", "--timeout=15"}, args...)
	if err := Run(ctx, nil, python, args...); err != nil {
		return fmt.Errorf("pip install, which takes a network or a mirror that pip is set to: %w",
			err)
	}
	return nil
}

// Run runs a program with these environment variables. A nil env is this process's own. An error
// ends with the program's last words.
func Run(ctx context.Context, env []string, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.WaitDelay = env, time.Second // of processes it started
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w%s", err, LastWords(string(text)))
	}
	return nil
}

// LastWords returns, after a colon, the last line of a program's output that begins with ERROR, or
// else its last line.
func LastWords(text string) string {
	last := ""
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && (strings.HasPrefix(line, "ERROR") ||
			!strings.HasPrefix(last, "ERROR")) {
			last = line
		}
	}
	if last != "" {
		last = ": " + last
	}
	return last
}
