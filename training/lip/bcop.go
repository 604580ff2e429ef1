package lip

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// BCOPTaps is the number of projectors of a k×k BCOP kernel: k-1 for each direction.
func BCOPTaps(k int) int { return 2 * (k - 1) }

// BCOP builds a kernel [k, k, in, out] whose circular convolution is orthogonal. Where in ≠ out,
// its rows or columns are orthonormal. The kernel is a block convolution of 2-tap paraunitary
// filters (P, I-P) along each axis, P a projector on half of the channels (Xiao et al. 2018; Li et
// al. 2019).
//
// The rows or columns of mix, [in, out], are orthonormal, and so are the columns of half,
// [2(k-1), c, c/2], with c = max(in, out). The projectors come from half. For k = 1, half is nil.
// Cost: about k²·c³ products.
func BCOP(mix, half *Node, k int) *Node {
	d := mix.Shape().Dimensions
	if k == 1 {
		return Reshape(mix, 1, 1, d[0], d[1])
	}
	c := half.Shape().Dimensions[1]
	projectors := Split(Einsum("nij,nkj->nik", half, half), 0, BCOPTaps(k))
	line := func(projectors []*Node) *Node { // taps of one axis, [k, c, c]
		taps := ExpandAxes(identity(mix, c), 0)
		for _, p := range projectors {
			// Tap i of the product with (P, I-P) is tap i times P and tap i-1 times I-P.
			none := ZerosLike(SliceAxis(taps, 0, AxisElem(0)))
			here := Concatenate([]*Node{taps, none}, 0)
			before := Concatenate([]*Node{none, taps}, 0)
			taps = Add(before, Einsum("nij,jk->nik", Sub(here, before), Squeeze(p, 0)))
		}
		return taps
	}
	rows, columns := line(projectors[:k-1]), line(projectors[k-1:])
	// The wide side carries the filters: after the mix where it widens, before it where it narrows.
	if d[1] > d[0] {
		rows = Einsum("im,nmj->nij", mix, rows)
	} else {
		columns = Einsum("nij,jm->nim", columns, mix)
	}
	return Einsum("yij,xjk->yxik", rows, columns)
}

// Strided composes first, a kernel [j, j, in, c], with second, [s, s, c, out], a convolution at
// stride s on patches that don't overlap. It returns the kernel, [j+s-1, j+s-1, in, out], of both
// at stride s.
func Strided(first, second *Node) *Node {
	f, s := first.Shape().Dimensions, second.Shape().Dimensions
	k := f[0] + s[0] - 1
	place := make([][]float32, k) // [k, j·s]: where two taps' offsets add up
	for t := range place {
		place[t] = make([]float32, f[0]*s[0])
		for a := range f[0] {
			if b := t - a; b >= 0 && b < s[0] {
				place[t][a*s[0]+b] = 1
			}
		}
	}
	p := Const(first.Graph(), place)
	pairs := Einsum("yxim,uvmo->yuxvio", first, second)
	pairs = Reshape(pairs, f[0]*s[0], f[0]*s[0], f[2], s[3])
	return Einsum("Xq,Yqio->YXio", p, Einsum("Yp,pqio->Yqio", p, pairs))
}

// bcopKernel is BCOP. At a stride s above 1 it is BCOP, then an orthonormal matrix of s×s patches
// (Boissin et al. 2025).
func bcopKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	k, s := c.Kernel-c.stride()+1, c.stride()
	units := c.Channels
	if s > 1 {
		units = in[2]
	}
	wide := max(in[2], units)
	std := 1 / math.Sqrt(float64(wide))
	var half *Node
	if k > 1 {
		half = stiefel(scope, g, "half", std, BCOPTaps(k), wide, wide/2)
	}
	kernel := BCOP(stiefel(scope, g, "mix", std, in[2], units), half, k)
	if s == 1 {
		return kernel
	}
	entries := s * s * in[2]
	std = 1 / math.Sqrt(float64(max(entries, c.Channels)))
	patch := stiefel(scope, g, "patch", std, entries, c.Channels)
	return Strided(kernel, Reshape(patch, s, s, in[2], c.Channels))
}

func refuseBCOP(c Convolution, in Size) string {
	s := c.stride()
	switch {
	case c.Kernel < s:
		return "a kernel no smaller than its stride"
	case s == 1 && max(in[2], c.Channels)%2 != 0:
		return fmt.Sprintf("an even number of channels on its wider side, from %d", in[2])
	case s > 1 && c.Kernel > s && in[2]%2 != 0:
		return fmt.Sprintf("an even number of input channels where it is strided, not %d", in[2])
	}
	return ""
}
