package lab

import (
	"math"
	"testing"
)

func TestMarginLevels(t *testing.T) {
	m := Margin{Mean: 2.2, Kappa: 0.6, Lambda: 1.41, Sigma: 0.5}
	rows := m.Methods(0.001, 100, 1000)
	for _, row := range rows {
		if mono, iso := row[1].(float64), row[3].(float64); !(iso > mono) {
			t.Errorf("%v", row)
		}
	}
	image := m.Levels(1000, 0.001)
	if got := Parts(image)[3].(float64); math.Abs(got-rows[1][3].(float64)) > 1e-12 {
		t.Errorf("R at the level chosen: %g, want %g", got, rows[1][3])
	}
	if first := AtDistance(image, 0); first.Chosen != 0 || Parts(first)[0] != 0.0 {
		t.Errorf("level 0: %v", Parts(first))
	}
}

func TestTheoremTried(t *testing.T) {
	if radii, broken := Line(100); radii < 100 || broken != 0 {
		t.Errorf("%d of %d radii broken", broken, radii)
	}
	if worst := Linear(); worst > 1e-6 {
		t.Errorf("linear margins: off by %g", worst)
	}
	linear := Margin{Mean: 1.2, Kappa: 1, Lambda: 1, Sigma: 0.5}
	if same, selection := SameDraw(linear, 1000, 300, 0.05); same < 0.15 || selection > 0.1 {
		t.Errorf("wrong %g of the time by the same draw, %g by the selection draw", same, selection)
	}
}
