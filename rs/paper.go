package rs

// PaperLipschitz is Lipschitz with the radius that Delattre et al. 2025 published, T(p̲) at ρ = 0
// (Smoothed.PaperRadius). That radius is never above the exact one, and isn't monotone in p̲.
type PaperLipschitz Lipschitz

// Certify implements Method.
func (p PaperLipschitz) Certify(e *Evidence, alpha float64) (Certificate, error) {
	c, err := Lipschitz(p).Certify(e, alpha)
	if err != nil || c.Class == Abstain || p.Tau == 0 {
		return c, err
	}
	// T isn't rounded. The exact radius is rounded down.
	c.Radius = min(c.Radius, Lipschitz(p).Smoothed(e.Sigma).PaperRadius(c.Ledger[0].Value))
	if !(c.Radius >= 0) {
		return certificate(c.Class, c.Radius, c.Ledger), nil
	}
	return c, nil
}
