package lip

import . "github.com/gomlx/gomlx/core/graph"

// BCOPTaps is the number of projectors that a k×k BCOP kernel takes: k-1 for each direction.
func BCOPTaps(k int) int { return 2 * (k - 1) }

// BCOP builds a kernel [k, k, in, out] whose circular convolution is orthogonal (rows or columns
// orthonormal where in ≠ out): the block convolution of 2-tap paraunitary filters
// (P, I-P), P a projector on half of the channels, along each axis (Xiao et al. 2018; Li et al. 2019).
// mix is [in, out], orthonormalised; half is [2(k-1), c, c/2], c = max(in, out).
func BCOP(mix, half *Node, k, iterations int) *Node {
	d, c := mix.Shape().Dimensions, half.Shape().Dimensions[1]
	id := identity(mix, c)
	line := func(first int) []*Node { // taps of one axis, k matrices [c, c]
		taps := []*Node{id}
		for t := first; t < first+k-1; t++ {
			r := Bjorck(Squeeze(Slice(half, AxisElem(t)), 0), iterations)
			p := Einsum("ij,kj->ik", r, r)
			q := Sub(id, p)
			next := make([]*Node, len(taps)+1)
			for i := range next {
				if i < len(taps) {
					next[i] = DotProduct(taps[i], p)
				}
				if i > 0 {
					n := DotProduct(taps[i-1], q)
					if next[i] != nil {
						n = Add(next[i], n)
					}
					next[i] = n
				}
			}
			taps = next
		}
		return taps
	}
	rows, columns := line(0), line(k-1)
	m := Bjorck(mix, iterations)
	// The wide side carries the filters: after the mix where it widens, before it where it narrows.
	kernel := make([]*Node, 0, k*k)
	for _, a := range rows {
		for _, b := range columns {
			f := DotProduct(a, b)
			if d[1] > d[0] {
				f = DotProduct(m, f)
			} else {
				f = DotProduct(f, m)
			}
			kernel = append(kernel, f)
		}
	}
	return Reshape(Stack(kernel, 0), k, k, d[0], d[1])
}
