package sample_test

import (
	"context"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// backends are XLA, where there is a plugin, and pure Go.
var backends = func() func(testing.TB) []compute.Backend {
	var list []compute.Backend
	return func(t testing.TB) []compute.Backend {
		if list != nil {
			return list
		}
		if b, info, err := device.Open(context.Background(), device.Options{NoInstall: true, Quiet: true}); err == nil && info.Name != "go" {
			list = append(list, b)
		} else {
			t.Log("no XLA plugin: the pure-Go backend alone is tested", err)
		}
		b, err := compute.NewWithConfig("go")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
		return list
	}
}()
