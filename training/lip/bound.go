package lip

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/lipsmooth/lipsmooth/internal/proof"
	"github.com/lipsmooth/lipsmooth/rs"
)

// A Bound is a proved upper bound (l2) on the Lipschitz constant of a map. Only the functions of
// this package make a Bound, or read a written one. The zero Bound proves nothing.
type Bound struct {
	value float64
	proof string
}

// Value returns the bound, +Inf where there is no proof.
func (b Bound) Value() float64 {
	if b.proof == "" {
		return math.Inf(1)
	}
	return b.value
}

// Proof says in a few words how the bound was proved.
func (b Bound) Proof() string { return b.proof }

// Constant returns the bound of every difference of two logits as certificates take it. The
// constant is unknown where there is no proof.
func (b Bound) Constant() rs.Constant {
	if v := b.Value(); v > 0 && !math.IsInf(v, 1) {
		return rs.Proved(proof.Of(v))
	}
	return rs.Constant{}
}

// Times returns the bound of two maps one after the other. It proves nothing where b or c doesn't.
func (b Bound) Times(c Bound) Bound {
	if b.proof == "" || c.proof == "" {
		return Bound{}
	}
	return Bound{up(b.value * c.value), "product"}
}

type boundJSON struct {
	Value float64 `json:"value"`
	Proof string  `json:"proof"`
}

// MarshalJSON writes the value in full precision, with its proof.
func (b Bound) MarshalJSON() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	return json.Marshal(boundJSON{b.value, b.proof})
}

// UnmarshalJSON reads the output of MarshalJSON.
func (b *Bound) UnmarshalJSON(data []byte) error {
	var j boundJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	read := Bound{j.Value, j.Proof}
	if err := read.check(); err != nil {
		return err
	}
	*b = read
	return nil
}

func (b Bound) check() error {
	if !(b.value >= 0) || math.IsInf(b.value, 1) || b.proof == "" {
		return fmt.Errorf("lip: not a proved bound: value %v, proof %q", b.value, b.proof)
	}
	return nil
}

// Isometry is the bound of maps that permute, keep or reflect entries. A continuous map may do so
// region by region, in each region differently.
func Isometry() Bound { return Bound{1, "isometry"} }
