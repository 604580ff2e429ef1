package lip

import "math"

// waveError bounds what a sum of so many products with float32 cosines or sines errs by, in units of the sum of the other factors'
// sizes: a cosine is off by u32 at most, of which float64's part is small.
func waveError(terms int) float64 { return outward(1.01*u32 + gamma(terms+1)) }

// transferRounding bounds, at every frequency of h×w, the norm of what transfer is off by in float32; κ bounds that of the matrix
// of Σ|kernel| over the taps. Sums along w, then 2h more of them, of which cosine and sine have |c| + |s| ≤ 2; both parts.
func transferRounding(h, w int, kappa float64) float64 {
	across, down := waveError(w), waveError(2*h)
	return outward(2*math.Sqrt2*(across+down+across*down)*kappa + 1e-30*kappa)
}

// filterRounding bounds what filter adds to x of at most this norm on an h×w torus: by matrices, [in, out] at each frequency, of
// norm at most bound, themselves off by at most off, and of norm abs if every entry is made positive.
func filterRounding(h, w, in int, bound, off, abs, norm float64) float64 {
	half := w/2 + 1
	rootH, rootW := math.Sqrt(float64(h)), math.Sqrt(float64(w))
	// Along w, then along h: a row of x sums to at most √w of its norm; so do both parts of a column, to √2h of it.
	e := waveError(w) * math.Sqrt(2*float64(half)) * rootW * norm
	e = rootH*e + 2*float64(h)*waveError(2*h)*(rootW*norm+e)
	spectrum := rootH * rootW * norm
	// Products: a complex matrix as a real one of positive parts is at most √2 times that of its entries' sizes.
	e = bound*e + off*(spectrum+e) + gamma(2*in+2)*math.Sqrt2*(abs+off*math.Sqrt(float64(in)))*(spectrum+e)
	spectrum *= bound
	// Back: 1/h of each along h, at most 2/w along w. Of the half plane, the inverse has at most √2/√(hw).
	down := waveError(2*h) * 2 * (spectrum + e)
	back := math.Sqrt2/rootW*down + 2*math.Sqrt(2*float64(half))/rootW*waveError(2*half)*((spectrum+e)/rootH+down)
	return outward(math.Sqrt2/(rootH*rootW)*e + back + 1e-30*(1+norm))
}

func cayleyRounding(c Convolution, kernel []float32, in Size, bound, norm float64) float64 {
	h, w := in[0], in[1]
	kappa := cayleyGeometry(c, in).absoluteNorm(kernel)
	abs := min(kappa, math.Sqrt(float64(min(in[2], c.Channels)))*bound) // of Σ|kernel|, or by the Frobenius norm
	return filterRounding(h, w, in[2], bound, transferRounding(h, w, kappa), abs, norm)
}

// socRounding: the series in matrices at each frequency, or with zero padding in images.
func socRounding(c Convolution, skew []float32, in Size, bound, norm float64) float64 {
	k, n := c.Kernel, max(in[2], c.Channels)
	g := Geometry{Kernel: Size{k, k}, In: Size{in[0], in[1], n}, Out: n, Stride: 1, Zero: c.Padding == Zero}
	t, kappa := ConvolutionNorm(skew, g).Value(), g.absoluteNorm(skew)
	if c.Padding != Zero {
		h, w := in[0], in[1]
		off := seriesRounding(2*n, SOCTerms, t, transferRounding(h, w, kappa))
		return filterRounding(h, w, in[2], bound, off, math.Sqrt(float64(min(in[2], c.Channels)))*bound, norm)
	}
	// Each power is convolved and divided; then it is added.
	size, e := norm, 0.0 // of the power
	all, off := norm, 0.0
	for i := 1; i < SOCTerms; i++ {
		by := float64(i)
		e = (t*e + sums(k*k*n+3, g.In.Entries(), kappa, size+e, 0)) / by
		size = t * size / by
		off += e
		all += size
		off += u32 * (all + off)
	}
	return outward(off + 1e-30*(1+norm))
}

// seriesRounding bounds what series, of n×n matrices of norm at most t that are off by at most off, comes to be off by.
func seriesRounding(n, terms int, t, off float64) float64 {
	type bounded struct{ norm, off float64 }
	root := math.Sqrt(float64(n))
	// A computed product errs by γ times the Frobenius norms of both factors, each at most √n times the norm.
	times := func(a, b bounded) bounded {
		a2, b2 := a.norm+a.off, b.norm+b.off
		return bounded{a.norm * b.norm, a.norm*b.off + a.off*b2 + gamma(n+1)*root*root*a2*b2 + float64(n*n+1)*tiny*(1+a2)*(1+b2)}
	}
	plus := func(a, b bounded) bounded {
		return bounded{a.norm + b.norm, a.off + b.off + u32*root*(a.norm+a.off+b.norm+b.off)}
	}
	m := bounded{t, off}
	powers := []bounded{{1, 0}, m, times(m, m)}
	cube := times(m, powers[2])
	var sum bounded
	for first := (terms - 1) / 3 * 3; first >= 0; first -= 3 {
		sum = times(sum, cube)
		for i := 0; i < 3 && first+i < terms; i++ {
			p, by := powers[i], math.Gamma(float64(first+i+1))
			sum = plus(sum, bounded{p.norm / by, (p.off + gamma(2)*root*(p.norm+p.off)) / by})
		}
	}
	return outward(sum.off)
}
