package training

import (
	"testing"

	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// Two groups of points on a line have their means, however they are ordered.
func TestKMeans(t *testing.T) {
	got := kMeans([]float32{0, 0, 10, 10, 1, 1, 11, 11}, 2, 2)
	for i, want := range []float32{0.5, 0.5, 10.5, 10.5} {
		if got[i] != want {
			t.Errorf("means %v, want 0.5 and 10.5", got)
			break
		}
	}
}

// Every preset is a config that trains.
func TestPresets(t *testing.T) {
	for _, p := range Presets {
		c := p.Config.Complete()
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		size := map[string]lip.Size{"mnist": {28, 28, 1}, "cifar10": {32, 32, 3}}[p.Data]
		if _, err := net.New(size, 10, c.Network()); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}
