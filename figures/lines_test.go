package figures

import (
	"bytes"
	"math"
	"testing"

	"gonum.org/v1/plot"
)

func TestLines(t *testing.T) {
	draw := func() *Figure {
		l := NewLines("roots", "n", "root", 1, 4, 9)
		l.Add("second", math.Sqrt)
		l.Add("none", func(x float64) float64 { return x })
		return &l.Figure
	}
	var svg [2]bytes.Buffer
	for i := range svg {
		if err := draw().WriteSVG(&svg[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(svg[0].Bytes(), svg[1].Bytes()) {
		t.Error("two equal figures, two files")
	}
	var text bytes.Buffer
	if err := draw().Table.WriteTSV(&text); err != nil ||
		text.String() != "n\tsecond\tnone\n1\t1\t1\n4\t2\t4\n9\t3\t9\n" {
		t.Errorf("%q, %v", &text, err)
	}
	wide := NewLines("roots", "n", "root", 1, 1000)
	if _, log := wide.Plot.X.Scale.(plot.LogScale); !log {
		t.Error("from 1 to 1000 the axis isn't logarithmic")
	}
	for range 9 {
		wide.Add("a long name of a curve", math.Sqrt)
	}
	if wide.Height <= draw().Height {
		t.Error("a legend of several rows takes from the plot")
	}
	if marks := NewLines("images", "image", "radius", 1, 20).Plot.X.Tick.Marker; marks != (ticks{7}) {
		t.Errorf("ticks %v between 1 and 20, want whole numbers", marks)
	}
	defer func() {
		if v := recover(); v != "figures: hole at -1 is NaN" {
			t.Error(v)
		}
	}()
	NewLines("roots", "n", "root", -1).Add("hole", math.Sqrt)
}
