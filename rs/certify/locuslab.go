package certify

import (
	"strconv"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Locuslab is the table of one curve as locuslab/smoothing (Cohen et al. 2019) and its successors
// write and read certificates: idx, label, predict (-1 where it abstains), radius, correct (1 or 0)
// and time. Radii have all their digits, and no time is known: 0:00:00.
func (x *Result) Locuslab(curve int) *table.Table {
	t := &table.Table{Columns: []string{"idx", "label", "predict", "radius", "correct", "time"}}
	for i, r := range x.Curves[curve].Results {
		correct := "0"
		if r.Right() {
			correct = "1"
		}
		t.Rows = append(t.Rows, []string{strconv.Itoa(x.Indices[i]), strconv.Itoa(r.Label),
			strconv.Itoa(r.Class), number(r.Radius), correct, "0:00:00"})
	}
	return t
}
