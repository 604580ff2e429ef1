package device

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A wheel pins a Python package that holds a PJRT plugin, for linux/amd64. The hash is the
// one the Python package index publishes; pip checks it, and so do we.
type wheel struct {
	platform         string
	Package, Version string
	SHA256           string // of the wheel
	download         int64  // bytes of the wheel, for the progress line
	member           string // of the plugin inside the wheel
	size             int64  // bytes of the plugin
	file             string // the plugin's name on disk, which go-xla reads its platform from
}

var cpuWheel = wheel{
	platform: "cpu", Package: "lammps-jax-pjrt-cpu", Version: "0.11.2",
	SHA256:   "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
	download: 62_711_338,
	member:   "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so", size: 201_600_336,
	file: "pjrt_c_api_cpu_plugin.so",
}

// cudaWheel needs NVIDIA's CUDA 13 and cuDNN beside it: see linkNVIDIA.
var cudaWheel = wheel{
	platform: "cuda", Package: "jax-cuda13-pjrt", Version: "0.12.0.1",
	SHA256:   "5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90",
	download: 134_922_808,
	member:   "jax_plugins/xla_cuda13/xla_cuda_plugin.so", size: 395_967_648,
	file: "pjrt_c_api_cuda_plugin.so",
}

var wheels = []wheel{cudaWheel, cpuWheel}

// marker stands beside an installed plugin: what was verified when it was installed.
type marker struct {
	Package      string `json:"package"`
	Version      string `json:"version"`
	WheelSHA256  string `json:"wheel_sha256"`
	PluginSHA256 string `json:"plugin_sha256"`
	Size         int64  `json:"size"` // bytes of the plugin
}

const markerName = "installed.json"

func readMarker(plugin string) (m marker, err error) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(plugin), markerName))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	return m, err
}

// Install installs the pinned plugin, of the CPU or of CUDA, into [CacheDir] and returns
// its path; where it is there already, that is all. Processes may install at once: each
// writes a folder of its own and the first to finish renames it into place. Off
// linux/amd64 there is no pinned plugin, and go-xla's installer runs for the CPU.
func Install(ctx context.Context, cuda bool, progress io.Writer) (path string, err error) {
	f := newFinder(Options{Log: progress, Quiet: progress == nil})
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		if cuda {
			return "", fmt.Errorf("device: the CUDA plugin is for linux/amd64, not %s/%s", runtime.GOOS, runtime.GOARCH)
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
	if path, err = f.installWheel(ctx, w); err != nil {
		return "", fmt.Errorf("device: %w", err)
	}
	if cuda {
		linkNVIDIA(ctx, path, f.progress)
	}
	return path, nil
}

func (w wheel) name() string { return w.Package + "==" + w.Version }

// folder of the wheel below the cache; the plugin lies one deeper, since its run path looks
// for NVIDIA's libraries in ../nvidia.
func (w wheel) folder(cache string) string {
	return filepath.Join(cache, "pjrt", w.Package+"-"+w.Version)
}

// installed tells where the plugin lies and whether a marker vouches for it: the pinned
// hash, and the size on disk. Nothing of the plugin is read.
func (w wheel) installed(cache string) (path string, ok bool) {
	path = filepath.Join(w.folder(cache), "plugin", w.file)
	m, err := readMarker(path)
	if err != nil || m.WheelSHA256 != w.SHA256 || m.Size != w.size {
		return path, false
	}
	info, err := os.Stat(path)
	return path, err == nil && info.Size() == w.size
}

// installWheel downloads, verifies and unpacks w unless it is installed.
func (f *finder) installWheel(ctx context.Context, w wheel) (path string, err error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("the wheel %s is for linux/amd64, not %s/%s", w.name(), runtime.GOOS, runtime.GOARCH)
	}
	cache, err := f.cache()
	if err != nil {
		return "", err
	}
	path, ok := w.installed(cache)
	if ok {
		return path, nil
	}
	parent := filepath.Dir(w.folder(cache))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("installing %s: %w", w.name(), err)
	}
	sweep(parent)
	temp, err := os.MkdirTemp(parent, tempPrefix)
	if err != nil {
		return "", fmt.Errorf("installing %s: %w", w.name(), err)
	}
	defer os.RemoveAll(temp)
	file, err := f.runPip(ctx, w, temp)
	if err != nil {
		return "", fmt.Errorf("installing %s: %w", w.name(), err)
	}
	fmt.Fprintf(f.progress, "lipsmooth: unpacking %s (%d MB)\n", w.name(), w.size/1e6)
	ready := filepath.Join(temp, "ready")
	if err := w.unpack(file, ready); err != nil {
		return "", fmt.Errorf("installing %s: %w", w.name(), err)
	}
	// The first of several processes wins; what is there and not vouched for makes way.
	for range 5 {
		err = os.Rename(ready, w.folder(cache))
		if _, ok := w.installed(cache); ok {
			return path, nil
		}
		if err != nil {
			aside, _ := os.MkdirTemp(parent, tempPrefix)
			_ = os.Rename(w.folder(cache), filepath.Join(aside, "stale"))
			defer os.RemoveAll(aside)
		}
	}
	return "", fmt.Errorf("installing %s: cannot move it to %s: %w", w.name(), w.folder(cache), err)
}

const tempPrefix = ".installing-"

// sweep removes what installs that were killed have left, a day later.
func sweep(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, tempPrefix+"*"))
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			os.RemoveAll(dir)
		}
	}
}

// unpack checks the wheel's hash and writes plugin and marker below dir.
func (w wheel) unpack(file, dir string) error {
	sum := sha256.New()
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := io.Copy(sum, in); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != w.SHA256 {
		return fmt.Errorf("%s refused: its sha256 is %s, pinned is %s: clear pip's cache (`pip cache purge`) or check the package index pip uses", filepath.Base(file), got, w.SHA256)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	defer z.Close()
	member, err := z.Open(w.member)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	defer member.Close()
	folder := filepath.Join(dir, "plugin")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(folder, w.file), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer out.Close()
	sum.Reset()
	n, err := io.Copy(io.MultiWriter(out, sum), member)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", filepath.Base(file), w.member, err)
	}
	if n != w.size {
		return fmt.Errorf("%s: %s has %d bytes, want %d", filepath.Base(file), w.member, n, w.size)
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return err
	}
	text, err := json.MarshalIndent(marker{w.Package, w.Version, w.SHA256, hex.EncodeToString(sum.Sum(nil)), n}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, markerName), append(text, '\n'), 0o644)
}

// runPip has pip download w into dir and returns the wheel's path. pip knows the user's
// mirrors and proxies; it gets one retry, and is stopped when it stalls.
func (f *finder) runPip(ctx context.Context, w wheel, dir string) (string, error) {
	requirements := filepath.Join(dir, "requirements.txt")
	line := fmt.Sprintf("%s --hash=sha256:%s\n", w.name(), w.SHA256)
	if err := os.WriteFile(requirements, []byte(line), 0o644); err != nil {
		return "", err
	}
	target, scratch := filepath.Join(dir, "wheel"), filepath.Join(dir, "pip")
	if err := errors.Join(os.Mkdir(target, 0o755), os.Mkdir(scratch, 0o755)); err != nil {
		return "", err
	}
	err := errors.New("no pip on PATH (python3 -m pip, pip3 or pip): install Python 3 with pip")
	for _, command := range f.pip {
		program, lookErr := exec.LookPath(command[0])
		if lookErr != nil {
			continue
		}
		args := append(command[1:len(command):len(command)], "download",
			"--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input", "--disable-pip-version-check",
			"--quiet", "--retries=1", "--timeout=15", "--dest", target, "--requirement", requirements)
		var text []byte
		text, err = f.runWatched(ctx, w, dir, program, args, append(os.Environ(), "TMPDIR="+scratch))
		if err == nil {
			found, _ := filepath.Glob(filepath.Join(target, "*.whl"))
			if len(found) != 1 {
				return "", fmt.Errorf("`%s download` left %d wheels, want 1", strings.Join(command, " "), len(found))
			}
			return found[0], nil
		}
		err = fmt.Errorf("`%s download %s`: %w%s", strings.Join(command, " "), w.name(), err, lastLines(text))
		if !bytes.Contains(text, []byte("No module named pip")) {
			break
		}
	}
	return "", err
}

// runWatched runs a command that downloads w below dir, tells how far it is, and stops it
// when ctx or pipLimit ends it, or dir has not grown for stallLimit.
func (f *finder) runWatched(ctx context.Context, w wheel, dir, program string, args, env []string) ([]byte, error) {
	limited, cancel := context.WithTimeoutCause(ctx, f.pipLimit, fmt.Errorf("stopped after %v", f.pipLimit))
	defer cancel()
	running, stop := context.WithCancelCause(limited)
	defer stop(nil)
	var text bytes.Buffer
	cmd := exec.CommandContext(running, program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &text, &text
	cmd.WaitDelay = time.Second // children may hold the pipe
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()

	terminal := isTerminal(f.progress)
	if !terminal {
		fmt.Fprintf(f.progress, "lipsmooth: downloading %s (%d MB)\n", w.name(), w.download/1e6)
	}
	tick := time.NewTicker(min(300*time.Millisecond, f.stallLimit/4))
	defer tick.Stop()
	size, grew := int64(-1), time.Now()
	for {
		select {
		case err := <-done:
			if terminal {
				fmt.Fprint(f.progress, "\r\033[K")
			}
			if cause := context.Cause(running); err != nil && cause != nil {
				err = cause
			}
			return text.Bytes(), err
		case <-tick.C:
			if n := folderSize(dir); n != size {
				size, grew = n, time.Now()
			} else if time.Since(grew) > f.stallLimit {
				stop(fmt.Errorf("stopped: nothing downloaded for %v", f.stallLimit))
			}
			if terminal {
				fmt.Fprintf(f.progress, "\rlipsmooth: downloading %s: %d of %d MB", w.name(), min(size, w.download)/1e6, w.download/1e6)
			}
		}
	}
}

func folderSize(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil
	})
	return bytes
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// lastLines are pip's own last words, for an error of one line.
func lastLines(text []byte) string {
	lines := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) == 0 {
		return ""
	}
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	if last := lines[len(lines)-1]; strings.HasPrefix(last, "ERROR:") {
		return ": " + last
	}
	return ": " + strings.Join(lines[max(0, len(lines)-2):], "; ") // "Expected …", "Got …"
}

// linkNVIDIA links the folder where the CUDA plugin looks for NVIDIA's libraries, ../nvidia,
// to Python's package of them, and says what to do where there is none.
func linkNVIDIA(ctx context.Context, plugin string, progress io.Writer) {
	link := filepath.Join(filepath.Dir(filepath.Dir(plugin)), "nvidia")
	if _, err := os.Stat(filepath.Join(link, "cu13")); err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "-c", "import nvidia; print(list(nvidia.__path__)[0])")
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
		fmt.Fprintf(progress, "lipsmooth: the CUDA plugin also needs CUDA 13 and cuDNN 9: pip install 'jax-cuda13-plugin[with-cuda]==%s' "+
			"and run `lipsmooth setup --cuda` again, or name their folders in LD_LIBRARY_PATH\n", cudaWheel.Version)
	}
}
