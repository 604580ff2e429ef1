package rs

import (
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// Abstain is the class of a certificate that names none.
const Abstain = -1

// A Certificate says: with probability at least 1-α over the draws, the prediction is
// Class everywhere in the open l2 ball of this Radius.
type Certificate struct {
	Class  int     // Abstain where nothing is certified
	Radius float64 // l2, in units of the image; 0 where Class is Abstain
	// Ledger lists the confidence bounds of the certificate. Their levels sum to at most α. A
	// deterministic certificate has none.
	Ledger []Spent
}

// Spent is one entry of a certificate's α ledger.
type Spent struct {
	Of    string  // the quantity bounded: "top", "rivals", "score", …
	Level float64 // margin that a draw must reach to count, in logits; 0 counts votes
	Bound string  // the name of the Bound
	Upper bool    // an upper bound, else a lower one
	Alpha float64 // level of each bound
	Times int     // how many bounds at that level were taken together
	Value float64 // the bound that decided
}

// Alpha returns the error probability the certificate spends.
func (c Certificate) Alpha() float64 {
	a := 0.0
	for _, s := range c.Ledger {
		a += s.Alpha * float64(s.Times)
	}
	return a
}

// Level returns the margin that the draws counted for the class had to reach, in logits: 0 where
// votes were counted.
func (c Certificate) Level() float64 {
	if len(c.Ledger) == 0 {
		return 0
	}
	return c.Ledger[0].Level
}

// A Method turns evidence into a certificate at error probability alpha, 0 < alpha < 1. It returns
// an error where the evidence lacks something that the method needs.
type Method interface {
	Certify(e *Evidence, alpha float64) (Certificate, error)
}

// Setting has the inputs of methods beyond the evidence of one example.
type Setting struct {
	Lambda Constant // of the logits
	// Tau is the temperature of soft votes, in logits. It must be fixed apart from the evidence to
	// certify. 0 is the hard vote, and a negative Tau isn't chosen yet.
	Tau float64
	// Scores is the map of scores that methods take, as ScoreMap.String writes it. Empty stands for
	// every map that was logged.
	Scores string
	// Bound is the confidence bound of the methods. Nil is the best bound for each method.
	Bound Bound
	// Asked is the radius in the question of the run's rule, or 0 for a fixed number of draws.
	Asked float64
	// Seed is the seed of the run, which gives STaR's order of draws where Bound is nil.
	Seed uint64
	// Distances says that evidence has a Clean.Distance.
	Distances bool
	// Float32 subtracts what float32 does to margins, Evidence.MarginError.
	Float32 bool
}

// Entry is a Method with its name and a description of one line.
type Entry struct {
	Name, Doc string
	// New returns the method, or an error that says what the setting lacks.
	New func(Setting) (Method, error)
	// Lipschitz says that its certificates rest on Setting.Lambda.
	Lipschitz bool
	// Noiseless says that it certifies the classifier without noise.
	Noiseless bool
	// InBox says that its certificates hold of images in [0, 1] alone.
	InBox bool
	// Unsound says that the method's certificates may fail more often than alpha. Such a method is
	// kept for comparison.
	Unsound bool
}

// MethodNames lists the sound methods in the order of Methods.
func MethodNames() []string {
	names := make([]string, 0, len(Methods))
	for _, m := range Methods {
		if !m.Unsound {
			names = append(names, m.Name)
		}
	}
	return names
}

// MethodByName finds an entry of Methods, sound or not. Its error lists the sound methods.
func MethodByName(name string) (Entry, error) {
	i := slices.IndexFunc(Methods, func(m Entry) bool { return m.Name == name })
	if i < 0 {
		return Entry{}, named.Unknown("method", name, MethodNames())
	}
	return Methods[i], nil
}
