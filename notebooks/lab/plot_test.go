package lab

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/plot"

	"github.com/lipsmooth/lipsmooth/figures"
)

func TestLines(t *testing.T) {
	draw := func() (*figures.Figure, error) {
		l := NewLines("roots", "n", "root", 1, 4, 9)
		l.Add("second", math.Sqrt)
		l.Add("none", func(x float64) float64 { return x })
		return &l.Figure, nil
	}
	if err := CheckFigure(draw); err != nil {
		t.Error(err)
	}
	f, _ := draw()
	if got, want := fmt.Sprint(f.Table.Columns, f.Table.Rows),
		"[n second none] [[1 1 1] [4 2 4] [9 3 9]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, log := NewLines("roots", "n", "root", 1, 1000).Plot.X.Scale.(plot.LogScale); !log {
		t.Error("from 1 to 1000 the axis isn't logarithmic")
	}
	panics(t, "lab: hole", func() { NewLines("roots", "n", "root", -1).Add("hole", math.Sqrt) })
}
