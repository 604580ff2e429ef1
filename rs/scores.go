package rs

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// A ScoreMap makes scores in [0, 1] from logits times T. Each class has one score, and two scores
// sum to at most 1. The map is part of the classifier that a certificate is about, so it must be
// fixed before the estimation draw.
type ScoreMap struct {
	Name string  // a key of scoreMaps
	T    float64 // factor of the logits, > 0
}

// scoreMap says how a map is computed and how much it stretches. Where every difference of two
// logits is 1-Lipschitz, it bounds the Lipschitz constants of one score and of the difference of
// two, at T = 1.
type scoreMap struct {
	doc     string
	scores  func(z []float64, t float64) []float64
	stretch func(classes int) (one, difference float64)
}

// The constants follow from gradients in terms of differences of logits. Softmax s: ∇s_a = s_a Σ_j
// s_j(∇z_a - ∇z_j), of norm at most s_a(1-s_a). For two scores the norm is at most 2s_a s_b +
// (s_a+s_b)(1-s_a-s_b) <= 1/2. Sparsemax with k classes in its support: ∇s_a = (1/k) Σ_j (∇z_a -
// ∇z_j), of norm at most 1-1/k, and ∇s_a - ∇s_b = ∇z_a - ∇z_b. The clipped ramp: ∇h_a = (∇z_a -
// ∇z_j)/2, where j is the largest other class.
var scoreMaps = map[string]scoreMap{
	"softmax": {"softmax of t times the logits", Softmax,
		func(int) (one, difference float64) { return 0.25, 0.5 }},
	"sparsemax": {"projection of t times the logits on the simplex", Sparsemax,
		func(classes int) (one, difference float64) { return 1 - 1/float64(classes), 1 }},
	"ramp": {"clip(1/2 + t m/2, 0, 1) of each class's margin m", ramps,
		func(int) (one, difference float64) { return 0.5, 1 }},
}

// ParseScoreMap reads "sparsemax,t=0.5". Without t, t is 1.
func ParseScoreMap(text string) (ScoreMap, error) {
	name, rest, given := strings.Cut(strings.ReplaceAll(text, " ", ""), ",")
	m := ScoreMap{Name: name, T: 1}
	if given {
		value, ok := strings.CutPrefix(rest, "t=")
		t, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			return m, fmt.Errorf("%q is no map of scores: want, say, sparsemax,t=0.5", text)
		}
		m.T = t
	}
	return m, m.Check()
}

// ScoreMapNames lists the maps.
func ScoreMapNames() []string {
	var names []string
	for name := range scoreMaps {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Check reports an unknown name or a factor that isn't positive and finite.
func (m ScoreMap) Check() error {
	if _, ok := scoreMaps[m.Name]; !ok {
		return named.Unknown("map of scores", m.Name, ScoreMapNames())
	}
	if !(m.T > 0) || m.T > 1e30 {
		return fmt.Errorf("%s: t = %g, want a positive number", m.Name, m.T)
	}
	return nil
}

func (m ScoreMap) String() string { return fmt.Sprintf("%s,t=%g", m.Name, m.T) }

// Scores returns the score of each class.
func (m ScoreMap) Scores(z []float64) []float64 { return scoreMaps[m.Name].scores(z, m.T) }

// Lipschitz bounds the Lipschitz constants of one score and of the difference of two, rounded up.
// lambda bounds the constant of every difference of two logits. Where lambda is 0, no bound is
// known, and the results are +Inf.
func (m ScoreMap) Lipschitz(lambda float64, classes int) (one, difference float64) {
	if lambda == 0 {
		return math.Inf(1), math.Inf(1)
	}
	one, difference = scoreMaps[m.Name].stretch(classes)
	up := max(m.T*lambda*(1+0x1p-50), 0x1p-1000) // a product that underflows is no bound
	return up * one, up * difference
}

// float32Error bounds the error in the mean of one score, and of the difference of two. marginError
// bounds the error of every difference of two logits. The bound follows the gradients from the one
// logits to the other, as in Lipschitz, with marginError in place of lambda. The map itself is
// taken to lose no more than 2⁻²³ a class and eight times that: float32, with its exponential to 4
// units in the last place. That loss is beside the errors that MarginError covers. The results are
// 0 where marginError is 0.
func (m ScoreMap) float32Error(marginError float64, classes int) (one, difference float64) {
	if marginError == 0 {
		return 0, 0
	}
	one, difference = m.Lipschitz(marginError, classes)
	own := float64(classes+8)*0x1p-23 + BeyondReach
	return one + own, difference + 2*own
}

// ramps is clip(1/2 + t m/2, 0, 1) of the margin m of each class.
func ramps(z []float64, t float64) []float64 {
	checkTemperature(z, t)
	h := make([]float64, len(z))
	for c := range z {
		other := math.Inf(-1)
		for j, x := range z {
			if j != c {
				other = max(other, x)
			}
		}
		h[c] = min(max(0.5+t*(z[c]-other)/2, 0), 1)
	}
	return h
}

// Scores are the scores of every class under noise, by one map. Each class has a histogram over
// shared edges.
type Scores struct {
	Map     ScoreMap
	Classes []Histogram
}

// scoreBins is the number of bins between the edges next to 0 and 1.
const scoreBins = 128

// ScoreEdges returns the edges of histograms of scores, each a float32, symmetric and fine near 0
// and 1. The scores 0 and 1 have one bin each: the first and the last, apart from the bins outside
// [0, 1].
func ScoreEdges() []float64 {
	edges := []float64{0, 0x1p-100}
	for j := 1; j < scoreBins; j++ {
		s := math.Sin(math.Pi * float64(j) / (2 * scoreBins))
		edges = append(edges, float64(float32(s*s)))
	}
	return append(edges, 1)
}

// sample is the sample of one class's scores.
func (s *Scores) sample(class int) Sample {
	h := s.Classes[class]
	out := Sample{N: h.Total(), Counts: h.Counts, Lo: make([]float64, len(h.Counts)),
		Hi: make([]float64, len(h.Counts))}
	for i, edge := range h.Edges {
		edge = min(max(edge, 0), 1)
		out.Lo[i+1], out.Hi[i] = edge, edge
	}
	out.Hi[len(out.Hi)-1] = 1
	return out
}
