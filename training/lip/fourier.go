package lip

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// FourierConvolution is the circular convolution of x, [batch, h, w, in], with a kernel as large as
// the image, [h, w, in, out]. Tap (h/2, w/2) is the centre. It takes discrete Fourier transforms as
// matrix products.
//
// Cost: 4·in·out + 4·(h+w)·(in+out) products a place and image.
func FourierConvolution(x, kernel *Node) *Node {
	d := kernel.Shape().Dimensions
	re, im := transfer(kernel, d[0], d[1])
	return filter(x, re, im)
}

// transfer is what the circular convolution of h×w images with kernel, [a, b, in, out], multiplies
// each frequency by, as row times matrix: re + i·im, [h, w/2+1, in, out].
func transfer(kernel *Node, h, w int) (re, im *Node) {
	d := kernel.Shape().Dimensions
	re, im = fourier(Reshape(kernel, 1, d[0], d[1], d[2]*d[3]), h, w, d[0]/2, d[1]/2)
	// Tap t reads x at its place plus t: the transform's conjugate.
	return Reshape(re, h, w/2+1, d[2], d[3]), Reshape(Neg(im), h, w/2+1, d[2], d[3])
}

// filter multiplies the frequencies of x, [batch, h, w, in], by the result of transfer:
// [batch, h, w, out].
func filter(x, re, im *Node) *Node {
	d := x.Shape().Dimensions
	xr, xi := fourier(x, d[1], d[2], 0, 0)
	times := func(x, k *Node) *Node { return Einsum("byxi,yxio->byxo", x, k) }
	yr, yi := Sub(times(xr, re), times(xi, im)), Add(times(xr, im), times(xi, re))
	return inverseFourier(yr, yi, d[2], 0, 0)
}

// frequencies are the matrices re + i·im, [h·(w/2+1), in, out], of kernel, [k, k, in, out], at the
// frequencies of an h×w torus. Matrices at frequencies f and -f are conjugate, and come once.
func frequencies(kernel *Node, h, w int) (re, im *Node) {
	d := kernel.Shape().Dimensions
	re, im = fourier(Reshape(kernel, 1, d[0], d[1], d[2]*d[3]), h, w, d[0]/2, d[1]/2)
	return Reshape(re, -1, d[2], d[3]), Reshape(im, -1, d[2], d[3])
}

// imageKernel is the kernel as large as the image, [h, w, in, out], of these frequencies.
func imageKernel(re, im *Node, h, w int) *Node {
	d := re.Shape().Dimensions
	all := func(x *Node) *Node { return Reshape(x, 1, h, w/2+1, d[1]*d[2]) }
	return Reshape(inverseFourier(all(re), all(im), w, h/2, w/2), h, w, d[1], d[2])
}

// realForm is complex matrices R + iS, [n, a, b], as the real [[R, -S], [S, R]].
func realForm(re, im *Node) *Node {
	top, bottom := []*Node{re, Neg(im)}, []*Node{im, re}
	return Concatenate([]*Node{Concatenate(top, 2), Concatenate(bottom, 2)}, 1)
}

// complexForm is the opposite of realForm, for b columns.
func complexForm(m *Node, b int) (re, im *Node) {
	left := Split(SliceAxis(m, 2, AxisRange(0, b)), 1, 2)
	return left[0], left[1]
}

// fourier returns Σ x(p)·e^{-2πi(fy·(y-cy)/h + fx·(x-cx)/w)} of a real x, [n, a, b, m], for all fy
// and fx ≤ w/2: [n, h, w/2+1, m]. It needs a ≤ h and b ≤ w.
func fourier(x *Node, h, w, cy, cx int) (re, im *Node) {
	d := x.Shape().Dimensions
	g := x.Graph()
	c, s := waves{places: d[2], frequencies: w/2 + 1, centre: cx, period: w}.nodes(g)
	along := func(x, m *Node) *Node { return Einsum("nabm,bf->nafm", x, m) }
	re, im = along(x, c), Neg(along(x, s))
	c, s = waves{places: d[1], frequencies: h, centre: cy, period: h}.nodes(g)
	down := func(x, m *Node) *Node { return Einsum("nabm,af->nfbm", x, m) }
	return Add(down(re, c), down(im, s)), Sub(down(im, c), down(re, s))
}

// inverseFourier returns the real x, [n, h, w, m], that fourier takes to re + i·im,
// [n, h, w/2+1, m].
func inverseFourier(re, im *Node, w, cy, cx int) *Node {
	h := re.Shape().Dimensions[1]
	g := re.Graph()
	c, s := waves{h, h, cy, h, func(int) float64 { return 1 / float64(h) }}.nodes(g)
	down := func(x, m *Node) *Node { return Einsum("nfbm,af->nabm", x, m) }
	re, im = Sub(down(re, c), down(im, s)), Add(down(im, c), down(re, s))
	// Frequencies f and w-f are conjugate, and come once.
	c, s = waves{w, w/2 + 1, cx, w, func(f int) float64 {
		if f == 0 || 2*f == w {
			return 1 / float64(w)
		}
		return 2 / float64(w)
	}}.nodes(g)
	along := func(x, m *Node) *Node { return Einsum("nafm,bf->nabm", x, m) }
	return Sub(along(re, c), along(im, s))
}

// waves are cos and sin of 2π·f·(p-centre)/period times weight(f), for places p and frequencies f.
type waves struct {
	places, frequencies int
	centre, period      int
	weight              func(f int) float64 // nil is 1
}

// nodes returns cosines and sines, [places, frequencies].
func (v waves) nodes(g *Graph) (c, s *Node) {
	cs, ss := make([][]float32, v.places), make([][]float32, v.places)
	for p := range v.places {
		for f := range v.frequencies {
			turns := float64(f*(p-v.centre+v.period)%v.period) / float64(v.period)
			sin, cos := math.Sincos(2 * math.Pi * turns)
			w := 1.0
			if v.weight != nil {
				w = v.weight(f)
			}
			cs[p], ss[p] = append(cs[p], float32(w*cos)), append(ss[p], float32(w*sin))
		}
	}
	return Const(g, cs), Const(g, ss)
}

// waveError bounds the error of a sum of so many products with float32 cosines or sines, in units
// of the sum of the other factors' sizes. A cosine is off by u32 at most, and a little by float64.
func waveError(terms int) float64 { return outward(1.01*u32 + gamma(terms+1)) }

// transferRounding bounds, at every frequency of h×w, the norm of transfer's error in float32. The
// argument kappa bounds the norm of the matrix of Σ|kernel| over the taps.
func transferRounding(h, w int, kappa float64) float64 {
	// Sums along w, then 2h more, of which cosine and sine have |c| + |s| ≤ 2; both parts.
	across, down := waveError(w), waveError(2*h)
	return outward(2*math.Sqrt2*(across+down+across*down)*kappa + graphs(kappa))
}

// A torusFilter is filter on an h×w torus, by matrices at each frequency.
type torusFilter struct {
	h, w, in int
	bound    float64 // of the matrices' norms
	off      float64 // bounds the norm of their error
	abs      float64 // bounds their norm with every entry made positive
}

// rounding bounds what float32 adds to an x of at most this norm.
func (t torusFilter) rounding(norm float64) float64 {
	half := t.w/2 + 1
	h, rootH, rootW := float64(t.h), math.Sqrt(float64(t.h)), math.Sqrt(float64(t.w))
	// Along w, then along h: a row of x sums to at most √w of its norm; so do both parts of a
	// column, to √2h of it.
	e := waveError(t.w) * math.Sqrt(2*float64(half)) * rootW * norm
	e = rootH*e + 2*h*waveError(2*t.h)*(rootW*norm+e)
	spectrum := rootH * rootW * norm
	// Products: a complex matrix as a real one of positive parts is at most √2 times the matrix of
	// its entries' sizes.
	abs := t.abs + t.off*math.Sqrt(float64(t.in))
	e = t.bound*e + t.off*(spectrum+e) + gamma(2*t.in+2)*math.Sqrt2*abs*(spectrum+e)
	spectrum *= t.bound
	// Back: 1/h of each along h, at most 2/w along w. Of the half plane, the inverse has at most
	// √2/√(hw).
	down := waveError(2*t.h) * 2 * (spectrum + e)
	back := math.Sqrt2/rootW*down +
		2*math.Sqrt(2*float64(half))/rootW*waveError(2*half)*((spectrum+e)/rootH+down)
	return outward(math.Sqrt2/(rootH*rootW)*e + back + graphs(norm, t.abs, t.bound))
}
