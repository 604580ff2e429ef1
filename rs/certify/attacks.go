package certify

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Files of attacks in a run's folder.
const (
	AttackFile = "attack.tsv" // an attack on an image and classifier a line
	GapFile    = "gap.tsv"    // certified and empirical accuracy
)

// AttackSettings is what the JSON beside attack.tsv and gap.tsv says: with what the attacks were
// made.
type AttackSettings struct {
	Caption   string  `json:"caption"`   // in one line, for people
	Lipsmooth string  `json:"lipsmooth"` // version that made them
	RunHash   string  `json:"run_hash"`  // of the evidence, see [countlog.Log.Hash]
	Alpha     float64 `json:"alpha"`     // of each certificate, and of all findings together
	// temperature of soft votes, in logits; negative where there is none
	Tau         float64   `json:"tau"`
	Images      int       `json:"images"`
	Classifiers []string  `json:"classifiers"`
	Box         bool      `json:"box"` // perturbed images stay in [0, 1]
	Steps       int       `json:"steps"`
	Samples     int       `json:"samples"` // draws of the noise a gradient
	Restarts    int       `json:"restarts"`
	Trial       int       `json:"trial"` // draws along a ray
	Draws       int       `json:"draws"` // that judge
	Seed        uint64    `json:"seed"`
	Radii       []float64 `json:"radii,omitempty"` // of gap.tsv
}

// Same reports whether two settings make the same attacks.
func (s AttackSettings) Same(other AttackSettings) bool {
	return s.RunHash == other.RunHash && s.Alpha == other.Alpha && s.Tau == other.Tau &&
		s.Images == other.Images &&
		slices.Equal(s.Classifiers, other.Classifiers) && s.Box == other.Box &&
		s.Steps == other.Steps &&
		s.Samples == other.Samples &&
		s.Restarts == other.Restarts && s.Trial == other.Trial && s.Draws == other.Draws &&
		s.Seed == other.Seed
}

// ReadAttacks reads the attacks that lie in a folder. Its error wraps os.ErrNotExist where there
// are none. Settings are nil where an older version made the attacks.
func ReadAttacks(dir string) (made []Attack, settings *AttackSettings, err error) {
	path := filepath.Join(dir, AttackFile)
	t, _, err := table.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	if t == nil {
		return nil, nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
	}
	if made, err = Attacks(t); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	settings = new(AttackSettings)
	err = table.ReadAbout(path, settings)
	if errors.Is(err, os.ErrNotExist) {
		return made, nil, nil
	}
	return made, settings, err
}
