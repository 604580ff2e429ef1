// Package backend says what an open GoMLX backend is: what run.json and model.json keep of it.
package backend

import (
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/lipsmooth/lipsmooth/internal/wheel"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Platform guesses a PJRT plugin's platform from its name or path, as go-xla does: "cpu", "cuda",
// or the plugin's own name.
func Platform(plugin string) string {
	base := strings.ToLower(filepath.Base(plugin))
	switch {
	case strings.Contains(base, "cuda"), strings.Contains(base, "nvidia"):
		return "cuda"
	case strings.Contains(base, "cpu"):
		return "cpu"
	}
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// plugin is the name or path of a backend's PJRT plugin; empty where the backend has none.
func plugin(b compute.Backend) string {
	if rounds, ok := b.(*bf16); ok {
		b = rounds.Backend
	}
	if x, ok := b.(interface{ PluginName() string }); ok {
		return x.PluginName()
	}
	return ""
}

// Name names a backend where draws depend on it: "go", "xla cpu", "xla cuda". (The backend's own
// Name is for people: "Go Backend".)
func Name(b compute.Backend) string {
	if p := plugin(b); p != "" {
		return b.String() + " " + Platform(p)
	}
	return b.String()
}

// Standard reports whether float32 sums are known to be sums of rounded products. They are on CPUs,
// and need not be with TF32 or with the fast transforms of CUDA's libraries.
func Standard(b compute.Backend) bool {
	p := plugin(b)
	return p == "" && b.String() == gobackend.BackendName || p != "" && Platform(p) == "cpu"
}

// Precision is what a backend multiplies float32 in: empty for float32, countlog.TF32 or BF16.
func Precision(b compute.Backend) string {
	if _, ok := b.(*bf16); ok {
		return countlog.BF16
	}
	if tf32(b) {
		return countlog.TF32
	}
	return ""
}

// Versions maps go, gomlx, compute, go-xla, onnx-gomlx, pjrt (the plugin's API), stablehlo and
// plugin (the package that the plugin came from) to versions, as far as they are known.
func Versions(b compute.Backend) map[string]string {
	versions := map[string]string{"go": runtime.Version()}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, m := range build.Deps {
			if name, ours := strings.CutPrefix(m.Path, "github.com/gomlx/"); ours &&
				slices.Contains([]string{"gomlx", "compute", "go-xla", "onnx-gomlx"}, name) {
				if m.Replace != nil {
					m = m.Replace
				}
				versions[name] = m.Version
			}
		}
	}
	if p := plugin(b); p != "" {
		pluginVersions(p, versions)
		if m, err := wheel.ReadMarker(p); err == nil {
			versions["plugin"] = m.Package + "==" + m.Version
		}
	}
	return versions
}
