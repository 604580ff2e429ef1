package lab

import (
	"math"
	"testing"

	"github.com/lipsmooth/lipsmooth/training/prove"
)

// Without PyTorch there is a file, and the proof of it has lost nothing.
func TestTorch(t *testing.T) {
	t.Setenv("PATH", "")
	p, err := prove.File(Torch(t.TempDir()), prove.Options{})
	if err != nil || p.Classes != 10 || !(p.Lambda.Value() < math.Sqrt2) {
		t.Errorf("%+v, %v", p, err)
	}
}
