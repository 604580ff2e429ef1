package rs

// Distance is the deterministic certificate of a classifier without noise that proves how far
// images of other classes lie: R = Evidence.Clean.Distance. It holds of images in [0, 1] alone,
// where other certificates hold in all of R^d. It is of real arithmetic and spends no α.
type Distance struct{}

// Certify implements Method. It doesn't use alpha.
func (Distance) Certify(e *Evidence, alpha float64) (Certificate, error) {
	if err := e.cleanly("distance", e.Clean.Distance); err != nil {
		return Certificate{}, err
	}
	return Certificate{Class: e.Clean.Class, Radius: e.Clean.Distance}, nil
}
