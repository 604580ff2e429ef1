package figures

import (
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// bounds is a table as lipsmooth bound --observe writes it.
func bounds() *table.Table {
	return &table.Table{Columns: []string{"layer", "input", "bound", "observed", "bound_through",
		"observed_through", "float32", "proof"}, Rows: [][]string{
		{"conv 3×3 12 (aol)", "28×28×1", "1.02", "1.01", "1.02", "1.01", "", "Gram"},
		{"MaxMin", "28×28×12", "1", "1", "1.02", "1", "", "isometry"},
		{"dense 96 (free)", "9408", "1.3", "1.29", "1.326", "1.15", "", "Gram"},
		{"dense 10 (free)", "96", "1.1", "1.1", "1.4586", "1.2", "", "Gram"},
		{WholeRow + "product (PUB)", "28×28×1", "1.9", "", "", "", "", ""},
		{WholeRow + "composed", "28×28×1", "1.7", "", "", "", "", ""},
		{WholeRow + "Λ", "28×28×1", "1.7", "1.3", "", "", "", ""},
	}}
}

func TestBounds(t *testing.T) {
	f, err := Bounds(bounds(), "")
	if err != nil || f.Lower == nil || !strings.HasPrefix(f.Caption,
		"1 conv 3×3 12 (aol), 2 MaxMin, ") {
		t.Error(f, err)
	}
	// Without what is observed the proved bounds alone are drawn.
	proved := bounds()
	for _, row := range proved.Rows {
		row[3], row[5] = "", ""
	}
	if _, err := Bounds(proved, ""); err != nil {
		t.Error(err)
	}
	// A deep network's ticks have room.
	deep := bounds()
	for range 40 {
		deep.Rows = append([][]string{deep.Rows[1]}, deep.Rows...)
	}
	if f, err = Bounds(deep, ""); err != nil {
		t.Fatal(err)
	}
	labels := 0
	for _, tick := range f.Plot.X.Tick.Marker.Ticks(0, 50) {
		if tick.Label != "" {
			labels++
		}
	}
	if labels < 5 || labels > 14 {
		t.Errorf("%d labels of 45 places", labels)
	}
	missing, letters, none := bounds(), bounds(), bounds()
	missing.Rows[1][2] = ""
	letters.Rows[2][4] = "large"
	none.Rows = none.Rows[4:]
	for want, bad := range map[string]*table.Table{
		"a layer without a bound": missing,
		`column "bound_through"`:  letters,
		"or no layer":             none,
		`no column "bound"`:       {Columns: []string{"layer"}},
	} {
		if _, err := Bounds(bad, ""); err == nil ||
			!strings.HasPrefix(err.Error(), "figure bounds: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
