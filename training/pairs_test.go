package training

import (
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// Weights of pairs never promise more than what is proved of each pair. Rows that are equally far
// apart have none.
func TestPairWeights(t *testing.T) {
	c := small()
	if w := mustLearn(t, c, 8, t.TempDir()).PairWeights(); w != nil {
		t.Errorf("orthonormal rows have weights %v", w)
	}
	c.Last = "normalised"
	m := mustLearn(t, c, 8, t.TempDir())
	proof, err := m.Prove()
	if err != nil {
		t.Fatal(err)
	}
	weights := sample.Pairs(m).PairWeights()
	if (weights != nil) != m.Identity().PairMargins {
		t.Error("run.json says otherwise")
	}
	for a, row := range weights {
		for b, w := range row {
			if w < 1 || float64(float32(w)) != w || w != weights[b][a] ||
				w > 1 && w*proof.Pairs[a][b] > m.Lambda.Value() {
				t.Errorf("classes %d and %d: weight %v, bound %v, Λ %v", a, b, w, proof.Pairs[a][b],
					m.Lambda.Value())
			}
		}
	}
	t.Logf("weights %v", weights)
}
