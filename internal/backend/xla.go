//go:build ((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64)) && !noxla

package backend

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

// tf32 reports whether a backend multiplies in TF32.
func tf32(b compute.Backend) bool {
	x, ok := b.(*xla.Backend)
	return ok && x.IsCUDA() && x.DotGeneralUseTF32
}

// pluginVersions adds what a loaded plugin says of itself. go-xla panics on a file that is none.
func pluginVersions(plugin string, versions map[string]string) {
	defer func() { _ = recover() }()
	p, err := pjrt.GetPlugin(plugin)
	if err != nil {
		return
	}
	major, minor := p.Version()
	versions["pjrt"] = fmt.Sprintf("%d.%d", major, minor)
	if v, ok := p.Attributes()["stablehlo_current_version"].([]int64); ok && len(v) == 3 {
		versions["stablehlo"] = fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
	}
}
