package lip

import (
	"testing"
)

func TestResidualNorm(t *testing.T) {
	for _, c := range []struct{ w, want float64 }{{0, 1}, {0.5, 1}, {1, 1}, {1.5, 3.5}, {2, 7}} {
		if got := ResidualNorm(Bound{c.w, "test"}).Value(); got < c.want || got > c.want*(1+1e-14) {
			t.Errorf("ResidualNorm(%v) = %v, want %v", c.w, got, c.want)
		}
	}
}

// TestInnerBound: with more units than channels hardly an input leaves a direction as it is, so 1
// isn't attained; the bound on W is tight all the same.
func TestInnerBound(t *testing.T) {
	for _, c := range []struct {
		layer Residual
		in    Size
	}{
		{Residual{Kernel: 3, Inner: 8}, Size{7, 7, 4}},
		{Residual{Kernel: 3, Inner: 6, Padding: Zero}, Size{5, 7, 3}},
		{Residual{Kind: "cpl", Kernel: 3, Inner: 8}, Size{5, 6, 3}},
	} {
		w := must(Trained(pure, c.layer, c.in, 50))
		hidden := Size{c.in[0], c.in[1], c.layer.Inner}
		g := Geometry{Size{3, 3}, hidden, c.in[2], 1, c.layer.Padding == Zero}
		bound, most := c.layer.InnerBound(w, c.in).Value(),
			singular(t, convolutionMatrix(flat(w[0]), g))[0]
		if !(most <= bound && bound <= 1.001*most) ||
			c.layer.Bound(w, c.in).Value() > max(1, 2*bound*bound-1)*(1+1e-12) {
			t.Errorf("%v: ‖W‖ is %v, bound %v", c.layer, most, bound)
		}
	}
}
