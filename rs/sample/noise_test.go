package sample_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// request is what draws are a function of.
type request struct {
	image, index int // the picture, and the example it is said to be
	sigma        float64
	seed         uint64
	phase        sample.Phase
	block        int
}

// noise returns the draws of a request less the image, over σ.
func noise(t *testing.T, p *sample.Sampler, r request) []float64 {
	t.Helper()
	x := picture(r.image)
	draws, err := p.Draws(example(x, r.index, 0), ask(r.sigma, 0, 0, r.seed), r.phase, r.block)
	if err != nil {
		t.Fatal(err)
	}
	z := make([]float64, len(draws))
	for i, v := range draws {
		z[i] = (float64(v) - float64(x[i%values])) / float64(float32(r.sigma))
	}
	return z
}

// within fails where a statistic lies 5 standard errors off.
func within(t *testing.T, what string, got, want, standardError float64) {
	t.Helper()
	if !(math.Abs(got-want) < 5*standardError) {
		t.Errorf("%s is %.5f, not %.5f ± %.5f", what, got, want, standardError)
	}
}

// requests are one, and others that differ from it in one thing, or in two.
func requests() map[string]request {
	base := request{image: 1, index: 1, sigma: 1, seed: 1}
	all := map[string]request{"base": base}
	vary := func(name string, change func(*request)) {
		r := base
		change(&r)
		all[name] = r
	}
	vary("seed", func(r *request) { r.seed = 2 })
	vary("seed far", func(r *request) { r.seed = 1 + 1<<40 })
	vary("index", func(r *request) { r.index = 2 })
	vary("index far", func(r *request) { r.index = 1 + 1<<40 })
	vary("phase", func(r *request) { r.phase = sample.Estimation })
	vary("block", func(r *request) { r.block = 1 })
	vary("block next", func(r *request) { r.block = 2 })
	vary("phase and block", func(r *request) { r.phase, r.block = sample.Estimation, 1 })
	vary("index and block", func(r *request) { r.index, r.block = 2, 1 })
	return all
}

// normalNumbers fails where the moments or correlations of a stream aren't those of independent
// standard normal numbers.
func normalNumbers(t *testing.T, name string, z []float64, block int) {
	t.Helper()
	n := float64(len(z))
	moment := func(what string, want, variance float64, f func(v float64) float64) {
		t.Helper()
		sum := 0.0
		for _, v := range z {
			sum += f(v)
		}
		within(t, name+": "+what, sum/n, want, math.Sqrt(variance/n))
	}
	moment("mean", 0, 1, func(v float64) float64 { return v })
	moment("mean square", 1, 2, func(v float64) float64 { return v * v })
	moment("mean cube", 0, 15, func(v float64) float64 { return v * v * v })
	moment("mean fourth power", 3, 96, func(v float64) float64 { return v * v * v * v })
	moment("mean sixth power", 15, 10395-225, func(v float64) float64 { return math.Pow(v, 6) })
	// Neighbours, rows, draws, and the two halves of Box and Muller's pairs.
	for _, lag := range []int{1, 2, 4, 8, values, 2 * values, block * values / 2} {
		off := 1 / math.Sqrt(n-float64(lag))
		within(t, fmt.Sprintf("%s: correlation at %d", name, lag), product(z, z[lag:], 1), 0, off)
		within(t, fmt.Sprintf("%s: of squares at %d", name, lag), product(z, z[lag:], 2), 0, 2*off)
	}
}

// unrelated fails where two streams correlate or share numbers.
func unrelated(t *testing.T, names string, x, y []float64) {
	t.Helper()
	within(t, names+": correlation", product(x, y, 1), 0, 1/math.Sqrt(float64(len(x))))
	// Overlap at whatever offset. By chance about one in a thousand is equal.
	sorted := slices.Sorted(slices.Values(x))
	shared := 0
	for _, v := range y {
		if _, found := slices.BinarySearch(sorted, v); found {
			shared++
		}
	}
	if shared > len(x)/100 {
		t.Errorf("%s: %d of %d numbers are shared", names, shared, len(x))
	}
}

// One sampler, asked for one thing after the other, draws what each asked for: independent
// normal numbers, a stream for every (seed, example, phase, block) and no other.
func TestNoise(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		const block = 500
		p := newSampler(t, backend, dense(nil), sample.Settings{Block: block})
		streams := map[string][]float64{}
		for name, r := range requests() {
			streams[name] = noise(t, p, r)
			normalNumbers(t, name, streams[name], block)
		}
		for a, x := range streams {
			for b, y := range streams {
				if a < b {
					unrelated(t, a+", "+b, x, y)
				}
			}
		}

		// Neither σ nor the image chooses the stream, and asked again it is the same to the bit.
		for name, change := range map[string]func(*request){
			"σ":     func(r *request) { r.sigma = 0.25 },
			"image": func(r *request) { r.image = 7 },
			"both":  func(r *request) { r.image, r.sigma = 7, 2.5 },
			"none":  func(*request) {},
		} {
			r := requests()["base"]
			change(&r)
			for i, v := range noise(t, p, r) {
				d := math.Abs(v - streams["base"][i])
				if d > 1e-6 || name == "none" && d > 0 {
					t.Fatalf("%s: draw %d is %v, not %v", name, i, v, streams["base"][i])
				}
			}
		}

		// Over draws, any two values of the image.
		sums := [values][values]float64{}
		n := 0
		for _, z := range streams {
			for draw := range slices.Chunk(z, values) {
				n++
				for j := range values {
					for k := range j {
						sums[j][k] += draw[j] * draw[k]
					}
				}
			}
		}
		for j := range values {
			for k := range j {
				within(t, fmt.Sprintf("correlation of values %d and %d", j, k),
					sums[j][k]/float64(n), 0, 1/math.Sqrt(float64(n)))
			}
		}
	})
}

// product is the mean product of two streams, each to a power and centred.
func product(x, y []float64, power int) float64 {
	f := func(v float64) float64 { return v }
	if power == 2 {
		f = func(v float64) float64 { return v*v - 1 }
	}
	n, sum := min(len(x), len(y)), 0.0
	for i := range n {
		sum += f(x[i]) * f(y[i])
	}
	return sum / float64(n)
}

// A million numbers have the normal distribution, tails included.
func TestNormal(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		const block, blocks = 1000, 16
		p := newSampler(t, backend, dense(nil), sample.Settings{Block: block})
		var z []float64
		for b := range blocks {
			z = append(z, noise(t, p, request{sigma: 1, seed: 11, block: b})...)
		}
		n := float64(len(z))
		slices.Sort(z)
		distance := 0.0
		for i, v := range z {
			f := distuv.UnitNormal.CDF(v)
			distance = max(distance, f-float64(i)/n, float64(i+1)/n-f)
		}
		// Kolmogorov: P(√n·D > 1.95) = 0.001.
		if d := distance * math.Sqrt(n); d > 1.95 {
			t.Errorf("Kolmogorov's √n·D is %.3f", d)
		}
		// Bins of equal probability, and tails.
		const bins = 1000
		observed, expected := make([]float64, bins), make([]float64, bins)
		for _, v := range z {
			observed[min(bins-1, int(distuv.UnitNormal.CDF(v)*bins))]++
		}
		for i := range expected {
			expected[i] = n / bins
		}
		if p := (distuv.ChiSquared{K: bins - 1}).Survival(stat.ChiSquare(observed, expected)); p < 0.001 {
			t.Errorf("χ² of %d bins: p = %g", bins, p)
		}
		for _, at := range []float64{2, 3, 3.5, 4, 4.5} {
			want := n * distuv.UnitNormal.CDF(-at)
			below, _ := slices.BinarySearch(z, -at)
			over, _ := slices.BinarySearch(z, at)
			within(t, fmt.Sprintf("the number below -%g", at), float64(below), want, math.Sqrt(want))
			within(t, fmt.Sprintf("the number over %g", at), n-float64(over), want, math.Sqrt(want))
		}
		if low, high := z[0], z[len(z)-1]; low > -4.3 || high < 4.3 || low < -6.8 || high > 6.8 {
			t.Errorf("numbers from %g to %g", low, high)
		}
	})
}
