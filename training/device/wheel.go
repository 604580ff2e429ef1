package device

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

	"github.com/lipsmooth/lipsmooth/internal/wheel"
)

// pin is a wheel with a PJRT plugin, and its platform. go-xla reads the platform from the file's
// name.
type pin struct {
	platform string
	wheel.Wheel
}

var cpuWheel = pin{"cpu", wheel.Wheel{
	Folder: "pjrt", Package: "lammps-jax-pjrt-cpu", Version: "0.11.2",
	SHA256:   "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
	Download: 62_711_338,
	Member:   "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so", Size: 201_600_336,
	File: "pjrt_c_api_cpu_plugin.so",
}}

// cudaWheel needs NVIDIA's CUDA 13 and cuDNN beside it: see linkNVIDIA.
var cudaWheel = pin{"cuda", wheel.Wheel{
	Folder: "pjrt", Package: "jax-cuda13-pjrt", Version: "0.12.0.1",
	SHA256:   "5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90",
	Download: 134_922_808,
	Member:   "jax_plugins/xla_cuda13/xla_cuda_plugin.so", Size: 395_967_648,
	File: "pjrt_c_api_cuda_plugin.so",
}}

var wheels = []pin{cudaWheel, cpuWheel}

// Install installs the pinned plugin, for the CPU or for CUDA, into [CacheDir], unless it is there
// already. It returns the plugin's path. Several processes may install at once. Each writes a
// separate folder, and the first to finish renames its folder into place. On platforms other than
// linux/amd64 there is no pinned plugin, and go-xla's installer runs for the CPU.
func Install(ctx context.Context, cuda bool, progress io.Writer) (path string, err error) {
	f := newFinder(Options{Log: progress, Quiet: progress == nil})
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		if cuda {
			return "", fmt.Errorf("device: the CUDA plugin is for linux/amd64, not %s/%s",
				runtime.GOOS, runtime.GOARCH)
		}
		if err := f.runGoXLA(ctx); err != nil {
			return "", fmt.Errorf("device: %w", err)
		}
		found, _ := f.installed("cpu")
		if len(found) == 0 {
			return "", errors.New("device: go-xla's installer ran, and go-xla finds no plugin")
		}
		return found[0].path, nil
	}
	w := cpuWheel
	if cuda {
		w = cudaWheel
	}
	if path, err = f.Installer.Install(ctx, w.Wheel); err != nil {
		return "", fmt.Errorf("device: %w", err)
	}
	if cuda {
		linkNVIDIA(ctx, path, f.Progress)
	}
	return path, nil
}

// linkNVIDIA links the folder where the CUDA plugin looks for NVIDIA's libraries, ../nvidia, to
// Python's package of these libraries. Where there is no such package, it says what to do.
func linkNVIDIA(ctx context.Context, plugin string, progress io.Writer) {
	link := filepath.Join(filepath.Dir(filepath.Dir(plugin)), "nvidia")
	if _, err := os.Stat(filepath.Join(link, "cu13")); err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "-c",
		"import nvidia; print(list(nvidia.__path__)[0])")
	cmd.WaitDelay = time.Second
	text, err := cmd.Output()
	folder := strings.TrimSpace(string(text))
	if err == nil {
		_, err = os.Stat(filepath.Join(folder, "cu13"))
	}
	if err == nil {
		_ = os.Remove(link)
		err = os.Symlink(folder, link)
	}
	if err != nil {
		fmt.Fprintf(progress,
			"lipsmooth: the CUDA plugin also needs CUDA 13 and cuDNN 9: "+
				"pip install 'jax-cuda13-plugin[with-cuda]==%s' "+
				"and run `lipsmooth setup --cuda` again, "+
				"or name their folders in LD_LIBRARY_PATH\n",
			cudaWheel.Version)
	}
}
