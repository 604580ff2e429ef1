package rs

import (
	"cmp"
	"errors"
	"fmt"
)

// DefaultMethods are the names that certify and the main job show: the baselines, the paper's
// method, the two strongest, and the one without noise. A run with distances adds "distance".
var DefaultMethods = []string{"mono", "cpm", "paper", "isoperimetric", "adaptive", "margin"}

// DefaultMethod is the strongest method, and the default of a rule.
const DefaultMethod = "adaptive"

// DefaultAlpha is the error probability of a certificate that the field uses (Cohen et al. 2019).
const DefaultAlpha = 0.001

// Methods lists every method that the command, the figures and the tests know by name.
var Methods = []Entry{
	{Name: "mono", Doc: "one bound on the class (Cohen et al. 2019)",
		New: func(s Setting) (Method, error) { return Mono{Bound: s.Bound}, nil }},
	{Name: "bonferroni", Doc: "a bound on every class, alpha/K each",
		New: func(s Setting) (Method, error) { return Bonferroni{Bound: s.Bound}, nil }},
	{Name: "cpm", Doc: "class partitioning (Delattre et al. 2025), as published",
		New: func(s Setting) (Method, error) { return CPM{Bound: s.Bound}, nil }},
	{Name: "twobound", Doc: "the class and its largest rival, alpha/2 each",
		New: func(s Setting) (Method, error) { return TwoBound{Bound: s.Bound}, nil }},
	{Name: "isoperimetric", Doc: "votes and margins in one bound, at a level chosen on the " +
		"selection draw", Lipschitz: true,
		New: func(s Setting) (Method, error) {
			return Isoperimetric{Lambda: s.Lambda, Bound: s.Bound, Float32: s.Float32,
				Asked: s.Asked}, s.Lambda.check("isoperimetric")
		}},
	{Name: "adaptive", Doc: "the strongest of one bound or two, at a level or on votes, chosen " +
		"on the selection draw", Lipschitz: true,
		New: func(s Setting) (Method, error) {
			return Adaptive{Lambda: s.Lambda, Bound: s.Bound, Float32: s.Float32, Asked: s.Asked},
				nil
		}},
	{Name: "lipschitz", Doc: "soft votes and the exact radius of a Lipschitz score",
		Lipschitz: true,
		New:       func(s Setting) (Method, error) { return lipschitzIn("lipschitz", s) }},
	{Name: "paper", Doc: "soft votes and the radius of Delattre et al. 2025, as published",
		Lipschitz: true,
		New: func(s Setting) (Method, error) {
			l, err := lipschitzIn("paper", s)
			return PaperLipschitz(l), err
		}},
	{Name: "lvm", Doc: "mean scores of all classes, two bounds (LVM-RS, Delattre et al. 2024)",
		New: func(s Setting) (Method, error) {
			return SoftScores{Map: s.Scores, Bound: s.Bound, Seed: s.Seed}, nil
		}},
	{Name: "lipschitz-two", Doc: "mean scores of all classes, the exact radius of two Lipschitz " +
		"scores", Lipschitz: true,
		New: func(s Setting) (Method, error) {
			return scoresIn("lipschitz-two", s, SoftScores{TwoClass: true})
		}},
	{Name: "lipschitz-margin", Doc: "mean scores of all classes, the exact radius of a Lipschitz " +
		"difference of two", Lipschitz: true,
		New: func(s Setting) (Method, error) {
			return scoresIn("lipschitz-margin", s, SoftScores{Difference: true})
		}},
	{Name: "margin", Doc: "no noise: the clean margin over its Lipschitz constant", Lipschitz: true,
		Noiseless: true,
		New: func(s Setting) (Method, error) {
			return Margin{Lambda: s.Lambda, Float32: s.Float32}, s.Lambda.check("margin")
		}},
	{Name: "distance", Doc: "no noise: the distance to the nearest image in [0, 1] of another " +
		"class, which prototypes know", Noiseless: true, InBox: true,
		New: func(s Setting) (Method, error) {
			if !s.Distances {
				return nil, errors.New("distance: the run logs no distances: prototypes alone have them")
			}
			return Distance{}, nil
		}},
	{Name: "unsound-pair", Unsound: true,
		Doc: "NOT PROVED: the class and its largest rival, alpha each; both bounds hold together " +
			"only at 2 alpha, and no counterexample for alpha <= 1/2 is known",
		New: func(s Setting) (Method, error) { return UnsoundPair{Bound: s.Bound}, nil }},
	{Name: "unsound-second", Doc: "UNSOUND: takes the second class of the selection draw for the " +
		"only rival",
		Unsound: true,
		New:     func(s Setting) (Method, error) { return UnsoundSecond{Bound: s.Bound}, nil }},
}

// scoresIn is m in that setting, for the method of that name.
func scoresIn(name string, s Setting, m SoftScores) (SoftScores, error) {
	m.Lambda, m.Map, m.Bound, m.Seed, m.Float32 = s.Lambda, s.Scores, s.Bound, s.Seed, s.Float32
	return m, s.Lambda.check(name)
}

// lipschitzIn is Lipschitz in that setting, for the method of that name.
func lipschitzIn(name string, s Setting) (Lipschitz, error) {
	l := Lipschitz{Lambda: s.Lambda, Tau: s.Tau, Bound: s.Bound, Seed: s.Seed, Float32: s.Float32}
	if s.Tau < 0 {
		return l, cmp.Or(s.Lambda.check(name), fmt.Errorf("%s: no temperature was chosen: sample "+
			"with --tuning images, or give one with --tau", name))
	}
	return l, l.check()
}
