package rs

import "testing"

func TestMargin(t *testing.T) {
	e := &Evidence{Clean: Clean{Class: 3, Margin: 0.7}}
	c := certify(t, Margin{Lambda: Claim(1.3)}, e, 0.5)
	if want := 0.7 / 1.3; c.Class != 3 || c.Radius > want || c.Radius < want*(1-1e-12) ||
		len(c.Ledger) != 0 || c.Alpha() != 0 {
		t.Errorf("%+v, want radius %g of class 3", c, want)
	}
	e.Clean.Margin = 0
	if c := certify(t, Margin{Lambda: Claim(1)}, e, 0.5); c.Class != 3 || c.Radius != 0 {
		t.Errorf("no margin: %+v", c)
	}
}
