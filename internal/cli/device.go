package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// opened is a backend, opened when first asked for.
type opened struct {
	backend compute.Backend
	device.Info
	log io.Writer
}

func (o *opened) open(ctx context.Context) error {
	if o.backend != nil {
		return nil
	}
	var err error
	if o.backend, o.Info, err = device.Open(ctx, device.Options{Log: o.log}); err == nil {
		fmt.Fprintf(o.log, "backend: %s\n", o.Info)
	}
	return err
}

// standard says whether float32 sums are known to be sums of rounded products. They aren't with
// TF32, nor with the fast transforms that CUDA's libraries may use.
func (o *opened) standard() bool { return o.Platform == "cpu" || o.Name == "go" }

// String names the backend where draws depend on it.
func (o *opened) String() string {
	if o.Platform == o.Name {
		return o.Name
	}
	return o.Name + " " + o.Platform
}
