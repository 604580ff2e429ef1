//go:build !(((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64)) && !noxla)

package backend

import "github.com/gomlx/compute"

func pluginVersions(string, map[string]string) {}

func tf32(compute.Backend) bool { return false }
