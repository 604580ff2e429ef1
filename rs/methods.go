package rs

import "fmt"

// Methods lists every method that the command, the figures and the tests know by name.
var Methods = []Entry{
	{"mono", "one bound on the class (Cohen et al. 2019)",
		func(s Setting) (Method, error) { return Mono{Bound: s.Bound}, nil }},
	{"bonferroni", "a bound on every class, alpha/K each",
		func(s Setting) (Method, error) { return Bonferroni{Bound: s.Bound}, nil }},
	{"cpm", "class partitioning (Delattre et al. 2025), as published",
		func(s Setting) (Method, error) { return CPM{Bound: s.Bound}, nil }},
	{"twobound", "the class and its largest rival, alpha/2 each",
		func(s Setting) (Method, error) { return TwoBound{Bound: s.Bound}, nil }},
	{"lipschitz", "soft votes and the exact radius of a Lipschitz score",
		func(s Setting) (Method, error) {
			if s.Tau < 0 {
				return nil, fmt.Errorf("lipschitz: no temperature was chosen")
			}
			l := Lipschitz{Lambda: s.Lambda, Tau: s.Tau, Bound: s.Bound}
			return l, l.check()
		}},
	{"margin", "no noise: the clean margin over its Lipschitz constant",
		func(s Setting) (Method, error) {
			if !(s.Lambda > 0) {
				return nil, fmt.Errorf("margin: no bound on the Lipschitz constant of logit differences")
			}
			return Margin{Lambda: s.Lambda}, nil
		}},
}
