package certify

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Aim is an image under a classifier.
type Aim struct {
	Index      int
	Classifier string
}

// rounded is what float32 may move an attack's success by: a part of the radius, or a distance
// where the radius is below 1. Certificates take float32 sums as exact (Config.Float32 pays for
// them), and those of planes are exact. An attack comes as near as float32 allows, and may succeed
// a last digit too early. This was measured, not proved: 2e-6 on MNIST and CIFAR-10.
const rounded = 1e-5

// Inside says whether an attack succeeded inside a certificate, by more than float32 rounds.
func Inside(attack, certified float64) bool {
	return attack < certified-rounded*max(1, certified)
}

// Crossings are the attacks that succeeded inside a certificate of the same classifier on that
// image. With probability 1-α, all certificates hold at once and there are none beyond.
func (r *Run) Crossings(attacks []Attack, c Config) (beyond, within []string, err error) {
	gaps, err := r.Gaps(attacks, c)
	if err != nil {
		return nil, nil, err
	}
	certificates := 0
	for _, g := range gaps {
		certificates += len(g.Certified) * len(g.Empirical)
	}
	c.Alpha = rs.SimultaneousAlpha(c.Alpha, certificates)
	strict, err := r.Gaps(attacks, c)
	if err != nil {
		return nil, nil, err
	}
	for k, g := range gaps {
		var indices []int
		for _, x := range attacks {
			if x.Classifier == g.Classifier {
				indices = append(indices, x.Index)
			}
		}
		for m, curve := range g.Certified {
			for i, r := range curve.Results {
				if !r.Right() || !Inside(g.Empirical[i].Radius, r.Radius) {
					continue
				}
				line := fmt.Sprintf("image %d: %s certifies %.6g, an attack on %s succeeded at "+
					"%.6g",
					indices[i], curve.Method, r.Radius, g.Classifier, g.Empirical[i].Radius)
				if always := strict[k].Certified[m].Results[i]; always.Right() &&
					Inside(g.Empirical[i].Radius, always.Radius) {
					beyond = append(beyond, line)
				} else {
					within = append(within, line)
				}
			}
		}
	}
	return beyond, within, nil
}

// Largest are the largest radii that any method certifies of the true class of what is attacked,
// where one does.
func (r *Run) Largest(attacks []Attack, c Config) (map[Aim]float64, error) {
	gaps, err := r.Gaps(attacks, c)
	if err != nil {
		return nil, err
	}
	largest := map[Aim]float64{}
	for _, g := range gaps {
		var of []Aim
		for _, a := range attacks {
			if a.Classifier == g.Classifier {
				of = append(of, Aim{a.Index, a.Classifier})
			}
		}
		for _, curve := range g.Certified {
			for i, r := range curve.Results {
				if r.Right() {
					largest[of[i]] = max(largest[of[i]], r.Radius)
				}
			}
		}
	}
	return largest, nil
}
