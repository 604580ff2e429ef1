package lip

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// FourierConvolution is the circular convolution of x, [batch, h, w, in], with a kernel as large as the image, [h, w,
// in, out], tap (h/2, w/2) the centre, by discrete Fourier transforms as matrix products. Cost: 4·in·out + 4·(h+w)·(in+out) products a
// place and image.
func FourierConvolution(x, kernel *Node) *Node {
	d := kernel.Shape().Dimensions
	re, im := transfer(kernel, d[0], d[1])
	return filter(x, re, im)
}

// transfer is what the circular convolution of h×w images with kernel, [a, b, in, out], multiplies each frequency of by, as row
// times matrix: re + i·im, [h, w/2+1, in, out].
func transfer(kernel *Node, h, w int) (re, im *Node) {
	d := kernel.Shape().Dimensions
	re, im = fourier(Reshape(kernel, 1, d[0], d[1], d[2]*d[3]), h, w, d[0]/2, d[1]/2)
	// Tap t reads x at its place plus t: the transform's conjugate.
	return Reshape(re, h, w/2+1, d[2], d[3]), Reshape(Neg(im), h, w/2+1, d[2], d[3])
}

// filter multiplies the frequencies of x, [batch, h, w, in], by what transfer returned: [batch, h, w, out].
func filter(x, re, im *Node) *Node {
	d := x.Shape().Dimensions
	xr, xi := fourier(x, d[1], d[2], 0, 0)
	times := func(x, k *Node) *Node { return Einsum("byxi,yxio->byxo", x, k) }
	return inverseFourier(Sub(times(xr, re), times(xi, im)), Add(times(xr, im), times(xi, re)), d[2], 0, 0)
}

// fourier returns Σ x(p)·e^{-2πi(fy·(y-cy)/h + fx·(x-cx)/w)} of a real x, [n, a, b, m], a ≤ h and b ≤ w, for all fy
// and fx ≤ w/2: [n, h, w/2+1, m].
func fourier(x *Node, h, w, cy, cx int) (re, im *Node) {
	d := x.Shape().Dimensions
	g := x.Graph()
	c, s := waves(g, d[2], w/2+1, cx, w, nil)
	along := func(x, m *Node) *Node { return Einsum("nabm,bf->nafm", x, m) }
	re, im = along(x, c), Neg(along(x, s))
	c, s = waves(g, d[1], h, cy, h, nil)
	down := func(x, m *Node) *Node { return Einsum("nabm,af->nfbm", x, m) }
	return Add(down(re, c), down(im, s)), Sub(down(im, c), down(re, s))
}

// inverseFourier returns the real x, [n, h, w, m], that fourier takes to re + i·im, [n, h, w/2+1, m].
func inverseFourier(re, im *Node, w, cy, cx int) *Node {
	h := re.Shape().Dimensions[1]
	g := re.Graph()
	c, s := waves(g, h, h, cy, h, func(int) float64 { return 1 / float64(h) })
	down := func(x, m *Node) *Node { return Einsum("nfbm,af->nabm", x, m) }
	re, im = Sub(down(re, c), down(im, s)), Add(down(im, c), down(re, s))
	// Frequencies f and w-f are conjugate, and come once.
	c, s = waves(g, w, w/2+1, cx, w, func(f int) float64 {
		if f == 0 || 2*f == w {
			return 1 / float64(w)
		}
		return 2 / float64(w)
	})
	along := func(x, m *Node) *Node { return Einsum("nafm,bf->nabm", x, m) }
	return Sub(along(re, c), along(im, s))
}

// waves are cos and sin of 2π·f·(p-centre)/n, [places, frequencies], times weight(f).
func waves(g *Graph, places, frequencies, centre, n int, weight func(f int) float64) (c, s *Node) {
	cs, ss := make([][]float32, places), make([][]float32, places)
	for p := range places {
		for f := range frequencies {
			sin, cos := math.Sincos(2 * math.Pi * float64(f*(p-centre+n)%n) / float64(n))
			w := 1.0
			if weight != nil {
				w = weight(f)
			}
			cs[p], ss[p] = append(cs[p], float32(w*cos)), append(ss[p], float32(w*sin))
		}
	}
	return Const(g, cs), Const(g, ss)
}
