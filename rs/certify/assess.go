package certify

import (
	"math"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Assessment is the attacks of a folder beside the certificates of the images attacked.
type Assessment struct {
	Settings AttackSettings // of the attacks
	Attacks  []Attack
	Gaps     []Gap
	// Beyond are attacks that succeeded inside certificates, a line each. Where there is one, a
	// certificate or an attack is wrong. Within are the failures that α allows.
	Beyond, Within []string
	Notes          []string
}

// Assess sets attacks with these settings beside the run's certificates. The run's rows must be
// loaded.
func (r *Run) Assess(dir string, settings AttackSettings) (a *Assessment, err error) {
	a = &Assessment{Settings: settings, Notes: r.Notes()}
	if a.Attacks, _, err = ReadAttacks(dir); err != nil {
		return nil, err
	}
	c := settings.Certify()
	if a.Gaps, err = r.Gaps(a.Attacks, c); err != nil {
		return nil, err
	}
	a.Beyond, a.Within, err = r.Crossings(a.Attacks, c)
	return a, err
}

// Table is certified and empirical accuracy at each radius, see [GapTable].
func (a *Assessment) Table(radii []float64) *table.Table { return GapTable(a.Gaps, radii) }

// Summary is the table for reading: areas with half of their 95% confidence intervals over images.
// The area of attacks is ∞ where none on some image succeeded.
func (a *Assessment) Summary(radii []float64) *table.Table {
	t := a.Table(radii)
	at := len(t.Columns) - 2
	for i, g := range a.Gaps {
		rows := t.Rows[3*i:]
		certified := g.Certified[0].Results
		rows[0][at], rows[1][at], rows[2][at] = rs.RadiusInterval(certified, level).String(), "∞", "∞"
		if !math.IsInf(g.Area(), 1) {
			rows[1][at] = rs.RadiusInterval(g.Empirical, level).String()
			rows[2][at] = rs.PairedRadius(g.Empirical, certified, level).String()
		}
	}
	return t
}

// Save writes the table into a folder as gap.tsv, with its settings beside it.
func (a *Assessment) Save(dir string, radii []float64) error {
	a.Settings.Radii = radii
	return a.Table(radii).WriteFile(filepath.Join(dir, GapFile), a.Settings)
}
