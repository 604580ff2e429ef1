package lab

import (
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

func TestMatrix(t *testing.T) {
	m := Matrix(tensors.FromValue([][]float32{{1, 2, 3}, {4, 5, 6.5}}))
	if want := mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6.5}); !mat.Equal(m, want) {
		t.Errorf("got %v, want %v", m, want)
	}
	panics(t, "is no matrix", func() { Matrix(tensors.FromValue([]float32{1})) })
}
