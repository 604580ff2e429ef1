package onnx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lipsmooth/lipsmooth/internal/wheel"
)

// LibraryPath is the environment variable that names the shared library of one's own ONNX Runtime.
const LibraryPath = "ONNXRUNTIME_SHARED_LIBRARY_PATH"

// ErrNoRuntime is where no ONNX Runtime is installed.
var ErrNoRuntime = errors.New("no ONNX Runtime: run `lipsmooth setup --onnx`, or set " +
	LibraryPath + " to its shared library")

// pinned holds the library for CPUs, which needs no Python: wheels differ by the version of Python,
// and the library doesn't.
var pinned = wheel.Wheel{
	Folder: "onnxruntime", Package: "onnxruntime", Version: "1.32.0",
	SHA256:   "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
	Download: 27_773_237,
	Pip: []string{"--python-version=3.11", "--implementation=cp", "--abi=cp311",
		"--platform=manylinux_2_28_x86_64"},
	Member: "onnxruntime/capi/libonnxruntime.so.1.32.0", Size: 34_824_680,
	File: "libonnxruntime.so.1.32.0",
}

// Install installs the pinned ONNX Runtime into lipsmooth's cache folder, unless it is there, and
// returns its path.
func Install(ctx context.Context, progress io.Writer) (path string, err error) {
	if path, err = wheel.NewInstaller(progress).Install(ctx, pinned); err != nil {
		return "", fmt.Errorf("onnx: %w: or set %s to a library of your own", err, LibraryPath)
	}
	return path, nil
}

// Library finds the shared library: the one that [LibraryPath] names, or else the installed one. It
// returns [ErrNoRuntime] where there is none.
func Library() (path string, err error) {
	if path := os.Getenv(LibraryPath); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%s: %w", LibraryPath, err)
		}
		return path, nil
	}
	cache, err := wheel.Dir()
	if err != nil {
		return "", err
	}
	path, ok := pinned.Installed(cache)
	if !ok {
		return "", ErrNoRuntime
	}
	return path, nil
}

// Runtime is the version of ONNX Runtime that runs the model.
func (m *Model) Runtime() string { return m.version }
