package prove

import (
	"fmt"
	"strconv"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Table has a row for each step, and then the rows of the whole network.
func (p *Proof) Table() *table.Table {
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', 7, 64) }
	t := &table.Table{Columns: []string{"operation", "what", "bound", "bound_through", "rule"}}
	for _, s := range p.Steps {
		t.Rows = append(t.Rows, []string{s.Node, s.Kind, number(s.Stretch), number(s.Through),
			s.Rule})
	}
	add := func(name, what string, bound float64, rule string) {
		t.Rows = append(t.Rows, []string{name, what, "", number(bound), rule})
	}
	add("all logits", fmt.Sprintf("%d classes", p.Classes), p.Body, "of the vector of logits")
	least := p.Lambda.Value()
	for a, row := range p.Pairs {
		for b := range a {
			least = min(least, row[b])
		}
	}
	add("closest two logits", "", least, "of their difference")
	add("Λ", "", p.Lambda.Value(), "of every difference of two logits, proved from the file")
	return t
}
