package certify

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Set is what some methods were certified with: all that it takes to certify again.
type Set struct {
	Methods []string `json:"methods"`
	// Alpha is the error probability of each certificate; Simultaneous says that it is the images'
	// part of one.
	Alpha        float64 `json:"alpha"`
	Simultaneous bool    `json:"simultaneous"`
	// temperature of soft votes, in logits, negative where there is none
	Tau float64 `json:"tau"`
	// Bound and Scores are empty where each method takes what it is best with, and every map of
	// scores.
	Bound   string `json:"bound"`
	Scores  string `json:"scores"`
	Float32 bool   `json:"float32"`
}

// set is what the result was certified with.
func (x *Result) set() Set {
	c := x.Config
	s := Set{Alpha: c.Alpha, Simultaneous: c.Simultaneous, Tau: max(c.Tau, -1), Scores: c.Scores,
		Float32: c.Float32}
	if c.Bound != nil {
		s.Bound = c.Bound.Name()
	}
	for _, curve := range x.Curves {
		s.Methods = append(s.Methods, curve.Method)
	}
	return s
}

// config certifies again.
func (s Set) config() (c Config, err error) {
	c = Config{Alpha: s.Alpha, Methods: s.Methods, Tau: s.Tau, Scores: s.Scores, Float32: s.Float32,
		Unsound: true}
	if s.Bound != "" {
		if c.Bound, err = rs.BoundByName(s.Bound); err != nil {
			return c, err
		}
	}
	return c, c.Check()
}

// key tells sets that differ in more than methods apart.
func (s Set) key() string {
	s.Methods = nil
	text, err := json.Marshal(s)
	if err != nil {
		panic("certify: " + err.Error())
	}
	return fmt.Sprintf("%.4x", sha256.Sum256(text))
}

// add adds a set to those of other settings: one that differs in methods alone takes them.
func add(sets []Set, s Set) []Set {
	for i := range sets {
		if sets[i].key() == s.key() {
			sets[i].Methods = inOrder(slices.Concat(sets[i].Methods, s.Methods))
			return sets
		}
	}
	return append(sets, s)
}

// inOrder sorts names of methods as rs.Methods does, each once.
func inOrder(names []string) (sorted []string) {
	for _, m := range rs.Methods {
		if slices.Contains(names, m.Name) {
			sorted = append(sorted, m.Name)
		}
	}
	return sorted
}

// caption says the settings of every set, apart where there are several.
func (r *Run) caption(sets []Set, images int) (string, error) {
	var parts []string
	for _, s := range sets {
		c, err := s.config()
		if err != nil {
			return "", err
		}
		settings := r.Settings(c)
		settings.Tau, settings.Images = max(0, s.Tau), images
		part := settings.Caption()
		if len(sets) > 1 {
			part = strings.Join(s.Methods, ", ") + ": " + part
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; "), nil
}
