package rs

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

// fullEvidence is evidence that every method can certify.
func fullEvidence() *Evidence {
	margins := Histogram{Edges: []float64{0, 1, 2}, Counts: []int{40, 10, 20, 20}}
	scores := Histogram{Edges: []float64{0, 0.5, 1}, Counts: []int{0, 40, 50, 0}}
	return &Evidence{
		SelectionMargins: Histogram{Edges: margins.Edges, Counts: []int{4, 0, 2, 3}},
		Index:            7, Sigma: 1, Class: 0, Selection: Votes{5, 4}, Estimation: Votes{50, 40},
		Margins: margins, Clean: Clean{Class: 0, Margin: 1}, MarginError: 1e-6,
		Stops:  []int{60, 90},
		Scores: []Scores{{Map: ScoreMap{"sparsemax", 1}, Classes: []Histogram{scores, scores}}},
	}
}

// everyMethod returns the methods of the table, and those that differ by a field.
func everyMethod(t *testing.T, lambda, tau float64, b Bound) map[string]Method {
	methods := map[string]Method{
		"cpm clip":          CPM{Clip: true, Bound: b},
		"bonferroni clip":   Bonferroni{Clip: true, Bound: b},
		"twobound clip":     TwoBound{Clip: true, Bound: b},
		"lipschitz float32": Lipschitz{Lambda: Claim(lambda), Tau: tau, Bound: b, Float32: true},
		"margin float32":    Margin{Lambda: Claim(lambda), Float32: true},
		"lipschitz-two float32": SoftScores{Lambda: Claim(lambda), TwoClass: true, Bound: b,
			Float32: true},
		"lipschitz-two bare": SoftScores{TwoClass: true},
	}
	for _, entry := range Methods {
		if m, err := entry.New(Setting{Lambda: Claim(lambda), Tau: tau, Bound: b,
			Distances: true}); err == nil {
			methods[entry.Name] = m
		} else if t != nil {
			t.Fatal(entry.Name, err)
		}
	}
	return methods
}

// Names of the methods that read a part of the evidence.
const (
	ofLevels    = "isoperimetric adaptive "
	ofSelecting = "cpm unsound-second " + ofLevels
	ofSoft      = "lipschitz paper " + ofLevels
	ofScores    = "lvm lipschitz-two lipschitz-margin "
	ofVotes     = "mono bonferroni twobound unsound-pair " + ofSelecting + ofSoft + ofScores
)

// A malformation spoils one field of the evidence, which these methods read.
type malformation struct {
	what, methods, field string
	spoil                func(*Evidence)
}

func malformed() []malformation {
	overflow := func() Votes { return Votes{math.MaxInt, math.MaxInt} }
	inf := math.Inf(1)
	return []malformation{
		{"no stop", ofVotes, "stops", func(e *Evidence) { e.Stops = []int{} }},
		{"stops that fall", ofVotes, "stops", func(e *Evidence) { e.Stops = []int{90, 60} }},
		{"a stop twice", ofVotes, "stops", func(e *Evidence) { e.Stops = []int{60, 90, 90} }},
		{"a stop at 0", ofVotes, "stops", func(e *Evidence) { e.Stops = []int{0, 90} }},
		{"a negative stop", ofVotes, "stops", func(e *Evidence) { e.Stops = []int{-1, 90} }},
		{"an endless stop", ofVotes, "stops",
			func(e *Evidence) { e.Stops = []int{90, math.MaxInt} }},
		{"votes that overflow", ofVotes, "estimation votes", func(e *Evidence) {
			e.Estimation = overflow()
		}},
		{"a negative vote", ofVotes, "estimation votes", func(e *Evidence) {
			e.Estimation = Votes{91, -1}
		}},
		{"a selection that overflows", ofSelecting, "selection votes", func(e *Evidence) {
			e.Selection = overflow()
		}},
		{"a negative selection", ofSelecting, "selection votes", func(e *Evidence) {
			e.Selection = Votes{9, -1}
		}},
		{"a negative selected bin", ofLevels, "selection margins", func(e *Evidence) {
			e.SelectionMargins.Counts = []int{-1, 5, 2, 3}
		}},
		{"other selected edges", ofLevels, "selection margins", func(e *Evidence) {
			e.SelectionMargins.Edges = []float64{0, 1, 3}
		}},
		{"no selection", ofLevels, "selection votes", func(e *Evidence) {
			e.Selection = Votes{0, 0}
		}},
		{"a negative bin", ofSoft, "margins", func(e *Evidence) {
			e.Margins.Counts = []int{41, -1, 30, 20}
		}},
		{"a bin that overflows", ofSoft, "margins", func(e *Evidence) {
			e.Margins.Counts = append(overflow(), 2, 90)
		}},
		{"edges that fall", ofSoft, "margins", func(e *Evidence) {
			e.Margins.Edges = []float64{0, 6, 5}
		}},
		{"an edge twice", ofSoft, "margins", func(e *Evidence) {
			e.Margins.Edges = []float64{0, 1, 1}
		}},
		{"an edge NaN", ofSoft, "margins", func(e *Evidence) {
			e.Margins.Edges = []float64{math.NaN(), 1, 2}
		}},
		{"an endless edge", ofSoft, "margins", func(e *Evidence) {
			e.Margins.Edges = []float64{0, 1, inf}
		}},
		{"an edge at -Inf", ofSoft, "margins", func(e *Evidence) {
			e.Margins.Edges = []float64{-inf, 1, 2}
		}},
		{"a negative score", ofScores, "scores", func(e *Evidence) {
			e.Scores[0].Classes[1].Counts = []int{-1, 41, 50, 0}
		}},
		{"score edges that fall", ofScores, "scores", func(e *Evidence) {
			e.Scores[0].Classes[1].Edges = []float64{0.5, 0, 1}
		}},
		{"a map without a factor", ofScores, "scores", func(e *Evidence) { e.Scores[0].Map.T = 0 }},
		{"a clean class beyond", "margin distance", "clean class",
			func(e *Evidence) { e.Clean.Class = 2 }},
		{"a negative distance", "distance", "distance",
			func(e *Evidence) { e.Clean.Distance = -1 }},
		{"no distance", "distance", "distance",
			func(e *Evidence) { e.Clean.Distance = math.NaN() }},
		{"an endless distance", "distance", "distance",
			func(e *Evidence) { e.Clean.Distance = inf }},
	}
}

func TestMalformedEvidence(t *testing.T) {
	methods := everyMethod(t, 1, 1, nil)
	for _, name := range strings.Fields(ofVotes + " margin distance") {
		if _, err := methods[name].Certify(fullEvidence(), 0.1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range malformed() {
		for _, name := range strings.Fields(c.methods) {
			e := fullEvidence()
			c.spoil(e)
			_, err := methods[name].Certify(e, 0.1)
			if err == nil || !strings.HasPrefix(err.Error(), "example 7: "+c.field) {
				t.Errorf("%s, %s: error %v, want one of its %s", name, c.what, err, c.field)
			}
			if ranger, ok := methods[name].(Ranger); ok {
				if _, err := ranger.Ceiling(e, 0.1); err == nil {
					t.Errorf("%s, %s: a ceiling", name, c.what)
				}
			}
		}
	}
	_, err := SoftScores{TwoClass: true}.Certify(fullEvidence(), 0.1)
	if err == nil || !strings.Contains(err.Error(), "Lipschitz constant") {
		t.Errorf("the radius of two Lipschitz scores without a constant: %v", err)
	}
}

// A temperature whose double isn't a number neither raises a soft vote nor lowers its Lipschitz
// constant.
func TestHugeTemperature(t *testing.T) {
	l := Lipschitz{Lambda: Claim(1e300), Tau: 1.5e308}
	if got, want := l.Smoothed(1).L, 1e300/2/1.5e308; got < want {
		t.Errorf("L = %g, want at least %g", got, want)
	}
	s := SoftVotes(Histogram{Edges: []float64{-1e308, 1e308}, Counts: []int{1, 1, 1}}, 1.5e308)
	if lo, hi := s.Lo[1], s.Hi[1]; lo > 1./6 || lo < 0.16 || hi < 5./6 || hi > 0.84 {
		t.Errorf("soft votes of ±1e308 at τ = 1.5e308: [%g, %g], want 1/6 and 5/6", lo, hi)
	}
}

// bytesOf deals out a fuzzer's bytes as numbers, most of them small; 0 where there are no more.
type bytesOf []byte

func (b *bytesOf) byte() byte {
	if len(*b) == 0 {
		return 0
	}
	v := (*b)[0]
	*b = (*b)[1:]
	return v
}

func (b *bytesOf) word() uint64 {
	var w [8]byte
	for i := range w {
		w[i] = b.byte()
	}
	return binary.LittleEndian.Uint64(w[:])
}

// int is a count up to 99 of seven bytes in eight, else any.
func (b *bytesOf) int() int {
	if v := b.byte(); v < 224 {
		return int(v) % 100
	}
	return int(b.word())
}

func (b *bytesOf) ints(most int) []int {
	n := int(b.byte())
	if n == 255 {
		return nil
	}
	v := make([]int, n%(most+1))
	for i := range v {
		v[i] = b.int()
	}
	return v
}

// float is a multiple of 1/16 of seven bytes in eight, else any bits.
func (b *bytesOf) float() float64 {
	if v := b.byte(); v < 224 {
		return float64(int(v)-96) / 16
	}
	return math.Float64frombits(b.word())
}

// histogram has the bins that its edges ask for, mostly, and n draws.
func (b *bytesOf) histogram(n int) Histogram {
	h := Histogram{Counts: b.ints(8)}
	for i := range int(b.byte()) % (len(h.Counts) + 1) {
		h.Edges = append(h.Edges, b.float()+float64(i))
	}
	if sum := Votes(h.Counts).Total(); len(h.Counts) > 0 && b.byte() < 128 {
		h.Counts[0] += n - sum
	}
	return h
}

// evidence is arbitrary.
func (b *bytesOf) evidence() *Evidence {
	e := &Evidence{Index: b.int(), Label: b.int(), Sigma: b.float(), Class: int(b.byte()) % 5,
		Selection: b.ints(4), Estimation: b.ints(4),
		Clean: Clean{Class: b.int(), Margin: b.float()}, Rounding: b.float(),
		MarginError: b.float()}
	if n := e.Estimation.Total(); b.byte() < 192 {
		if b.byte() < 128 {
			e.Stops = append(b.ints(3), n)
		} else {
			e.Stops = b.ints(3)
		}
	}
	e.Margins = b.histogram(e.Estimation.Total())
	e.SelectionMargins = b.histogram(e.Selection.Total())
	for range b.byte() % 3 {
		s := Scores{Map: ScoreMap{ScoreMapNames()[b.byte()%3], b.float()}}
		for range b.byte() % 5 {
			s.Classes = append(s.Classes, b.histogram(e.Estimation.Total()))
		}
		e.Scores = append(e.Scores, s)
	}
	return e
}

// No method panics on any evidence, and no certificate has a radius or a class that isn't one.
func FuzzMethods(f *testing.F) {
	f.Add([]byte{}, 1.0, 1.0)
	f.Add([]byte{1, 0, 112, 0, 2, 9, 1, 2,
		90, 10, 0, 96, 96, 112, 255}, 1.0, 0.5)
	f.Add([]byte{1, 0, 112, 0, 2, 9, 1, 2,
		90, 10, 0, 96, 96, 112, 0, 0, 0, 4, 1, 2, 3, 4, 3, 96, 100, 110, 0}, 2.0, 1e-300)
	f.Add([]byte{1, 0, 112, 0, 2, 9, 1, 2,
		240, 255, 255, 255, 255, 255, 255, 31, 0, 10, 0, 96, 96, 112, 0}, 1e-300, 1e308)
	f.Fuzz(func(t *testing.T, data []byte, lambda, tau float64) {
		b := bytesOf(data)
		e := b.evidence()
		alpha := []float64{0.001, 0.5, 0.999, MinAlpha}[b.byte()%4]
		bounds := append([]BoundEntry{{}}, Bounds...)
		bound := bounds[int(b.byte())%len(bounds)].Bound
		for name, m := range everyMethod(nil, lambda, tau, bound) {
			what := fmt.Sprintf("%s, alpha = %g, %+v", name, alpha, *e)
			c, err := m.Certify(e, alpha)
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: an error of two lines: %v", what, err)
			}
			if err == nil && (!(c.Radius >= 0) || c.Class < Abstain ||
				c.Class == Abstain && c.Radius > 0 || name != "unsound-pair" &&
				c.Alpha() > alpha*(1+1e-12)) {
				t.Errorf("%s: %+v", what, c)
			}
			if ranger, ok := m.(Ranger); ok {
				_, err := ranger.Ceiling(e, alpha)
				if err != nil && strings.Contains(err.Error(), "\n") {
					t.Errorf("%s: an error of two lines: %v", what, err)
				}
			}
		}
	})
}
