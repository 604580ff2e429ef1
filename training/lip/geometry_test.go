package lip

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// convolutionMatrix is the convolution, [outputs, inputs].
func convolutionMatrix(kernel []float32, g Geometry) *mat.Dense {
	kh, kw, h, w, in, out := g.Kernel[0], g.Kernel[1], g.In[0], g.In[1], g.In[2], g.Out
	rows, columns := (h+g.Stride-1)/g.Stride, (w+g.Stride-1)/g.Stride
	m := mat.NewDense(rows*columns*out, h*w*in, nil)
	for y := range rows {
		for x := range columns {
			for i := range kh {
				for j := range kw {
					fy, fx := y*g.Stride+i-kh/2, x*g.Stride+j-kw/2
					if g.Zero && (fy < 0 || fx < 0 || fy >= h || fx >= w) {
						continue
					}
					from := (fy+h)%h*w + (fx+w)%w
					for a := range in {
						for b := range out {
							r, c := (y*columns+x)*out+b, from*in+a
							m.Set(r, c, m.At(r, c)+float64(kernel[((i*kw+j)*in+a)*out+b]))
						}
					}
				}
			}
		}
	}
	return m
}

// geometries are of odd sides, of strides and of both paddings.
var geometries = []Geometry{
	{Size{1, 1}, Size{1, 1, 2}, 3, 1, false}, {Size{1, 1}, Size{4, 3, 3}, 2, 1, false},
	{Size{3, 3}, Size{3, 3, 1}, 1, 1, false},
	{Size{3, 3}, Size{7, 7, 2}, 4, 1, false}, {Size{3, 3}, Size{5, 9, 4}, 2, 1, false},
	{Size{5, 5}, Size{5, 8, 2}, 2, 1, false},
	{Size{3, 3}, Size{8, 8, 1}, 5, 1, false}, {Size{6, 4}, Size{6, 4, 2}, 3, 1, false},
	{Size{3, 3}, Size{6, 4, 2}, 3, 2, false}, {Size{3, 3}, Size{3, 9, 2}, 3, 3, false},
	{Size{5, 5}, Size{6, 9, 1}, 4, 3, false},
	{Size{1, 1}, Size{4, 6, 2}, 3, 2, false}, {Size{5, 5}, Size{8, 12, 1}, 2, 4, false},
	{Size{3, 3}, Size{7, 7, 2}, 4, 1, true}, {Size{3, 3}, Size{5, 9, 4}, 2, 1, true},
	{Size{5, 5}, Size{5, 8, 2}, 3, 1, true},
	{Size{3, 3}, Size{7, 5, 3}, 2, 2, true}, {Size{5, 5}, Size{9, 7, 2}, 8, 3, true},
	{Size{3, 3}, Size{1, 6, 2}, 2, 1, true},
	{Size{3, 3}, Size{8, 5, 2}, 3, 4, true},
}

func TestConvolutionNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, g := range geometries {

		for _, scale := range []float32{1, 1e-20, 1e18} {
			kernel := floats(r, g.Kernel.Entries()*g.In[2]*g.Out)
			for i := range kernel {
				kernel[i] *= scale
			}
			want := singular(t, convolutionMatrix(kernel, g))[0]
			got := ConvolutionNorm(kernel, g).Value()
			if !(got >= want*(1-1e-13) && got <= want*1.001) {
				t.Errorf("%+v × %g: bound %g, SVD %g, %g", g, scale, got, want, got/want-1)
			}
			// Zero padding, too large to factorise: the torus alone, less tight.
			torus := g
			torus.Zero = false
			torus.In = Size{ceil(g.In[0]+g.Kernel[0]/2, g.Stride),
				ceil(g.In[1]+g.Kernel[1]/2, g.Stride), g.In[2]}
			if got := ConvolutionNorm(kernel, torus).Value(); g.Zero &&
				!(got >= want*(1-1e-13) && got < 2.5*want) {
				t.Errorf("%+v × %g: bound %g by the torus, SVD %g", g, scale, got, want)
			}
		}
		zero := make([]float32, g.Kernel.Entries()*g.In[2]*g.Out)
		if got := ConvolutionNorm(zero, g).Value(); got > 1e-100 {
			t.Errorf("%+v: zero kernel: %g", g, got)
		}
	}
	// A shift is an isometry. The norm of an averaging kernel is its sum, at frequency 0. On a path
	// of n and m pixels it is (1 + 2cos π/(n+1))·(1 + 2cos π/(m+1))/9 of the sum.
	shift, mean := make([]float32, 9), make([]float32, 9)
	shift[2] = 1
	for i := range mean {
		mean[i] = 0.125
	}
	for name, c := range map[string]struct {
		kernel []float32
		zero   bool
		want   float64
	}{
		"shift": {shift, false, 1}, "mean": {mean, false, 1.125},
		"shift with zeros": {shift, true, 1},
		"mean with zeros": {mean, true,
			0.125 * (1 + 2*math.Cos(math.Pi/8)) * (1 + 2*math.Cos(math.Pi/6))},
	} {
		g := Geometry{Size{3, 3}, Size{7, 5, 1}, 1, 1, c.zero}
		got := ConvolutionNorm(c.kernel, g).Value()
		if got < c.want*(1-1e-15) || got > c.want*(1+1e-3) {
			t.Errorf("%s: bound %v, norm %v", name, got, c.want)
		}
	}
	// Goroutines take the frequencies in any order. Where all are nearly equal, the order changes
	// no bit.
	near := floats(r, 9*4)
	for i := range near {
		near[i] *= 1e-7
	}
	near[16], near[19] = 1, 1
	g := Geometry{Size{3, 3}, Size{9, 8, 2}, 2, 1, false}
	first := ConvolutionNorm(near, g)
	for range 20 {
		if b := ConvolutionNorm(near, g); b != first {
			t.Fatalf("the same kernel is bounded by %v and %v", first, b)
		}
	}
	one := Geometry{Size{1, 1}, Size{2, 2, 1}, 1, 1, false}
	mustPanic(t, "no kernel 3×3×1×2", func() {
		ConvolutionNorm(mean, Geometry{Size{3, 3}, Size{7, 5, 1}, 2, 1, false})
	})
	mustPanic(t, "isn't finite", func() { ConvolutionNorm([]float32{float32(math.NaN())}, one) })
	mustPanic(t, "isn't finite", func() { ConvolutionNorm([]float32{float32(math.Inf(-1))}, one) })
}
