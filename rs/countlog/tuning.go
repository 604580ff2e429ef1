package countlog

import (
	"fmt"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs"
)

// TuningFolder lies in a run's folder: the same classifier and noise on other images, from which
// the temperature of soft votes is chosen.
const TuningFolder = "tuning"

// Tuning returns the expected evidence of a run's images, from the tuning images in its folder, to
// choose a temperature on. Its error wraps os.ErrNotExist where there are none. It refuses tuning
// images of another model, dataset or noise. It also refuses an image that is certified: a
// temperature chosen on it isn't sound.
func Tuning(dir string, run Run) ([]rs.Evidence, error) {
	folder := filepath.Join(dir, TuningFolder)
	log, err := Open(folder)
	if err != nil {
		return nil, err
	}
	if err := Alike(folder, log.Run, dir, run); err != nil {
		return nil, err
	}
	if log.Run.Sigma != run.Sigma {
		return nil, fmt.Errorf("%s was sampled with σ = %v, %s with %v", folder, log.Run.Sigma, dir,
			run.Sigma)
	}
	rows, err := log.All()
	if err != nil {
		return nil, err
	}
	for _, e := range rows {
		if run.Examples.Position(e.Index) >= 0 {
			return nil,
				fmt.Errorf("%s: image %d is one of those to certify: a temperature chosen on it "+
					"isn't sound",
					folder, e.Index)
		}
	}
	return run.Foretell(rows)
}

// Alike says why two runs can't stand in one figure or table, or nil: their models and datasets
// differ, in more than a name.
func Alike(dir string, run Run, otherDir string, other Run) error {
	x, y := run.nameless(), other.nameless()
	if a, b := run.Model, other.Model; x.Model != y.Model {
		return fmt.Errorf("%s was sampled from model %s (%.12s, Λ = %v), %s from %s (%.12s, Λ = "+
			"%v)",
			dir, a.Name, a.Hash, a.Lambda.Value(), otherDir, b.Name, b.Hash, b.Lambda.Value())
	}
	if a, b := run.Dataset, other.Dataset; x.Dataset != y.Dataset {
		return fmt.Errorf("%s was sampled on dataset %s %s (%.12s), %s on %s %s (%.12s)", dir,
			a.Name,
			a.Split, a.Hash, otherDir, b.Name, b.Split, b.Hash)
	}
	return nil
}
