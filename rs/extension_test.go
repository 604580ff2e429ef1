package rs

import (
	"slices"
	"testing"
)

// A new method is a type in a file of its own and a line in Methods. The tests of all methods
// take it as it is.
func TestNewMethod(t *testing.T) {
	known := Methods
	t.Cleanup(func() { Methods = known })
	Methods = append(slices.Clip(known), Entry{Name: "half", Doc: "mono at half of alpha",
		New: func(s Setting) (Method, error) { return half{s.Bound}, nil }})
	checkMethods(t, Methods[len(known):])
	TestMethodTable(t)
	TestMalformedEvidence(t)
}

// half is Mono at half of α.
type half struct{ bound Bound }

func (h half) Certify(e *Evidence, alpha float64) (Certificate, error) {
	return Mono{Bound: h.bound}.Certify(e, alpha/2)
}

// A new map of scores is a line in scoreMaps. The tests of all maps take it as it is.
func TestNewScoreMap(t *testing.T) {
	t.Cleanup(func() { delete(scoreMaps, "slow") })
	scoreMaps["slow"] = scoreMap{"ramp of half the slope",
		func(z []float64, t float64) []float64 { return ramps(z, t/2) },
		func(classes int) (one, difference float64) {
			one, difference = scoreMaps["ramp"].stretch(classes)
			return one / 2, difference / 2
		}}
	checkScoreMap(t, "slow")
	if m, err := ParseScoreMap("slow,t=2"); err != nil || m.String() != "slow,t=2" {
		t.Error(m, err)
	}
}
