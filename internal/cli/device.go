package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/internal/backend"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// opened is a backend, opened when first asked for.
type opened struct {
	backend compute.Backend
	device.Info
	log       io.Writer
	precision string // as device.Options has it
}

func (o *opened) open(ctx context.Context) error {
	if o.backend != nil {
		return nil
	}
	var err error
	if o.backend, o.Info, err = device.Open(ctx, device.Options{Log: o.log,
		Precision: o.precision}); err == nil {
		fmt.Fprintf(o.log, "backend: %s\n", o.Info)
	}
	return err
}

// get opens the backend, for a sample.Drawer.
func (o *opened) get(ctx context.Context) (compute.Backend, error) {
	err := o.open(ctx)
	return o.backend, err
}

// String names the backend where draws depend on it.
func (o *opened) String() string { return backend.Name(o.backend) }
