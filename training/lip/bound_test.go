package lip

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestBound(t *testing.T) {
	for _, v := range []float64{0, 1, 1.0000000000000002, 1.0 / 3, 1e-300, math.MaxFloat64} {
		b := Bound{v, "because"}
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var back Bound
		if err := json.Unmarshal(text, &back); err != nil || back != b {
			t.Errorf("%s reads back as %v, %v", text, back, err)
		}
	}
	b := Isometry()
	for _, text := range []string{
		`{}`, `null`, `null0`, `1`, `{"value":1}`, `{"value":1,"proof":""}`,
		`{"value":-1e-9,"proof":"p"}`, `{"value":"NaN","proof":"p"}`,
		`{"value":1e999,"proof":"p"}`, `{"proof":2}`,
	} {
		if err := json.Unmarshal([]byte(text), &b); err == nil {
			t.Errorf("%s was read as a bound", text)
		}
	}
	if b != Isometry() {
		t.Errorf("a refused text changed the bound to %v", b)
	}
	for _, bad := range []Bound{{}, {1, ""}, {math.NaN(), "p"}, {math.Inf(1), "p"}, {-1, "p"}} {
		if text, err := json.Marshal(bad); err == nil ||
			!strings.Contains(err.Error(), "not a proved bound") {
			t.Errorf("%+v was written as %s, %v", bad, text, err)
		}
	}
	// What proves nothing certifies nothing, alone or in a product.
	for _, v := range []float64{Bound{}.Value(), Bound{}.Times(Isometry()).Value(),
		ResidualNorm(Bound{}).Value()} {
		if !math.IsInf(v, 1) {
			t.Errorf("the zero Bound leads to %v", v)
		}
	}
	// A product is rounded up: 1/3 of 3 exact, in big.Float.
	x, y := 1.0/3, 0.1
	got := Bound{x, "p"}.Times(Bound{y, "p"}).Value()
	exact := new(big.Float).SetPrec(200).Mul(big.NewFloat(x), big.NewFloat(y))
	if big.NewFloat(got).Cmp(exact) < 0 || got > x*y*(1+1e-15) {
		t.Errorf("%v·%v ≤ %v", x, y, got)
	}
}
