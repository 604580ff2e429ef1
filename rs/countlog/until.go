package countlog

import (
	"fmt"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Until is a rule by which an estimation draw may end early: where the question about an example's
// certificate is settled.
type Until struct {
	Rule   string  `json:"rule"`   // as [rs.ParseRule] reads it
	Method string  `json:"method"` // the method of the question, an [rs.Ranger]
	Alpha  float64 `json:"alpha"`  // of that certificate
	Tau    float64 `json:"tau"`    // temperature of soft votes, 0 for the hard vote
	Stops  []int   `json:"stops"`  // numbers of draws, rising, where the draw may end; the last is N
}

// Rangers are the names of the methods that a rule can ask about.
func Rangers() (names []string) {
	for _, entry := range rs.Methods {
		if method, err := entry.New(rs.Setting{Lambda: rs.Claim(1)}); err == nil && !entry.Unsound {
			if _, ok := method.(rs.Ranger); ok {
				names = append(names, entry.Name)
			}
		}
	}
	return names
}

// Asked is the radius in the question of the run's rule, or 0 without a rule.
func (r *Run) Asked() float64 {
	rule, err := rs.ParseRule(r.Until.Rule)
	if err != nil {
		return 0
	}
	return rule.Radius
}

// Ranger returns the rule and the method it asks about.
func (r *Run) Ranger() (rule rs.Rule, m rs.Ranger, err error) {
	u := r.Until
	if rule, err = rs.ParseRule(u.Rule); err != nil {
		return rule, nil, err
	}
	entry, err := rs.MethodByName(u.Method)
	if err != nil {
		return rule, nil, err
	}
	method, err := entry.New(rs.Setting{Lambda: r.Model.Lambda, Tau: u.Tau, Asked: rule.Radius})
	if err != nil {
		return rule, nil, err
	}
	if m, ok := method.(rs.Ranger); ok {
		return rule, m, nil
	}
	return rule, nil,
		fmt.Errorf("%s doesn't say how far its radius may still come; those that do are %s",
			u.Method, strings.Join(Rangers(), ", "))
}

// Foretell returns the expected evidence of a run's images, from the rows of other images. It has
// as many draws, and ends them by the run's rule ([rs.Foretell]).
func (r *Run) Foretell(rows []rs.Evidence) ([]rs.Evidence, error) {
	var rule rs.Rule
	var asked rs.Ranger
	stops := []int{r.N}
	if r.Until.Rule != "" {
		var err error
		if rule, asked, err = r.Ranger(); err != nil {
			return nil, err
		}
		stops = r.Until.Stops
	}
	foretold := make([]rs.Evidence, len(rows))
	for i := range rows {
		for _, n := range stops {
			foretold[i] = rs.Foretell(&rows[i], n)
			if foretold[i].Stops = r.Until.Stops; asked == nil {
				break
			}
			settled, err := rule.Settled(&foretold[i], asked, r.Until.Alpha)
			if err != nil {
				return nil, err
			}
			if settled {
				break
			}
		}
	}
	return foretold, nil
}

// check names what can't be of a rule.
func (u Until) check(r *Run) error {
	if u.Rule == "" && u.Method == "" && u.Alpha == 0 && u.Tau == 0 && u.Stops == nil {
		return nil
	}
	if _, _, err := r.Ranger(); err != nil {
		return fmt.Errorf("until: %w", err)
	}
	if !(rs.MinAlpha <= u.Alpha && u.Alpha < 1) {
		return fmt.Errorf("until.alpha: %v, want it between 0 and 1", u.Alpha)
	}
	if last := len(u.Stops) - 1; last < 0 || u.Stops[last] != r.N {
		return fmt.Errorf("until.stops: %v, want rising numbers of draws, the last n = %d",
			u.Stops, r.N)
	}
	for i, n := range u.Stops {
		if n < 1 || i > 0 && n <= u.Stops[i-1] || n < r.N && n%r.Block != 0 {
			return fmt.Errorf("until.stops: %d, want them rising, "+
				"all but the last multiples of a block of %d", n, r.Block)
		}
	}
	return nil
}
