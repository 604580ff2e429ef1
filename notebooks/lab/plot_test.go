package lab

import (
	"fmt"
	"math"
	"testing"

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
	if got, want := fmt.Sprint(f.Table.Columns, f.Table.Rows), "[n second none] [[1 1 1] [4 2 4] [9 3 9]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	panics(t, "lab: hole", func() { NewLines("roots", "n", "root", -1).Add("hole", math.Sqrt) })
}
