// Package rs is the mathematics of certified robustness by randomized smoothing. Noisy sampling
// gives votes and margins (Evidence). Package rs turns them into a Certificate: a class with an l2
// radius. The package is pure: no device, no random numbers, no files.
//
// A Method (Mono, TwoBound, Isoperimetric, Adaptive, Bonferroni, CPM, Lipschitz, PaperLipschitz,
// SoftScores, Margin, Distance) turns evidence and α into a certificate. Methods lists them by
// name. A method uses a Bound on the mean of draws in [0, 1] (ClopperPearson, STaR, Betting,
// Bernstein, Hoeffding, BetaMixture and others). Bounds lists them by name. A method also uses a
// radius: Smoothed has the exact radius of a Lipschitz score, and contains Cohen's. Other functions
// turn many results into certified accuracy and the average certified radius, and give the meaning
// of α for all of them together.
//
// Draws may end because of what was drawn. Then Evidence.Stops has the numbers of draws where they
// could end. A bound holds at all of these together, or is refused. A Rule says when a question is
// settled. No certificate rests on a Rule.
//
// Radii and σ are l2, in units of the image ([0, 1]). Everything that reaches a certificate is
// rounded to the safe side by a stated slack. Misuse of the mathematics panics, such as α outside
// (0, 1). Evidence that lacks something is an error.
package rs
