package rs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Isoperimetric certifies the plain vote classifier by its votes and its margins together.
//
// Theorem. Let m: R^d → R be Λ-Lipschitz (l2), and let class c win the vote wherever m > 0. Let
// s > 0 and p_s = P(m(x+σZ) ≥ s) for Z ~ N(0, I). Then class c keeps more than half of the votes
// on the open ball of radius
//
//	R(s) = s/Λ + σ Φ⁻¹(p_s).
//
// Proof. The set A = {y : m(y) ≥ s} has probability p_s under N(x, σ²I). Let 0 < t < s/Λ. The
// margin falls by less than s within distance t of A, so {m > 0} contains the open enlargement
// A + B_t. The Gaussian isoperimetric inequality (Borell 1975; Sudakov and Tsirelson 1974) gives
// the enlargement a probability of at least Φ(Φ⁻¹(p_s) + t/σ). Moving the centre by δ lowers Φ⁻¹
// of any set's probability by at most ‖δ‖/σ (Cohen et al. 2019). Hence
// P(m(x+δ+σZ) > 0) ≥ Φ(Φ⁻¹(p_s) + (t - ‖δ‖)/σ). The right side exceeds ½ for ‖δ‖ < R(s) and t
// close enough to s/Λ.
//
// Level 0 is the vote count, never {m ≥ 0}, and gives Cohen's radius. A dead network with m = 0
// everywhere has P(m ≥ 0) = 1 and need not win one vote. With σ → 0 the formula becomes the
// deterministic margin over Λ. A linear margin attains R(s) at every s, so nobody who knows only
// p_s, s and Λ can certify more.
//
// With exact probabilities R(s) never rises with s. The gain is statistical: n draws bound Φ⁻¹(p_0)
// by Φ⁻¹(α^(1/n)) at best, and s/Λ comes on top of that ceiling.
//
// The theorem needs no more of m/Λ than a proved lower bound d(y), at every y in R^d, on the
// distance from y to where c loses: R = t + σ Φ⁻¹(P(d ≥ t)).
//
// With Evidence.Rounding the network under Gaussian noise is certified: s falls by Λ·Rounding, and
// votes are not used.
//
// The level is chosen on the selection draw alone (see level). The classifier certified is the same
// for every level, so the choice costs no α. A level chosen on the estimation draw is unsound.
//
// To our knowledge the radius is new. The nearest work: Chiang et al. 2020 (percentiles of smoothed
// functions, no Lipschitz constant), Kumar et al. 2020 (several score levels, no Lipschitz
// constant), Delattre et al. 2024 and 2025 (Lipschitz constants for soft scores), SPLITZ (Zhong and
// Tandon 2024), Cullen et al. 2022.
type Isoperimetric struct {
	Lambda Constant
	Bound  Bound // nil is ClopperPearson
	// Float32 certifies the network in real arithmetic: every level is lowered by
	// Evidence.MarginError, and votes are not used.
	Float32 bool
	// Asked is the radius in the question of a rule, or 0. If the draw may end early, the level is
	// the one that needs the fewest draws to certify this radius.
	Asked float64
}

// Certify implements Method.
func (m Isoperimetric) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	l, bound, err := m.prepare(e)
	if err != nil {
		return Certificate{}, err
	}
	radius, spent := l.lower(m.level(l, alpha), bound, alpha)
	return certificate(e.Class, radius, []Spent{spent}), nil
}

// Ceiling implements Ranger. The certificate of endless draws has level 0.
func (m Isoperimetric) Ceiling(e *Evidence, alpha float64) (float64, error) {
	if _, _, err := m.prepare(e); err != nil {
		return 0, err
	}
	return Mono{Bound: m.Bound}.Ceiling(e, alpha)
}

// A Level is one level's radius in its two parts.
type Level struct {
	Margin   float64 // s, in logits; 0 is the vote count
	Distance float64 // s/Λ, in units of the image
	Noise    float64 // σ Φ⁻¹(p̲_s), in units of the image; -Inf where no draw counts
}

// Radius is R(s).
func (l Level) Radius() float64 { return sumDown(l.Distance, l.Noise) }

// Levels returns every level of an example, rising, each bounded at alpha by itself, and which of
// them Certify takes. It is for looking: the largest radius of all is no certificate.
func (m Isoperimetric) Levels(e *Evidence, alpha float64) (all []Level, chosen int, err error) {
	checkAlpha(alpha)
	l, bound, err := m.prepare(e)
	if err != nil {
		return nil, 0, err
	}
	take := m.level(l, alpha)
	for at := l.first - 1; at < len(l.Margins.Edges); at++ {
		edge := at
		if at < l.first {
			if !l.byVotes {
				continue
			}
			edge = votes
		}
		if edge == take {
			chosen = len(all)
		}
		_, spent := l.lower(edge, bound, alpha)
		all = append(all, Level{spent.Level, l.distance(edge), CohenRadius(l.Sigma, spent.Value)})
	}
	return all, chosen, nil
}

// prepare checks the evidence and returns its levels with the bound to take.
func (m Isoperimetric) prepare(e *Evidence) (levels, Bound, error) {
	l, err := e.levels("isoperimetric", m.Lambda, m.Float32)
	if err != nil {
		return levels{}, nil, err
	}
	bound, err := e.votesBound(m.Bound)
	return l, bound, err
}

// level returns the edge of the level, by the selection draw; votes for level 0.
func (m Isoperimetric) level(l levels, alpha float64) (at int) {
	for _, end := range l.ends(m.Asked, alpha) {
		if at = l.choose(end.alpha, end.n); l.predict(at, end.alpha, end.n) >= m.Asked {
			break
		}
	}
	return at
}

// end is a number of draws, with the part of α that a bound has there.
type end struct {
	n     int
	alpha float64
}

// ends are the numbers of draws to choose a level for: the first at which the radius asked about is
// to be expected, or the last. Where none is asked about, that is the last alone.
func (e *Evidence) ends(asked, alpha float64) []end {
	last := len(e.Stops) - 1
	if last < 0 {
		return []end{{e.Estimation.Total(), alpha}}
	}
	stops := AtStops{Stops: e.Stops}
	first := last
	if asked > 0 {
		first = 0
	}
	var all []end
	for _, n := range e.Stops[first:] {
		all = append(all, end{n, stops.Level(n, alpha)})
	}
	return all
}

// votes stands for level 0 in place of an edge.
const votes = -1

// levels are the levels that an example can be certified at: an edge of its margin histograms that
// lies above shift, or votes where shift is 0. One classifier is certified at all of them.
type levels struct {
	*Evidence
	lambda float64
	// shift is what a margin of the classifier certified may lie below a logged one, and what its
	// zero may come nearer by.
	shift float64
	// byVotes says that level 0 counts votes. They are no votes of the network in real arithmetic,
	// nor under noise that isn't rounded.
	byVotes bool
	inReal  bool // BeyondReach is subtracted
	first   int  // edge of the least level above 0
	normal       // of the margins in the selection draw
}

// levels checks what e needs for levels of a margin that is lambda-Lipschitz.
func (e *Evidence) levels(method string, lambda Constant, float32 bool) (levels, error) {
	if err := lambda.check(method); err != nil {
		return levels{}, err
	}
	if err := cmp.Or(e.checkMargins(), e.checkSelection(2, 1)); err != nil {
		return levels{}, err
	}
	h := e.SelectionMargins
	if err := h.check(e.Selection.Total()); err != nil {
		return levels{}, e.field("selection margins", err)
	}
	if len(h.Edges) == 0 || !sameEdges(h.Edges, e.Margins.Edges) {
		return levels{}, fmt.Errorf("example %d: selection margins: %d edges, want the %d of the margins",
			e.Index, len(h.Edges), len(e.Margins.Edges))
	}
	off, err := e.marginError(float32)
	if err != nil {
		return levels{}, err
	}
	l := levels{Evidence: e, lambda: lambda.Value(), inReal: off > 0, shift: off}
	l.byVotes = off == 0 && e.Rounding == 0
	l.shiftBy(e.Rounding * l.lambda)
	l.normal = fit(h, l.lambda*e.Sigma)
	return l, nil
}

// sameEdges compares edges, which the rows of a run share.
func sameEdges(a, b []float64) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// rounded are the levels of the classifier whose input is rounded, which votes under rounded noise
// certify. An input and its rounded one lie within Rounding, and so do a neighbour and its own: a
// margin between rounded inputs falls by Λ(t + 2·Rounding) within distance t. Levels of the network
// in real arithmetic stay as they are.
func (l levels) rounded() levels {
	if !l.inReal && l.Rounding > 0 {
		l.shiftBy(l.Rounding * l.lambda)
		l.byVotes = true
	}
	return l
}

// shiftBy raises shift, rounded up.
func (l *levels) shiftBy(more float64) {
	if l.shift += more; l.shift > 0 {
		l.shift *= 1 + 0x1p-49
	}
	edges := l.SelectionMargins.Edges
	l.first = sort.Search(len(edges), func(j int) bool { return edges[j] > l.shift })
}

// lower returns R at a level, rounded down, and what was spent. It is -Inf where no level lies
// above shift.
func (l levels) lower(at int, bound Bound, alpha float64) (radius float64, spent Spent) {
	spent = Spent{Of: "top", Bound: bound.Name(), Alpha: alpha, Times: 1}
	switch {
	case at == votes && !l.byVotes:
		return math.Inf(-1), spent
	case at == votes:
		spent.Value = bound.Lower(Bernoulli(l.Estimation[l.Class], l.Estimation.Total()), alpha)
		return CohenRadius(l.Sigma, spent.Value), spent
	}
	above, _ := total(l.Margins.Counts[at+1:]) // checked
	spent.Level = l.Margins.Edges[at]
	spent.Value = bound.Lower(Bernoulli(above, l.Estimation.Total()), alpha)
	if l.inReal {
		spent.Value = lowered(spent.Value, BeyondReach)
	}
	return sumDown(l.distance(at), CohenRadius(l.Sigma, spent.Value)), spent
}

// distance is how far the margin's zero lies from where its level is reached, rounded down.
func (l levels) distance(at int) float64 {
	if at == votes {
		return 0
	}
	s := l.Margins.Edges[at]
	if l.shift > 0 {
		s = max(0, math.Nextafter(s-l.shift, -1))
	}
	return CleanRadius(s, l.lambda)
}

// sumDown is a+b, rounded down.
func sumDown(a, b float64) float64 {
	if a == 0 || math.IsInf(b, 0) {
		return b
	}
	return math.Nextafter(a+b, math.Inf(-1))
}
