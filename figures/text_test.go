package figures

import (
	"fmt"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{0, 2000, "0 500 1000 1500 2000"},
		{-1, 1, "−1.0 −0.5 0.0 0.5 1.0"},
		{0, 0.03, "0.000 0.005 0.010 0.015 0.020 0.025 0.030"},
		{0.13, 0.87, "0.2 0.3 0.4 0.5 0.6 0.7 0.8"},
		{5, 5, "5"},
	} {
		var labels []string
		for _, tick := range (ticks{8}).Ticks(c.low, c.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%g to %g: %s, want %s", c.low, c.high, got, c.want)
		}
	}
}

func TestMarkup(t *testing.T) {
	got := fmt.Sprint(runs("σΦ^{−1}(α^{1/n}), x_{i}"), runs("a^{b"), runs("_{2}"))
	want := "[{σΦ 0} {−1 0.36} {(α 0} {1/n 0.36} {), x 0} {i -0.18}] [{a^{b 0}] [{2 -0.18}]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Text as shapes lies where text as text does.
func TestOutlined(t *testing.T) {
	sty := textStyle(20)
	var dark [2]int
	for i := range dark {
		c := vgimg.New(200, 30)
		at := sty.Handler.(markup).face(run{}, sty.Font)
		c.SetColor(black)
		if i == 0 {
			c.FillString(at, vg.Point{X: 5, Y: 8}, "Wavy Φ⁄ℓ AVA")
		} else {
			outlined{c, true}.FillString(at, vg.Point{X: 5, Y: 8}, "Wavy Φ⁄ℓ AVA")
		}
		img := c.Image()
		for x := range img.Bounds().Dx() {
			for y := range img.Bounds().Dy() {
				if r, _, _, _ := img.At(x, y).RGBA(); r < 0x8000 {
					dark[i] += 1 + x // a moment, to tell a shift
				}
			}
		}
	}
	if d := float64(dark[0]-dark[1]) / float64(dark[0]); dark[0] == 0 || d > 0.05 || d < -0.05 {
		t.Errorf("ink %v", dark)
	}
}
