package rs

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigLog is ln x, x > 0, to 160 bits: x is m·2^e, and ln m = 2 artanh((m-1)/(m+1)).
func bigLog(x *big.Float) *big.Float {
	artanh := func(z *big.Float) *big.Float {
		square, power, sum := bigNumber(0).Mul(z, z), bigNumber(0).Set(z), bigNumber(0)
		for k := 1; k == 1 || power.Sign() != 0 &&
			power.MantExp(nil) > sum.MantExp(nil)-160; k += 2 {
			sum.Add(sum, bigNumber(0).Quo(power, bigNumber(float64(k))))
			power.Mul(power, square)
		}
		return sum.Mul(sum, bigNumber(2))
	}
	m := bigNumber(0)
	e := x.MantExp(m)
	if m.Cmp(bigNumber(0.7)) < 0 { // to [0.7, 1.4)
		m, e = m.Mul(m, bigNumber(2)), e-1
	}
	log := artanh(bigNumber(0).Quo(bigNumber(0).Sub(m, bigNumber(1)),
		bigNumber(0).Add(m, bigNumber(1))))
	if e == 0 {
		return log
	}
	two := artanh(bigNumber(0).Quo(bigNumber(1), bigNumber(3)))
	return log.Add(log, two.Mul(two, bigNumber(float64(e))))
}

func TestBigLog(t *testing.T) {
	for _, x := range []float64{1, 2, 0.1, 1e-300, 1e300, 0.999999999} {
		if got, _ := bigLog(bigNumber(x)).Float64(); !near(got, math.Log(x),
			4e-16*math.Abs(math.Log(x))) {
			t.Errorf("ln %g = %.17g, want %.17g", x, got, math.Log(x))
		}
	}
}

// exactMean and exactVariance are of draws known exactly (Lo = Hi).
func exactMean(s Sample) *big.Float {
	sum := bigNumber(0)
	for i, c := range s.Counts {
		sum.Add(sum, bigNumber(0).Mul(bigNumber(float64(c)), bigNumber(s.Lo[i])))
	}
	return sum.Quo(sum, bigNumber(float64(s.N)))
}

func exactVariance(s Sample) *big.Float {
	mean, sum := exactMean(s), bigNumber(0)
	for i, c := range s.Counts {
		d := bigNumber(0).Sub(bigNumber(s.Lo[i]), mean)
		sum.Add(sum, d.Mul(d.Mul(d, d), bigNumber(float64(c))))
	}
	return sum.Quo(sum, bigNumber(float64(s.N-1)))
}

// extremeSamples are draws of every number up to 1e9.
func extremeSamples() (samples []Sample) {
	for _, n := range []int{1, 2, 3, 17, 1000, 999983, 1e9} {
		seen := map[int]bool{}
		for _, k := range []int{0, 1, n / 10, n / 2, n - n/1000, n - 1, n} {
			if k <= n && !seen[k] {
				samples, seen[k] = append(samples, Bernoulli(k, n)), true
			}
		}
		soft := []float64{0.1, 1.0 / 3, 0.5, 0.99, 1}
		part := n / 5
		samples = append(samples,
			Sample{N: n, Lo: soft, Hi: soft, Counts: []int{part, part, part, part, n - 4*part}},
			Sample{N: n, Lo: soft, Hi: soft, Counts: []int{n - part, 0, 0, 0, part}},
			Sample{N: n, Lo: soft[:2], Hi: soft[:2], Counts: []int{0, n}},
			Sample{N: n, Lo: []float64{1e-9, 1e-3}, Hi: []float64{1e-9, 1e-3},
				Counts: []int{n - part, part}})
	}
	return samples
}

var extremeAlphas = []float64{0.9, 0.5, 0.05, 0.001, 1e-9, 1e-15}

// TestBoundsAtTheExtremes: at any number of draws and any level, every bound lies in [0, 1], on its
// side of the mean. It is wider at a smaller α, and its two sides are mirror images.
func TestBoundsAtTheExtremes(t *testing.T) {
	for _, entry := range append([]BoundEntry{{Name: "beta-binomial",
		Bound: BetaBinomialSequence{}}, {Name: "betting at any time", Bound: Betting{N: 1000}},
		{Name: "V = 0.7", Bound: Randomized{V: 0.7}}}, Bounds...) {
		for _, s := range extremeSamples() {
			mean, _ := exactMean(s).Float64()
			lastLower, lastUpper := 2.0, -1.0
			for _, alpha := range extremeAlphas {
				lower, upper := entry.Bound.Lower(s, alpha), entry.Bound.Upper(s, alpha)
				say := fmt.Sprintf("%s of %v × %v at %g: [%.17g, %.17g]", entry.Name, s.Counts,
					s.Lo, alpha, lower, upper)
				if !(0 <= lower && lower <= 1 && 0 <= upper && upper <= 1) {
					t.Error(say)
				}
				// Exact bounds at a level beyond 1/2 may pass the mean.
				if alpha <= 0.5 && entry.Name != "V = 0.7" && (lower > mean || upper < mean) {
					t.Errorf("%s, mean %.17g", say, mean)
				}
				if lower > lastLower*(1+1e-12) || 1-upper > (1-lastUpper)*(1+1e-12)+1e-15 {
					t.Errorf("%s, at the larger α [%.17g, %.17g]", say, lastLower, lastUpper)
				}
				lastLower, lastUpper = lower, upper
				if mirrored := entry.Bound.Lower(s.mirror(), alpha); !near(1-upper, mirrored,
					1e-14+1e-11*mirrored) {
					t.Errorf("%s, of 1-x from %.17g", say, mirrored)
				}
			}
		}
	}
}

// TestBoundsRoundOutward: Hoeffding's and Bernstein's deviation, and the wealth of bets, in big
// floats. Each bound lies on the far side.
func TestBoundsRoundOutward(t *testing.T) {
	for _, s := range extremeSamples() {
		mean, n := exactMean(s), bigNumber(float64(s.N))
		for _, alpha := range extremeAlphas {
			log := bigLog(bigNumber(0).Quo(bigNumber(1), bigNumber(alpha)))
			hoeffding := bigNumber(0).Quo(log, bigNumber(2*float64(s.N)))
			hoeffding.Sqrt(hoeffding)
			outward := func(b Bound, deviation *big.Float) {
				t.Helper()
				lower, upper := b.Lower(s, alpha), b.Upper(s, alpha)
				if low := bigNumber(0).Sub(mean, deviation); lower > 0 &&
					bigNumber(lower).Cmp(low) > 0 {
					t.Errorf("%s of %v × %v at %g: lower %.17g, exactly %.20g", b.Name(), s.Counts,
						s.Lo, alpha, lower, low)
				}
				if high := bigNumber(0).Add(mean, deviation); upper < 1 &&
					bigNumber(upper).Cmp(high) < 0 {
					t.Errorf("%s of %v × %v at %g: upper %.17g, exactly %.20g", b.Name(), s.Counts,
						s.Lo, alpha, upper, high)
				}
			}
			outward(Hoeffding{}, hoeffding)
			if s.N > 1 {
				l := bigLog(bigNumber(0).Quo(bigNumber(2), bigNumber(alpha)))
				root := exactVariance(s)
				root.Mul(root, bigNumber(0).Quo(bigNumber(0).Mul(bigNumber(2), l), n))
				root.Sqrt(root)
				rest := bigNumber(0).Quo(bigNumber(0).Mul(bigNumber(7), l),
					bigNumber(3*float64(s.N-1)))
				outward(Bernstein{}, root.Add(root, rest))
			}
			for _, b := range []Betting{{}, {N: 5000}} {
				if lower := b.Lower(s, alpha); lower > 0 {
					if gap := wealthGap(b, s, lower, alpha, log); !(gap >= 0) {
						t.Errorf("%+v of %v × %v at %g: ln wealth at %.17g misses ln 1/α by %g", b,
							s.Counts, s.Lo, alpha, lower, gap)
					}
				}
				if upper := b.Upper(s, alpha); upper < 1 {
					if gap := wealthGap(b, s.mirror(), 1-upper, alpha, log); !(gap >= 0) {
						t.Errorf("%+v of %v × %v at %g: ln wealth at the upper bound %.17g "+
							"misses ln 1/α by %g", b, s.Counts, s.Lo, alpha, upper, gap)
					}
				}
			}
		}
	}
}

// wealthGap is ln W(m) - ln 1/α, the logarithm of each bet's wealth in big floats.
func wealthGap(b Betting, s Sample, m, alpha float64, target *big.Float) float64 {
	n := b.N
	if n == 0 {
		n = s.N
	}
	prior := newBets(n, alpha)
	sum, weight := 0.0, 0.0
	for j, theta := range prior.theta {
		log, lost := bigNumber(prior.logWeight[j]), false
		for i, c := range s.Counts {
			f := bigNumber(0).Quo(bigNumber(0).Mul(bigNumber(theta), bigNumber(s.Lo[i])),
				bigNumber(m))
			f.Add(f, bigNumber(0).Sub(bigNumber(1), bigNumber(theta)))
			switch {
			case c == 0:
			case f.Sign() == 0:
				lost = true
			default:
				log.Add(log, bigNumber(0).Mul(bigLog(f), bigNumber(float64(c))))
			}
		}
		weight += math.Exp(prior.logWeight[j])
		if excess, _ := log.Sub(log, target).Float64(); !lost {
			sum += math.Exp(excess)
		}
	}
	return math.Log(sum / weight)
}

// Of two classes and one of two, special methods are the general ones.
func TestMethodsOfTwoClasses(t *testing.T) {
	r := rand.New(rand.NewPCG(111, 112))
	for range 200 {
		p := 0.3 + 0.7*r.Float64()
		e := &Evidence{Sigma: 0.5, Selection: multinomial(r, 20, []float64{p, 1 - p}),
			Estimation: multinomial(r, 1+r.IntN(2000), []float64{p, 1 - p})}
		e.Class = e.Selection.Top()
		alpha := math.Exp(-0.7 - 20*r.Float64())
		two := certify(t, TwoBound{}, e, alpha)
		for _, m := range []Method{CPM{}, Bonferroni{}} { // two bounds at α/2 each
			if c := certify(t, m, e, alpha); c.Class != two.Class || c.Radius != two.Radius {
				t.Errorf("%v at %g: %T %v, two bounds %v", e.Estimation, alpha, m, c, two)
			}
		}
		// The rival has every vote that the class lacks, so each bound is the other's mirror. The
		// radius is Mono's at α/2. The radius of UnsoundPair is Mono's at α.
		for level, m := range map[float64]Method{alpha / 2: TwoBound{}, alpha: UnsoundPair{}} {
			mono, c := certify(t, Mono{}, e, level), certify(t, m, e, alpha)
			if c.Class != mono.Class || !near(c.Radius, mono.Radius, 1e-11*mono.Radius+1e-12) {
				t.Errorf("%v: %T at %g %v, mono at %g %v", e.Estimation, m, alpha, c, level, mono)
			}
		}
		// Randomized at V = 0 is Clopper–Pearson.
		if c := certify(t, TwoBound{Bound: Randomized{}}, e, alpha); !near(c.Radius, two.Radius,
			1e-9*two.Radius+1e-10) {
			t.Errorf("%v at %g: V = 0 %v, Clopper–Pearson %v", e.Estimation, alpha, c, two)
		}
	}
}

// TestVoteMethodsAreMonotone: a vote that moves from a rival to the class never lowers the radius.
// Nor do more draws in equal proportions. The radius is proportional to σ.
func TestVoteMethodsAreMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(113, 114))
	methods := []Method{Mono{}, Bonferroni{}, CPM{}, TwoBound{}, TwoBound{Clip: true}, Adaptive{},
		UnsoundSecond{}}
	for range 300 {
		e, alpha := randomVotes(r), math.Exp(-1-20*r.Float64())
		moved, more, wide := *e, *e, *e
		moved.Estimation, more.Estimation = append(Votes(nil), e.Estimation...),
			append(Votes(nil), e.Estimation...)
		for c := range e.Estimation {
			more.Estimation[c] *= 3
		}
		if rival := r.IntN(len(e.Estimation)); moved.Estimation[rival] > 0 {
			moved.Estimation[rival]--
			moved.Estimation[e.Class]++
		}
		wide.Sigma *= 3
		for _, m := range methods {
			c := certify(t, m, e, alpha)
			if after := certify(t, m, &moved, alpha); after.Radius < c.Radius {
				t.Errorf("%T: %v gives %g, %v %g", m, e.Estimation, c.Radius, moved.Estimation,
					after.Radius)
			}
			if _, chooses := m.(Adaptive); !chooses { // by the number of draws, too
				if after := certify(t, m, &more, alpha); after.Radius < c.Radius {
					t.Errorf("%T: %v gives %g, three times as many %g", m, e.Estimation, c.Radius,
						after.Radius)
				}
			}
			if after := certify(t, m, &wide, alpha); after.Class != c.Class ||
				!near(after.Radius, 3*c.Radius, 1e-12*after.Radius) {
				t.Errorf("%T: %g at σ, %g at 3σ", m, c.Radius, after.Radius)
			}
		}
	}
}

// TestRadius2IsMonotone: the radius of two scores grows with p1 and σ and falls with p2 and L. It
// goes from the radius without noise to Cohen's.
func TestRadius2IsMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(115, 116))
	for range 5000 {
		s := Smoothed{Sigma: math.Exp(2 * r.NormFloat64()), L: math.Exp(3 * r.NormFloat64())}
		p2 := r.Float64() / 2
		p1 := p2 + (1-p2)*r.Float64()
		radius := s.Radius2(p1, p2)
		slack := 1e-12*radius + 1e-13*(s.Sigma+1/s.L) // the rounding of either inverse
		for what, less := range map[string]float64{
			"a larger L":    Smoothed{Sigma: s.Sigma, L: s.L * (1 + r.Float64())}.Radius2(p1, p2),
			"a smaller σ":   Smoothed{Sigma: s.Sigma * r.Float64(), L: s.L}.Radius2(p1, p2),
			"a smaller p1":  s.Radius2(p2+(p1-p2)*r.Float64(), p2),
			"a larger p2":   s.Radius2(p1, p2+(p1-p2)*r.Float64()),
			"no noise":      Smoothed{L: s.L}.Radius2(p1, p2),
			"any score":     CohenRadius2(s.Sigma, p1, p2),
			"the published": min(s.PaperRadius2(p1, p2), math.Inf(1)),
		} {
			// T is no bound below 1/2
			if what == "the published" && (s.width() > 1e3 || p1 < 0.5 || p2 == 0) {
				continue
			}
			if less > radius+slack+1e-9*radius*float64(b2i(what == "the published")) {
				t.Errorf("%+v, %g, %g: radius %g, with %s %g", s, p1, p2, radius, what, less)
			}
		}
		if large, cohen := (Smoothed{s.Sigma, 1e12 / s.Sigma}).Radius2(p1, p2),
			CohenRadius2(s.Sigma, p1, p2); !near(large, cohen, 1e-9*cohen+slack) {
			t.Errorf("L → ∞: %g, Cohen %g", large, cohen)
		}
		if small, clean := (Smoothed{1e-12 / s.L, s.L}).Radius2(p1, p2),
			(p1-p2)/(2*s.L); p2 > 1e-3 && p1 < 0.999 && !near(small, clean, 1e-9*clean+1e-12/s.L) {
			t.Errorf("σ → 0: %g, want %g", small, clean)
		}
	}
}
