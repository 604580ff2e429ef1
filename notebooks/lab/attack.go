package lab

import (
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
)

// Attack is `lipsmooth attack` of this size on a run.
func (p Preset) Attack(run string, flags ...string) {
	Lipsmooth(append([]string{"attack", run, fmt.Sprint("--images=", p.Attacked),
		fmt.Sprint("--steps=", p.Steps),
		fmt.Sprint("--samples=", p.Samples)}, flags...)...)
}

// Attacks reads the attacks that `lipsmooth attack` made on a run.
func Attacks(run string) []certify.Attack {
	t, _ := Table(run, "attack.tsv")
	return Must(certify.Attacks(t))
}

// Gaps sets attacks beside certificates of the same images, classifier by classifier.
func Gaps(run string, alpha float64) (*certify.Run, []certify.Gap) {
	s := Run(run, alpha)
	return s, Must(s.Gaps(Attacks(run), certify.Default().At(alpha)))
}

// Crossings returns how many certificates of a gap are larger than the attack that succeeded.
func Crossings(g certify.Gap) (n int) {
	for _, c := range g.Certified {
		for i, r := range c.Results {
			if r.Right() && certify.Inside(g.Empirical[i].Radius, r.Radius) {
				n++
			}
		}
	}
	return n
}

// Area returns the average radius that attacks leave, minus the average radius that a method
// certifies.
func Area(g certify.Gap, method string) float64 {
	for _, c := range g.Certified {
		if c.Method == method {
			return rs.AverageRadius(finite(g.Empirical)) - rs.AverageRadius(c.Results)
		}
	}
	panic("lab: " + method + " certifies nothing of " + g.Classifier)
}

// finite takes an attack that was never found as one at the largest radius found.
func finite(results []rs.Result) []rs.Result {
	results, far := slices.Clone(results), 0.0
	for _, r := range results {
		if !math.IsInf(r.Radius, 1) {
			far = max(far, r.Radius)
		}
	}
	for i := range results {
		results[i].Radius = min(results[i].Radius, far)
	}
	return results
}
