package loss

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Numbers by hand, from the definitions. Each example's gradient is that of the mean over the
// batch.
func TestByHand(t *testing.T) {
	labels, logits := [][]int32{{0}, {2}}, [][]float32{{2, 1, 0}, {0.5, -1, 3}}
	e := math.Exp
	for _, c := range []struct {
		loss     Loss
		labels   [][]int32
		logits   [][]float32
		want     float64
		gradient []float32 // nil where the value says enough
	}{
		// All margins pass the offset: {2, 1.5, 0.5} and {1, -0.5, 3}.
		{EMMA{0.5, 1, 1}, labels, logits, (math.Log(1+e(-0.5)+e(-1.5)) +
			math.Log(1+e(-2)+e(-3.5))) / 2, nil},
		// None of the first, one of the second: {2, 2, 2} and {3, 2, 3}.
		{EMMA{3, 0.5, 1}, labels, logits, (math.Log(3) + math.Log(2+e(-2))) / 2, nil},
		// Level with the true class, and a constant to the gradient, which else were 0.
		{EMMA{3, 0.5, 1}, labels[:1], logits[:1], math.Log(3), []float32{-4. / 3, 2. / 3, 2. / 3}},
		// A wrong class that leads is not raised.
		{EMMA{3, 1, 1}, [][]int32{{1}}, [][]float32{{2, 0}}, math.Log(1 + e(2)), nil},
		{EMMA{3, 1, 2}, [][]int32{{1}}, [][]float32{{4, 0}}, math.Log(1 + e(2)), nil},
		// Class 0: 0.5 - 2; class 1 has no image; class 2: 0 - 3. Hinges 1.5 + 0.5 and 1.
		{HKR{1, 10, 1, false}, labels, logits, -4.5 + 10*1.5, []float32{-1, 5, 1 + 5, 1 + 5, 0, -1}},
		{HKR{1, 10, 2, false}, labels, logits, -2.25 + 10*1.125, nil},
		// One class alone: hinges only, and the margin clears them.
		{HKR{1, 10, 1, false}, [][]int32{{0}, {0}}, [][]float32{{1, -1}, {0.6, -2}}, 0,
			[]float32{0, 0, 0, 0}},
		// The true class's hinge counts twice: 0 in the first, 2·0.5 + 0.5 in the second.
		{HKR{1, 10, 1, true}, labels, logits, -4.5 + 10*1.5, nil},
		{HKR{1, 10, 1, true}, [][]int32{{0}, {0}, {0}}, [][]float32{{0, -1, -1}, {1, -1, 0},
			{1, -1, -1}}, 10 * (2*0.5 + 0.5) / 3, []float32{-20. / 3, 0, 0, 0, 0, 10. / 3, 0, 0, 0}},
		// τ = Offset/2/log 2: wrong logits {1, 0} and {0.5, -1}, times 2·log 2.
		{LSEHKR{1, 10, 1}, labels, logits, (11*(math.Log2(5)/2+math.Log2(2+0.25)/2) - 5 + 10) / 2,
			nil},
		{LSEHKR{1, 10, 2}, labels, [][]float32{{4, 2, 0}, {1, -2, 6}},
			(11*(math.Log2(5)/2+math.Log2(2+0.25)/2) - 5 + 10) / 2, nil},
		// Of two classes, the other logit; without an offset, the largest.
		{LSEHKR{1, 10, 1}, [][]int32{{0}}, [][]float32{{0.25, -0.75}}, -1 + 10*0.25,
			[]float32{-11, 1}},
		{LSEHKR{0, 10, 1}, [][]int32{{0}}, [][]float32{{1, 3, 2}}, 2 + 10*3,
			[]float32{-1, 11, 0}},
		// Two classes, margins 1 and 3 of 1: p = 1/2 and 1/(1+e^-4).
		{Annealing{1, 0.5, 1}, [][]int32{{0}, {1}}, [][]float32{{1, 0}, {0, 3}},
			(math.Log(2)/32 + math.Pow(1/(1+e(4)), 5)*math.Log(1+e(-4))) / 2, nil},
		{Annealing{1, 0.5, 2}, [][]int32{{0}}, [][]float32{{2, 0}}, math.Log(2) / 32, nil},
		{Annealing{0, 1e-3, 1}, [][]int32{{0}}, [][]float32{{1, 0}}, 0, []float32{0, 0}},
		// Of the margins 1, 2 and 2.5, 4 one is short of 1.5.
		{MultiMargin{1.5, 0.5, 1}, labels, logits, 0.5, []float32{-1, 1, 0, 0, 0, 0}},
		{MultiMargin{1.5, 1, 2}, labels, logits, 0.875,
			[]float32{-0.5, 0.25, 0.25, 0.25, 0, -0.25}},
	} {
		got, gradient := values(c.loss, c.labels, c.logits)
		if math.Abs(got-c.want) > 1e-5*(1+math.Abs(c.want)) {
			t.Errorf("%T%+v: loss %v, want %v", c.loss, c.loss, got, c.want)
		}
		if c.gradient != nil && !slices.EqualFunc(gradient, c.gradient,
			func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-5 }) {
			t.Errorf("%T%+v: gradient %v, want %v", c.loss, c.loss, gradient, c.gradient)
		}
	}
}

// Every loss falls with the true class's logit and rises with the others', is in units of radius,
// and acts on its offset and temperature.
func TestLosses(t *testing.T) {
	labels, logits := [][]int32{{0}, {1}, {2}, {2}},
		[][]float32{{0.3, 0.1, 0}, {0.5, 0.2, 0}, {0, 0.1, 0.4}, {-0.1, 0.2, 0.2}}
	scaled := make([][]float32, len(logits))
	for i, z := range logits {
		for _, v := range z {
			scaled[i] = append(scaled[i], 4*v)
		}
	}
	for _, e := range Losses {
		l := e.New(1, 0.25, 1)
		value, gradient := values(l, labels, logits)
		for i, g := range gradient {
			if truth := i%3 == int(labels[i/3][0]); truth && g >= 0 || !truth && g <= 0 {
				t.Errorf("%s: gradient %v", e.Name, gradient)
			}
		}
		if again, _ := values(e.New(1, 0.25, 4), labels,
			scaled); math.Abs(again-value) > 1e-4*(1+math.Abs(value)) {
			t.Errorf("%s: logits and gap times 4: %v, was %v", e.Name, again, value)
		}
		if other, _ := values(e.New(2, 0.25, 1), labels, logits); !(other > value) &&
			e.Name != "emma" {
			t.Errorf("%s: offset 1: %v, 2: %v", e.Name, value, other)
		}
		if other, _ := values(e.New(0.1, 0.25, 1), labels, logits); !(other < value) {
			t.Errorf("%s: offset 1: %v, 0.1: %v", e.Name, value, other)
		}
		if other, _ := values(e.New(1, 0.5, 1), labels, logits); other == value {
			t.Errorf("%s: temperature 0.25: %v, 0.5: %v", e.Name, value, other)
		}
		if got, err := ByName(e.Name); err != nil || got.Name != e.Name {
			t.Error(got.Name, err)
		}
	}
	_, err := ByName("focal")
	if want := `no loss "focal"; known: ` + strings.Join(Names(), ", "); err == nil ||
		err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
