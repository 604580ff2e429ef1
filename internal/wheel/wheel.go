// Package wheel installs a shared library out of a pinned Python wheel. pip downloads the wheel,
// and a hash checks it.
package wheel

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

// A Wheel pins a Python package that holds a library, for linux/amd64. The hash is the
// one the Python package index publishes; pip checks it, and so do we.
type Wheel struct {
	Folder           string // below the cache folder, of wheels of its kind
	Package, Version string
	SHA256           string   // of the wheel
	Download         int64    // bytes of the wheel, for the progress line
	Pip              []string // arguments of pip, where it would not choose this wheel by itself
	Member           string   // of the library inside the wheel
	Size             int64    // bytes of the library
	File             string   // the library's name on disk
}

// Dir is the folder for what lipsmooth downloads: os.UserCacheDir()/lipsmooth.
func Dir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder (set XDG_CACHE_HOME or HOME): %w", err)
	}
	return filepath.Join(dir, "lipsmooth"), nil
}

// Installer is how wheels are installed.
type Installer struct {
	Cache    func() (string, error) // the cache folder
	Progress io.Writer
	Pip      [][]string // commands to try in turn
	// PipLimit ends one run of pip, and StallLimit a run that neither downloads nor ends.
	PipLimit, StallLimit time.Duration
}

// NewInstaller installs into [Dir].
func NewInstaller(progress io.Writer) Installer {
	if progress == nil {
		progress = io.Discard
	}
	return Installer{
		Cache: Dir, Progress: progress, PipLimit: 15 * time.Minute, StallLimit: 45 * time.Second,
		Pip: [][]string{{"python3", "-m", "pip"}, {"pip3"}, {"pip"}, {"python", "-m", "pip"}},
	}
}

// Marker stands beside an installed library: what was verified when it was installed.
type Marker struct {
	Package      string `json:"package"`
	Version      string `json:"version"`
	WheelSHA256  string `json:"wheel_sha256"`
	PluginSHA256 string `json:"plugin_sha256"`
	Size         int64  `json:"size"` // bytes of the library
}

const markerName = "installed.json"

// ReadMarker reads the marker beside an installed library.
func ReadMarker(library string) (m Marker, err error) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(library), markerName))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	return m, err
}

func (w Wheel) name() string { return w.Package + "==" + w.Version }

// folder is the wheel's folder below the cache. The library lies one folder deeper, since CUDA's
// plugin looks for NVIDIA's libraries in ../nvidia.
func (w Wheel) folder(cache string) string {
	return filepath.Join(cache, w.Folder, w.Package+"-"+w.Version)
}

// Installed tells where the library lies and whether a marker vouches for it: the pinned
// hash, and the size on disk. Nothing of the library is read.
func (w Wheel) Installed(cache string) (path string, ok bool) {
	path = filepath.Join(w.folder(cache), "plugin", w.File)
	m, err := ReadMarker(path)
	if err != nil || m.WheelSHA256 != w.SHA256 || m.Size != w.Size {
		return path, false
	}
	info, err := os.Stat(path)
	return path, err == nil && info.Size() == w.Size
}

// Install downloads, verifies and unpacks w unless it is installed.
func (f Installer) Install(ctx context.Context, w Wheel) (path string, err error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("the wheel %s is for linux/amd64, not %s/%s", w.name(), runtime.GOOS,
			runtime.GOARCH)
	}
	cache, err := f.Cache()
	if err != nil {
		return "", err
	}
	path, ok := w.Installed(cache)
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
	fmt.Fprintf(f.Progress, "lipsmooth: unpacking %s (%d MB)\n", w.name(), w.Size/1e6)
	ready := filepath.Join(temp, "ready")
	if err := w.unpack(file, ready); err != nil {
		return "", fmt.Errorf("installing %s: %w", w.name(), err)
	}
	// The first of several processes wins; what is there and not vouched for makes way.
	for range 5 {
		err = os.Rename(ready, w.folder(cache))
		if _, ok := w.Installed(cache); ok {
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

// unpack checks the wheel's hash and writes library and marker below dir.
func (w Wheel) unpack(file, dir string) error {
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
		return fmt.Errorf("%s refused: its sha256 is %s, pinned is %s: clear pip's cache (`pip "+
			"cache purge`) or check the package index pip uses", filepath.Base(file), got, w.SHA256)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	defer z.Close()
	member, err := z.Open(w.Member)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	defer member.Close()
	folder := filepath.Join(dir, "plugin")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(folder, w.File), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer out.Close()
	sum.Reset()
	n, err := io.Copy(io.MultiWriter(out, sum), member)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", filepath.Base(file), w.Member, err)
	}
	if n != w.Size {
		return fmt.Errorf("%s: %s has %d bytes, want %d", filepath.Base(file), w.Member, n, w.Size)
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return err
	}
	text, err := json.MarshalIndent(Marker{w.Package, w.Version, w.SHA256,
		hex.EncodeToString(sum.Sum(nil)), n}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, markerName), append(text, '\n'), 0o644)
}

// runPip has pip download w into dir and returns the wheel's path. pip knows the user's
// mirrors and proxies; it gets one retry, and is stopped when it stalls.
func (f Installer) runPip(ctx context.Context, w Wheel, dir string) (string, error) {
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
	for _, command := range f.Pip {
		program, lookErr := exec.LookPath(command[0])
		if lookErr != nil {
			continue
		}
		args := append(command[1:len(command):len(command)], "download",
			"--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input",
			"--disable-pip-version-check",
			"--quiet", "--retries=1", "--timeout=15", "--dest", target, "--requirement",
			requirements)
		args = append(args, w.Pip...)
		var text []byte
		text, err = f.runWatched(ctx, w, dir, func(ctx context.Context) *exec.Cmd {
			cmd := exec.CommandContext(ctx, program, args...)
			cmd.Env = append(os.Environ(), "TMPDIR="+scratch)
			return cmd
		})
		if err == nil {
			found, _ := filepath.Glob(filepath.Join(target, "*.whl"))
			if len(found) != 1 {
				return "", fmt.Errorf("`%s download` left %d wheels, want 1",
					strings.Join(command, " "), len(found))
			}
			return found[0], nil
		}
		err = fmt.Errorf("`%s download %s`: %w%s", strings.Join(command, " "), w.name(), err,
			lastLines(text))
		if !bytes.Contains(text, []byte("No module named pip")) {
			break
		}
	}
	return "", err
}

// runWatched runs a command that downloads w below dir. It reports how much is there. It stops the
// command when ctx ends, after PipLimit, and where dir has not grown for StallLimit.
func (f Installer) runWatched(ctx context.Context, w Wheel, dir string,
	command func(context.Context) *exec.Cmd) ([]byte, error) {
	limited, cancel := context.WithTimeoutCause(ctx, f.PipLimit,
		fmt.Errorf("stopped after %v", f.PipLimit))
	defer cancel()
	running, stop := context.WithCancelCause(limited)
	defer stop(nil)
	var text bytes.Buffer
	cmd := command(running)
	cmd.Stdout, cmd.Stderr = &text, &text
	cmd.WaitDelay = time.Second // children may hold the pipe
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()

	terminal := isTerminal(f.Progress)
	if !terminal {
		fmt.Fprintf(f.Progress, "lipsmooth: downloading %s (%d MB)\n", w.name(), w.Download/1e6)
	}
	tick := time.NewTicker(min(300*time.Millisecond, f.StallLimit/4))
	defer tick.Stop()
	size, grew := int64(-1), time.Now()
	for {
		select {
		case err := <-done:
			if terminal {
				fmt.Fprint(f.Progress, "\r\033[K")
			}
			if cause := context.Cause(running); err != nil && cause != nil {
				err = cause
			}
			return text.Bytes(), err
		case <-tick.C:
			if n := folderSize(dir); n != size {
				size, grew = n, time.Now()
			} else if time.Since(grew) > f.StallLimit {
				stop(fmt.Errorf("stopped: nothing downloaded for %v", f.StallLimit))
			}
			if terminal {
				fmt.Fprintf(f.Progress, "\rlipsmooth: downloading %s: %d of %d MB", w.name(),
					min(size, w.Download)/1e6, w.Download/1e6)
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
