package lip

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/mat"
)

// Geometry is how a kernel, [kh, kw, in, out], lies on its input. Tap (i, j) of output (y, x) reads
// place (stride·y + i - kh/2, stride·x + j - kw/2). Outside the image that place is zero, or it is
// taken modulo the image's sides.
type Geometry struct {
	Kernel Size // [kh, kw]
	In     Size // [h, w, in]
	Out    int  // channels
	Stride int  // at least 1; if not Zero, a divisor of h and w
	Zero   bool // zero padding
}

// centred is a kernel of side k at stride 1.
func centred(k int, in Size, out int, padding string) Geometry {
	return Geometry{Kernel: Size{k, k}, In: in, Out: out, Stride: 1, Zero: padding == Zero}
}

// rows and columns of the output.
func (g Geometry) rows() int    { return (g.In[0] + g.Stride - 1) / g.Stride }
func (g Geometry) columns() int { return (g.In[1] + g.Stride - 1) / g.Stride }

// ConvolutionNorm proves an upper bound on the spectral norm of a convolution with its padding and
// stride. It panics where kernel isn't kh·kw·in·out finite numbers.
//
// A circular convolution at stride 1 is block diagonal in the frequencies (Sedghi et al. 2019). At
// stride s it is a circular convolution at stride 1 of the image and kernel after space to depth.
//
// A zero-padded convolution is a part of a circular one on a larger torus, so its norm is no
// larger. On a small image it is notably smaller. There ConvolutionNorm also factorises the sparse
// matrix of the convolution, and takes the lower bound.
func ConvolutionNorm(kernel []float32, g Geometry) Bound {
	return ConvolutionNorm64(doubles(kernel), g)
}

// doubles copies float32 numbers to float64.
func doubles(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// ConvolutionNorm64 is ConvolutionNorm of a kernel in float64.
func ConvolutionNorm64(kernel []float64, g Geometry) Bound {
	if len(kernel) != g.Kernel.Entries()*g.In[2]*g.Out {
		panic(fmt.Sprintf("lip.ConvolutionNorm: %d weights are no kernel %v×%d×%d",
			len(kernel), g.Kernel, g.In[2], g.Out))
	}
	for _, v := range kernel {
		if v-v != 0 {
			panic("lip.ConvolutionNorm: a weight isn't finite")
		}
	}
	torus := g
	if g.Zero {
		// Taps reach kernel/2 beyond the image at either end, and both may be the same entries.
		h, w := g.In[0]+g.Kernel[0]/2, g.In[1]+g.Kernel[1]/2
		torus.In = Size{ceil(h, g.Stride), ceil(w, g.Stride), g.In[2]}
	}
	folds, folded := torus.fold(kernel)
	b := folded.norm(folds)
	proof := fmt.Sprintf("Gram iteration at each frequency of %d×%d, float64, outward",
		folded.In[0], folded.In[1])
	if g.Zero && g.entries() <= affordableEntries {
		if exact, ok := g.operator(kernel).norm(b); ok && exact < b {
			return Bound{exact, "Cholesky factorisation of s - AᵀA, float64, outward"}
		}
	}
	return Bound{b, proof}
}

// ceil rounds n up to a multiple of by.
func ceil(n, by int) int { return (n + by - 1) / by * by }

// fold makes a stride space to depth. The operator stays the same, with its input's entries in
// another order.
func (g Geometry) fold(kernel []float64) ([]float64, Geometry) {
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
	folded := Size{g.In[0] / s, g.In[1] / s, s * s * in}
	f := Geometry{Kernel: count, In: folded, Out: g.Out, Stride: 1}
	out := make([]float64, count.Entries()*f.In[2]*g.Out)
	for i := range kh {
		for j := range kw {
			y, x := i-kh/2, j-kw/2
			cy, cx := floor(y, s), floor(x, s)
			cell := (cy-first[0])*count[1] + cx - first[1]
			inside := (y-cy*s)*s + x - cx*s
			copy(out[(cell*f.In[2]+inside*in)*g.Out:], kernel[(i*kw+j)*in*g.Out:][:in*g.Out])
		}
	}
	return out, f
}

// floor is ⌊a/b⌋.
func floor(a, b int) int { return int(math.Floor(float64(a) / float64(b))) }

// norm bounds the norm of a circular convolution at stride 1: the largest, over its h·w
// frequencies, of the norms of in×out complex matrices.
func (g Geometry) norm(kernel []float64) float64 {
	h, w, in, out := g.In[0], g.In[1], g.In[2], g.Out
	// Each entry's error, in Σ|kernel| over the taps times u: angle (20), sine (1), kh·kw products
	// and sums.
	size := make([]float64, in*out)
	for p, v := range kernel {
		size[p%(in*out)] += math.Abs(v)
	}
	e := float64(g.Kernel.Entries()+32) * u * 2 * frobenius(mat.NewDense(in, out, size))
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
					// Well below what is enough, so that the largest is computed to its end
					// whatever the order.
					m := g.atFrequency(kernel, fy, fx)
					n := up(spectralNorm(m, enough*(1-1e-12)-2*e) + e)
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

// atFrequency is the complex matrix R + iS of one frequency as the real [[R, -S], [S, R]], which
// has the same norm: [2·in, 2·out].
func (g Geometry) atFrequency(kernel []float64, fy, fx int) *mat.Dense {
	kw, h, w, in, out := g.Kernel[1], g.In[0], g.In[1], g.In[2], g.Out
	m := mat.NewDense(2*in, 2*out, nil)
	for i := range g.Kernel[0] {
		for j := range kw {
			// The angle's whole turns are dropped in integers.
			turn := float64((i*fy*w+j*fx*h)%(h*w)) / float64(h*w)
			s, c := math.Sincos(2 * math.Pi * turn)
			tap := kernel[(i*kw+j)*in*out:][:in*out]
			for a := range in {
				re, im := m.RawRowView(a), m.RawRowView(in+a)
				for b, v := range tap[a*out:][:out] {
					re[b] += v * c
					im[b] += v * s
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
	return m
}

// absoluteNorm bounds the norm of the convolution with |kernel|. On the torus, frequency 0 has the
// largest norm. With zero padding the convolution is a part of the one on the torus.
func (g Geometry) absoluteNorm(kernel []float32) float64 {
	weights, g := g.fold(doubles(kernel))
	n := g.In[2] * g.Out
	sum := mat.NewDense(g.In[2], g.Out, nil)
	for i, v := range weights {
		row, column := i%n/g.Out, i%n%g.Out
		sum.Set(row, column, sum.At(row, column)+math.Abs(v))
	}
	return positiveNorm(sum) * (1 + float64(len(weights)/n)*0x1p-52)
}

// entries of operator, at most.
func (g Geometry) entries() int {
	return g.rows() * g.columns() * g.Kernel.Entries() * g.In[2] * g.Out
}

// operator is the convolution's matrix.
func (g Geometry) operator(kernel []float64) operator {
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
						o.rows[row] = append(o.rows[row], entry{from + p/g.Out, v})
					}
				}
			}
		}
	}
	return o
}
