package lab

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/lipsmooth/lipsmooth/notebooks/show"
)

// Lipsmooth runs the lipsmooth command: Lipsmooth("sample", "model", "--sigma=0.25"). It prints the
// command and its results, and shows progress meanwhile. A repeated command continues where it
// stopped.
func Lipsmooth(args ...string) {
	fmt.Println("$ lipsmooth", strings.Join(args, " "))
	status := show.NewStatus()
	defer status.Close()
	if err := command(os.Stdout, status, args...); err != nil {
		panic(fmt.Sprintf("lipsmooth %s: %v", args[0], err))
	}
}

// command runs the lipsmooth command. Its error is the line that the command ends with.
func command(stdout, stderr io.Writer, args ...string) error {
	program, err := built()
	if err != nil {
		return err
	}
	var said bytes.Buffer
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = stdout, io.MultiWriter(stderr, &said)
	if err := c.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		if last, ok := strings.CutPrefix(lines[len(lines)-1], "lipsmooth: "); ok {
			return errors.New(last)
		}
		return err
	}
	return nil
}

// built is the path of the command's program. The program is built into the user's cache folder,
// from the checkout that holds this package.
var built = sync.OnceValues(func() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	checkout := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	program := filepath.Join(folder, "lipsmooth",
		fmt.Sprintf("notebooks-%.4x", sha256.Sum256([]byte(checkout))), "lipsmooth")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir, build.Env = checkout, append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the command: %w: %s", err, bytes.TrimSpace(out))
	}
	return program, nil
})
