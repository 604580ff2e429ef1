package lab

import (
	"fmt"
	"strings"
	"testing"

	"gonum.org/v1/plot"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

func TestCheckFigure(t *testing.T) {
	calls := 0
	changed := func(change func(*figures.Figure)) func() (*figures.Figure, error) {
		return func() (*figures.Figure, error) {
			calls++
			f := &figures.Figure{Name: "mine", Plot: plot.New(), Width: 100, Height: 80,
				Table: &table.Table{Columns: []string{"n", "radius"},
					Rows: [][]string{{"1", "0.5"}}}}
			change(f)
			return f, nil
		}
	}
	for _, c := range []struct {
		change func(*figures.Figure)
		want   string
	}{
		{func(*figures.Figure) {}, "<nil>"},
		{func(f *figures.Figure) { f.Name = "" }, "want a name"},
		{func(f *figures.Figure) { f.Table.Rows = nil }, "a table with rows"},
		{func(f *figures.Figure) { f.Table.Rows[0] = []string{"1"} }, "mine"},
		{func(f *figures.Figure) { f.Plot.Title.Text = fmt.Sprint(calls) }, "other bytes"},
	} {
		if got := fmt.Sprint(CheckFigure(changed(c.change))); !strings.Contains(got, c.want) {
			t.Errorf("got %s, want %q", got, c.want)
		}
	}
	if err := CheckFigure(func() (*figures.Figure, error) {
		return nil, fmt.Errorf("no data")
	}); err == nil || err.Error() != "no data" {
		t.Errorf("got %v, want that of the drawing", err)
	}
}
