//go:build !(((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64)) && !noxla)

package device

import (
	"context"
	"errors"
)

const haveXLA = false

var xlaNames map[string]bool

func searchGoXLA() (map[string]string, error) { return nil, nil }
func installGoXLA(context.Context) error      { return errors.New("this build has no XLA") }
