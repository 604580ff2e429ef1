package lip

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/mat"
)

// Geometry is how a kernel, [kh, kw, in, out], lies on its input: tap (i, j) of output (y, x) reads
// (stride·y + i - kh/2, stride·x + j - kw/2), zero outside the image or taken modulo its sides.
type Geometry struct {
	Kernel Size // [kh, kw]
	In     Size // [h, w, in]
	Out    int  // channels
	Stride int  // at least 1; if not Zero, a divisor of h and w
	Zero   bool // zero padding
}

// rows and columns of the output.
func (g Geometry) rows() int    { return (g.In[0] + g.Stride - 1) / g.Stride }
func (g Geometry) columns() int { return (g.In[1] + g.Stride - 1) / g.Stride }

// ConvolutionNorm proves an upper bound on the spectral norm of a convolution as it is padded and
// strided. A circular one is, at stride 1, block diagonal in the frequencies (Sedghi et al. 2019), and at
// stride s the circular one at stride 1 of what space to depth makes of image and kernel. A zero-padded one
// is the part of a circular one on a larger torus that starts and ends in the image: no larger, and on a
// small image notably smaller, so there its own sparse matrix is factorised too, and the lower bound taken.
// It panics where kernel isn't kh·kw·in·out finite numbers.
func ConvolutionNorm(kernel []float32, g Geometry) Bound {
	if len(kernel) != g.Kernel.Entries()*g.In[2]*g.Out {
		panic(fmt.Sprintf("lip.ConvolutionNorm: %d weights are no kernel %v×%d×%d", len(kernel), g.Kernel, g.In[2], g.Out))
	}
	for _, v := range kernel {
		if v-v != 0 {
			panic("lip.ConvolutionNorm: a weight isn't finite")
		}
	}
	torus := g
	if g.Zero {
		// Taps reach kernel/2 beyond the image at either end, and both may be the same entries.
		torus.In = Size{ceil(g.In[0]+g.Kernel[0]/2, g.Stride), ceil(g.In[1]+g.Kernel[1]/2, g.Stride), g.In[2]}
	}
	folds, folded := torus.fold(kernel)
	b := folded.norm(folds)
	proof := fmt.Sprintf("Gram iteration at each frequency of %d×%d, float64, outward", folded.In[0], folded.In[1])
	if g.Zero && g.entries() <= affordableEntries {
		if exact, ok := g.operator(kernel).norm(b); ok && exact < b {
			return Bound{exact, "Cholesky factorisation of s - AᵀA, float64, outward"}
		}
	}
	return Bound{b, proof}
}

// ceil rounds n up to a multiple of by.
func ceil(n, by int) int { return (n + by - 1) / by * by }

// fold makes a stride space to depth: the same operator, its input's entries in another order.
func (g Geometry) fold(kernel []float32) ([]float32, Geometry) {
	s := g.Stride
	if s == 1 {
		return kernel, g
	}
	// Tap i reads s·y + i - k/2, in cell y + ⌊(i-k/2)/s⌋ of side s.
	first, count := [2]int{}, Size{0, 0}
	for a, k := range g.Kernel {
		first[a] = floor(-(k / 2), s)
		count[a] = floor(k-1-k/2, s) - first[a] + 1
	}
	in, kh, kw := g.In[2], g.Kernel[0], g.Kernel[1]
	f := Geometry{Kernel: count, In: Size{g.In[0] / s, g.In[1] / s, s * s * in}, Out: g.Out, Stride: 1}
	out := make([]float32, count.Entries()*f.In[2]*g.Out)
	for i := range kh {
		for j := range kw {
			y, x := i-kh/2, j-kw/2
			cy, cx := floor(y, s), floor(x, s)
			cell := (cy-first[0])*count[1] + cx - first[1]
			copy(out[(cell*f.In[2]+((y-cy*s)*s+x-cx*s)*in)*g.Out:], kernel[(i*kw+j)*in*g.Out:][:in*g.Out])
		}
	}
	return out, f
}

// floor is ⌊a/b⌋.
func floor(a, b int) int { return int(math.Floor(float64(a) / float64(b))) }

// norm is the largest, over the h·w frequencies of a circular convolution at stride 1, of a bound on the norm of an
// in×out complex matrix.
func (g Geometry) norm(kernel []float32) float64 {
	kh, kw, h, w, in, out := g.Kernel[0], g.Kernel[1], g.In[0], g.In[1], g.In[2], g.Out
	// Each entry's error, in Σ|kernel| over the taps times u: angle (20), sine (1), kh·kw products and sums.
	size := make([]float64, in*out)
	for p, v := range kernel {
		size[p%(in*out)] += math.Abs(float64(v))
	}
	e := float64(kh*kw+32) * u * 2 * frobenius(mat.NewDense(in, out, size))
	// A complex matrix R + iS has the norm of the real [[R, -S], [S, R]].
	at := func(fy, fx int, enough float64) float64 {
		m := mat.NewDense(2*in, 2*out, nil)
		for i := range kh {
			for j := range kw {
				// The angle's whole turns are dropped in integers.
				turn := float64((i*fy*w+j*fx*h)%(h*w)) / float64(h*w)
				s, c := math.Sincos(2 * math.Pi * turn)
				tap := kernel[(i*kw+j)*in*out:][:in*out]
				for a := range in {
					re, im := m.RawRowView(a), m.RawRowView(in+a)
					for b, v := range tap[a*out:][:out] {
						re[b] += float64(v) * c
						im[b] += float64(v) * s
					}
				}
			}
		}
		for a := range in {
			re, im := m.RawRowView(a), m.RawRowView(in+a)
			for b := range out {
				re[out+b], im[out+b] = -im[b], re[b]
			}
		}
		// Well below what is enough, so that the largest is computed to its end whatever the order.
		return up(spectralNorm(m, enough*(1-1e-12)-2*e) + e)
	}
	// Frequencies f and -f have conjugate matrices: half of the plane is enough.
	rows := make(chan int, h)
	for fy := range h/2 + 1 {
		rows <- fy
	}
	close(rows)
	var (
		wait sync.WaitGroup
		lock sync.Mutex
		most float64
	)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for fy := range rows {
				for fx := range w {
					lock.Lock()
					enough := most
					lock.Unlock()
					n := at(fy, fx, enough)
					lock.Lock()
					most = max(most, n)
					lock.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return most
}

// entries of operator, at most.
func (g Geometry) entries() int {
	return g.rows() * g.columns() * g.Kernel.Entries() * g.In[2] * g.Out
}

// operator is the convolution's matrix.
func (g Geometry) operator(kernel []float32) operator {
	kh, kw, h, w, in := g.Kernel[0], g.Kernel[1], g.In[0], g.In[1], g.In[2]
	o := operator{columns: g.In.Entries()}
	for y := range g.rows() {
		for x := range g.columns() {
			first := len(o.rows)
			o.rows = append(o.rows, make([][]entry, g.Out)...)
			for i := range kh {
				for j := range kw {
					fy, fx := y*g.Stride+i-kh/2, x*g.Stride+j-kw/2
					if g.Zero && (fy < 0 || fy >= h || fx < 0 || fx >= w) {
						continue
					}
					from := ((fy+h)%h*w + (fx+w)%w) * in
					for p, v := range kernel[(i*kw+j)*in*g.Out:][:in*g.Out] {
						row := first + p%g.Out
						o.rows[row] = append(o.rows[row], entry{from + p/g.Out, float64(v)})
					}
				}
			}
		}
	}
	return o
}
