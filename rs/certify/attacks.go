package certify

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/internal/version"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Files of attacks in a run's folder.
const (
	AttackFile = "attack.tsv" // an attack on an image and classifier a line
	// the perturbed image of each line of AttackFile: float32 [lines, h, w, c], 0 where no attack
	// succeeded
	AttackImagesFile = "attack.npy"
	GapFile          = "gap.tsv" // certified and empirical accuracy
)

// AttackConfig has the settings of the attacks on a run.
type AttackConfig struct {
	// Alpha is the error probability of each certificate, and of all findings together.
	Alpha float64 `json:"alpha"`
	// Tau is the temperature of soft votes, in logits. A negative Tau stands for the run's.
	Tau    float64 `json:"tau"`
	Images int     `json:"images"` // how many, spread over the run, 0 for all
	// Classifiers are names in Attacked. All alone stands for every classifier of the run.
	Classifiers []string `json:"classifiers"`
	Box         bool     `json:"box"` // perturbed images stay in [0, 1]
	Steps       int      `json:"steps"`
	Samples     int      `json:"samples"` // draws of the noise a gradient
	Restarts    int      `json:"restarts"`
	Trial       int      `json:"trial"` // draws that find the boundary along a ray
	Draws       int      `json:"draws"` // draws that judge a perturbed image
	Seed        uint64   `json:"seed"`
}

// Check returns an error that names the first field out of range.
func (c AttackConfig) Check() error {
	if err := c.Certify().Check(); err != nil {
		return err
	}
	for _, f := range []struct {
		name         string
		value, least int
	}{
		{"images", c.Images, 0}, {"steps", c.Steps, 1}, {"samples", c.Samples, 1},
		{"restarts", c.Restarts, 1}, {"trial", c.Trial, 1}, {"draws", c.Draws, 1},
	} {
		if f.value < f.least {
			return fmt.Errorf("%s %d: must be at least %d", f.name, f.value, f.least)
		}
	}
	if len(c.Classifiers) == 0 {
		return errors.New("classifier: none is named")
	}
	for _, name := range c.Classifiers {
		if known := append(attackedNames(), All); !slices.Contains(known, name) {
			return fmt.Errorf("classifier: %w", named.Unknown("classifier", name, known))
		}
	}
	return nil
}

// attackedNames are those of Attacked.
func attackedNames() (names []string) {
	for _, c := range Attacked {
		names = append(names, c.Name)
	}
	return names
}

// AttackSettings are the settings of attacks, in the JSON beside attack.tsv and gap.tsv.
type AttackSettings struct {
	Caption      string    `json:"caption"`   // in one line, for people
	Lipsmooth    string    `json:"lipsmooth"` // version that made them
	RunHash      string    `json:"run_hash"`  // of the evidence, see [countlog.Log.Hash]
	AttackConfig           // as it was resolved: each classifier, the images there are
	Radii        []float64 `json:"radii,omitempty"` // of gap.tsv
}

// AttackSettings resolves c for the run, whose rows must be loaded: the temperature chosen, the
// classifiers and the number of images that the run has. Notes say for which of the classifiers the
// run lacks something.
func (r *Run) AttackSettings(c AttackConfig) (s AttackSettings, notes []string, err error) {
	if err := c.Check(); err != nil {
		return s, nil, err
	}
	if kind := r.Noise.Kind; kind != "" {
		return s, nil, fmt.Errorf("%s: sampled with %s noise, and attacks are made for Gaussian noise "+
			"alone", r.Dir, kind)
	}
	d := c.Certify()
	if c.Tau, err = r.ChooseTau(d); err != nil {
		return s, nil, err
	}
	all := slices.Equal(c.Classifiers, []string{All})
	var names []string
	for _, name := range attackedNames() { // what breaks one is tried on the next
		lack := ""
		switch {
		case name != "votes" && !r.Model.Lambda.Known():
			lack = "no Lipschitz constant, which their certificates need"
		case name == "soft" && !(c.Tau > 0):
			lack = "no temperature above 0"
		}
		switch asked := slices.Contains(c.Classifiers, name); {
		case asked && lack != "":
			return s, nil, fmt.Errorf("classifier %s: the run has %s", name, lack)
		case all && lack != "":
			notes = append(notes, fmt.Sprintf("%s isn't attacked: %s", name, lack))
		case all || asked:
			names = append(names, name)
		}
	}
	c.Classifiers = names
	if c.Images == 0 || c.Images > len(r.Rows) {
		c.Images = len(r.Rows)
	}
	s = AttackSettings{Lipsmooth: version.String(), AttackConfig: c}
	if s.RunHash, err = r.Hash(); err != nil {
		return s, nil, err
	}
	s.Caption = r.attackCaption(c)
	return s, notes, nil
}

// attackCaption says the settings of attacks, as they were resolved, in one line.
func (r *Run) attackCaption(c AttackConfig) string {
	space := "the l2 ball"
	if c.Box {
		space = "the l2 ball within [0, 1]"
	}
	of := r.Settings(c.Certify())
	of.Images = c.Images
	return fmt.Sprintf("%s; attacks on %s in %s: %d steps, %d samples, %d restarts, %d draws "+
		"along a ray, %d to judge, seed %d", of.Caption(), strings.Join(c.Classifiers, ", "), space,
		c.Steps,
		c.Samples, c.Restarts, c.Trial, c.Draws, c.Seed)
}

// Certify is the config of the certificates to attack.
func (c AttackConfig) Certify() Config {
	d := Default()
	d.Alpha, d.Tau, d.Box = c.Alpha, c.Tau, c.Box
	return d
}

// Same reports whether two settings make the same attacks.
func (s AttackSettings) Same(other AttackSettings) bool {
	return s.RunHash == other.RunHash && reflect.DeepEqual(s.AttackConfig, other.AttackConfig)
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
