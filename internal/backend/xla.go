//go:build ((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64)) && !noxla

package backend

import (
	"fmt"

	"github.com/gomlx/go-xla/pjrt"
)

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
