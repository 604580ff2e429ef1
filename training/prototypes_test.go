package training

import (
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
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

// A network of prototypes knows distances of at least its margin's radius. Others know none.
func TestDistance(t *testing.T) {
	if m, _ := uninterrupted(t); m.Distance() != nil {
		t.Error("a linear network knows a distance")
	}
	c := small()
	c.Architecture, c.Width, c.Sigma = "prototypes", 3, 0
	m := mustLearn(t, c, 4, t.TempDir())
	distance := m.Distance()
	_, testSet := bars(t, 4, 200)
	z := logits(t, m, testSet)
	image, classes := make([]float32, testSet.Size()), m.Classes()
	for i := range testSet.Len() {
		if err := testSet.Images(image, []int{i}); err != nil {
			t.Fatal(err)
		}
		clean, err := rs.CleanOf(z[i*classes:][:classes])
		if err != nil {
			t.Fatal(err)
		}
		radius := rs.CleanRadius(clean.Margin, m.Lambda.Value())
		if d := distance(image, clean.Class); !(d >= radius*0.999-1e-4) || d > 4 {
			t.Errorf("image %d: distance %v, radius of the margin %v", i, d, radius)
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
