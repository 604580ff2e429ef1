package sample

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"sort"
)

// Levels is the number of steps of an 8-bit image's own grid in [0, 1].
const Levels = 255

// Grid is Gaussian noise, rounded to the nearest point of a grid that contains all 8-bit images. A
// computer draws it with exact probabilities (Voráček & Hein 2023, "Sound randomized smoothing in
// floating-point arithmetic"). At an image on the grid, votes then certify the classifier of the
// rounded input under exact Gaussian noise. Rounding bounds the loss of a Lipschitz score.
// Probabilities are kept to 128 bits, so that of 10¹² images drawn none is expected to tell them
// from the true ones.
type Grid struct {
	Steps int // in [0, 1]: a multiple of Levels
	sigma float64
	// cumulative[i] is ⌊2¹²⁸ P(J <= i - most)⌋. The last entry stands for 2¹²⁸.
	high, low []uint64
	// by the first guideBits of a random number, the first entry that may be above it
	guide []int32
	most  int
}

const (
	guideBits = 12
	// tailDeviations is where P falls below 2⁻¹²⁸.
	tailDeviations = 13.2
	leastDeviation = 4   // in steps
	fineDeviation  = 512 // in steps: rounding then costs a radius about a thousandth of σ√pixels
	mostDeviation  = 1 << 17
	mostGrid       = 1 << 23 // steps: image and noise are whole numbers that float32 has
)

// GridSteps is the number of steps in [0, 1] that suits noise of standard deviation sigma.
func GridSteps(sigma float64) int {
	steps := Levels
	for float64(steps)*sigma < fineDeviation && 2*steps <= mostGrid {
		steps *= 2
	}
	return steps
}

// NewGrid returns noise of standard deviation sigma on a grid of this many steps in [0, 1].
func NewGrid(steps int, sigma float64) (*Grid, error) {
	s := float64(steps) * sigma
	if steps < Levels || steps%Levels != 0 || steps > mostGrid ||
		!(s >= leastDeviation && s <= mostDeviation) {
		return nil, fmt.Errorf("sample: noise of standard deviation %v on a grid of %d steps: want a "+
			"multiple of %d up to %d on which it is %d to %d steps", sigma, steps, Levels, mostGrid,
			leastDeviation, mostDeviation)
	}
	g := &Grid{Steps: steps, sigma: sigma, most: int(math.Ceil(tailDeviations * s))}
	half := gridMasses(steps, sigma, g.most)
	total := new(big.Float).SetPrec(massPrecision)
	for j, m := range half {
		total.Add(total, m)
		if j > 0 {
			total.Add(total, m)
		}
	}
	scale := new(big.Float).SetPrec(massPrecision).Quo(new(big.Float).SetMantExp(big.NewFloat(1), 128),
		total)
	sum, whole, word := new(big.Float).SetPrec(massPrecision), new(big.Int), new(big.Int)
	last := 2 * g.most
	for i := range last {
		sum.Add(sum, half[max(i-g.most, g.most-i)])
		new(big.Float).Mul(sum, scale).Int(whole)
		g.high = append(g.high, word.Rsh(whole, 64).Uint64())
		g.low = append(g.low, whole.Uint64())
	}
	g.high, g.low = append(g.high, math.MaxUint64), append(g.low, math.MaxUint64)
	for b := range uint64(1 << guideBits) {
		first := sort.Search(last, func(i int) bool { return g.high[i] >= b<<(64-guideBits) })
		g.guide = append(g.guide, int32(first))
	}
	return g, nil
}

// massPrecision, in bits, leaves 128 of a sum over the grid.
const massPrecision = 192

// gridMasses returns, in proportion, P(J = j) for j from 0 to most: J = the whole number nearest to
// sZ, s = steps·sigma. With c = 1/(2s²) it is exp(-cj²) ∫ exp(-2cjv - cv²) dv over |v| <= 1/2, by
// the power series of the integrand.
func gridMasses(steps int, sigma float64, most int) []*big.Float {
	number := func(x float64) *big.Float { return new(big.Float).SetPrec(massPrecision).SetFloat64(x) }
	c := number(sigma)
	c.Mul(c, number(float64(steps)))
	c.Mul(c, c)
	c.Quo(number(0.5), c)

	// r = exp(-c), and r^(2j-1) takes exp(-c(j-1)²) to exp(-cj²).
	r, term := number(1), number(1)
	for k := 1; term.Sign() != 0 && term.MantExp(nil) > -massPrecision; k++ {
		term.Quo(term.Mul(term, c), number(float64(-k)))
		r.Add(r, term)
	}
	square := new(big.Float).Mul(r, r)
	bell, ratio := number(1), new(big.Float).Copy(r)

	masses := make([]*big.Float, most+1)
	half := new(big.Float).Quo(c, number(2))
	a, x, y := number(0), number(0), number(0)
	for j := range masses {
		if j > 0 {
			bell.Mul(bell, ratio)
			ratio.Mul(ratio, square)
		}
		// The terms b_k of exp(-2cjv - cv²) at v = 1/2: (k+1) b_(k+1) = -cj b_k - (c/2) b_(k-1); odd ones
		// cancel.
		a.Mul(c, number(float64(j)))
		before, b, sum := number(0), number(1), number(1)
		for k := 0; ; k++ {
			x.Mul(a, b)
			x.Add(x, y.Mul(half, before))
			before, b = b, new(big.Float).Quo(x.Neg(x), number(float64(k+1)))
			if (k+1)%2 == 0 {
				sum.Add(sum, y.Quo(b, number(float64(k+2))))
			}
			small := func(t *big.Float) bool { return t.Sign() == 0 || t.MantExp(nil) < -massPrecision }
			if small(b) && small(before) {
				break
			}
		}
		masses[j] = new(big.Float).Mul(bell, sum)
	}
	return masses
}

// Rounding bounds ‖Z - Z'‖ (l2, in units of the image) between Gaussian noise Z and the noise Z'
// that is drawn. It is half a step in each of this many values, with what float32 rounds off the
// image and off its noisy copy.
func (g *Grid) Rounding(values int) float64 {
	step := 1 / float64(g.Steps)
	float32 := (1.5 + tailDeviations*g.sigma + step) * 0x1p-24
	return math.Sqrt(float64(values)) * (step/2 + float32) * (1 + 1e-12)
}

// draw returns J for a random number u, and more of them from r where 64 bits don't tell.
func (g *Grid) draw(u uint64, r *rand.ChaCha8) int {
	i := int(g.guide[u>>(64-guideBits)])
	for g.high[i] < u {
		i++
	}
	if last := len(g.high) - 1; g.high[i] == u && i < last {
		for low := r.Uint64(); i < last && g.high[i] == u && g.low[i] <= low; {
			i++
		}
	}
	return i - g.most
}

// points are the places of an image's values on the grid.
func (g *Grid) points(x []float32) ([]int, error) {
	at := make([]int, len(x))
	for i, v := range x {
		level := math.Round(Levels * float64(v))
		if !(math.Abs(Levels*float64(v)-level) < 1e-3 && level >= 0 && level <= Levels) {
			return nil, fmt.Errorf("value %d of the image is %v, and noise on a grid needs 8-bit images: "+
				"multiples of 1/%d", i, v, Levels)
		}
		at[i] = int(level) * (g.Steps / Levels)
	}
	return at, nil
}

// noisy fills to with noisy images around the points, one after the other: a function of the key.
func (g *Grid) noisy(to []float32, points []int, key [32]byte) {
	r := rand.NewChaCha8(key)
	step := 1 / float64(g.Steps)
	for ; len(to) > 0; to = to[len(points):] {
		for i, at := range points {
			to[i] = float32(float64(at+g.draw(r.Uint64(), r)) * step)
		}
	}
}

// key spreads what a block is a function of.
func key(seed uint64, example int, phase Phase, block int) [32]byte {
	var in [32]byte
	for i, v := range []uint64{seed, uint64(example), uint64(phase), uint64(block)} {
		binary.LittleEndian.PutUint64(in[8*i:], v)
	}
	return sha256.Sum256(in[:])
}
