// Package rs is the mathematics of certified robustness by randomized smoothing: from the votes
// and margins that noisy sampling leaves (Evidence) to a Certificate, a class with an l2
// radius. It is pure: no device, no random numbers, no files.
//
// A Method (Mono, TwoBound, Isoperimetric, Adaptive, Bonferroni, CPM, Lipschitz, PaperLipschitz,
// SoftScores, Margin) turns evidence and α into a certificate; Methods lists them by name. Under it
// lie a Bound (ClopperPearson, STaR, Betting, Bernstein,
// Hoeffding, BetaMixture and others; Bounds lists them) on the mean of draws in [0, 1], and a radius: Smoothed is the exact
// one of a Lipschitz score, which contains Cohen's. Over it lie certified accuracy, the
// average certified radius of many results, and what α means for all of them together.
//
// Draws that end because of what was drawn say where they could (Evidence.Stops): bounds hold there together, or are refused.
// A Rule says when a question is settled; no certificate rests on it.
//
// Radii are l2, in units of the image ([0, 1]), as σ is. Everything that reaches a
// certificate is rounded to the safe side by a stated slack. Misuse of the mathematics (α outside
// (0, 1), say) panics; evidence that lacks something is an error.
package rs
