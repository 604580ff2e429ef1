package lip

import . "github.com/gomlx/gomlx/core/graph"

// BCOPTaps is the number of projectors that a k×k BCOP kernel takes: k-1 for each direction.
func BCOPTaps(k int) int { return 2 * (k - 1) }

// BCOP builds a kernel [k, k, in, out] whose circular convolution is orthogonal (rows or columns
// orthonormal where in ≠ out): the block convolution of 2-tap paraunitary filters
// (P, I-P), P a projector on half of the channels, along each axis (Xiao et al. 2018; Li et al. 2019).
// mix is [in, out], orthonormalised; half is [2(k-1), c, c/2], c = max(in, out), nil for k = 1.
func BCOP(mix, half *Node, k, iterations int) *Node {
	d := mix.Shape().Dimensions
	m := Bjorck(mix, iterations)
	if k == 1 {
		return Reshape(m, 1, 1, d[0], d[1])
	}
	c := half.Shape().Dimensions[1]
	r := Bjorck(half, iterations)
	projectors := Split(Einsum("nij,nkj->nik", r, r), 0, BCOPTaps(k))
	line := func(projectors []*Node) *Node { // taps of one axis, [k, c, c]
		taps := ExpandAxes(identity(mix, c), 0)
		for _, p := range projectors {
			// Tap i of the product with (P, I-P) is tap i times P and tap i-1 times I-P.
			none := ZerosLike(SliceAxis(taps, 0, AxisElem(0)))
			here, before := Concatenate([]*Node{taps, none}, 0), Concatenate([]*Node{none, taps}, 0)
			taps = Add(before, Einsum("nij,jk->nik", Sub(here, before), Squeeze(p, 0)))
		}
		return taps
	}
	rows, columns := line(projectors[:k-1]), line(projectors[k-1:])
	// The wide side carries the filters: after the mix where it widens, before it where it narrows.
	if d[1] > d[0] {
		rows = Einsum("im,nmj->nij", m, rows)
	} else {
		columns = Einsum("nij,jm->nim", columns, m)
	}
	return Einsum("yij,xjk->yxik", rows, columns)
}
