package countlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

// synthetic returns evidence of a run that is plausible and a function of its index alone.
func synthetic(r *Run, index int) *rs.Evidence {
	rnd := rand.New(rand.NewPCG(r.Seed, uint64(index)))
	draw := func(n, bins int) []int {
		counts := make([]int, bins)
		for range n {
			counts[min(int(rnd.ExpFloat64()*float64(bins)/8), bins-1)]++
		}
		return counts
	}
	margins := func(votes, n int) []int { // a vote's is at least 0, another's less
		edges := r.Edges()
		zero := (len(edges) + 1) / 2
		return append(draw(n-votes, zero), draw(votes, len(edges)+1-zero)...)
	}
	k := r.Dataset.Classes
	e := &rs.Evidence{Index: index, Label: rnd.IntN(k), Sigma: r.Sigma, Selection: draw(r.N0, k),
		Estimation: draw(r.N, k)}
	e.Class = e.Selection.Top()
	e.Clean = rs.Clean{Class: rnd.IntN(k), Margin: float64(rnd.Float32())}
	if edges := r.Edges(); edges != nil {
		e.SelectionMargins = rs.Histogram{Edges: edges, Counts: margins(e.Selection[e.Class], r.N0)}
		e.Margins = rs.Histogram{Edges: edges, Counts: margins(e.Estimation[e.Class], r.N)}
	}
	return e
}

const goodRow = "50\t7\t7\t1.25\t7\t1:2,7:8\t1:30,7:70\t0:1,4:1,9:8\t3:30,5:50,7:20"

func TestRow(t *testing.T) {
	r := testRun()
	p := newParser(&r)
	e, err := p.row([]byte(goodRow))
	if err != nil {
		t.Fatal(err)
	}
	want := &rs.Evidence{
		Index: 50, Label: 7, Class: 7, Sigma: 0.25, Clean: rs.Clean{Class: 7, Margin: 1.25},
		Selection:  rs.Votes{1: 2, 7: 8, 9: 0},
		Estimation: rs.Votes{1: 30, 7: 70, 9: 0},
		SelectionMargins: rs.Histogram{Edges: r.Edges(),
			Counts: []int{1, 0, 0, 0, 1, 0, 0, 0, 0, 8}},
		Margins: rs.Histogram{Edges: r.Edges(), Counts: []int{3: 30, 5: 50, 7: 20, 9: 0}},
	}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("got  %+v\nwant %+v", e, want)
	}
	if line := string(p.appendRow(nil, e)); line != goodRow+"\n" {
		t.Errorf("written: %q", line)
	}
}

// testRun's bins 0 to 4 lie below 0, bin 5 begins at 0. goodRow has 8 votes of 10 for its class,
// and 70 of 100.
func TestMarginsAgreeWithVotes(t *testing.T) {
	r := testRun()
	p := newParser(&r)
	const allow = ": example 50 has %d votes for class 7, and these margins allow %d to %d: " +
		"restore the line"
	for _, c := range []struct {
		selection, estimation, column string // "" is no error
		votes, least, most            int
	}{
		{"4:2,9:8", "4:30,6:70", "", 0, 0, 0},
		{"4:2,5:8", "4:30,5:70", "", 0, 0, 0},
		{"5:10", "5:100", "", 0, 0, 0},            // ties may go to any class
		{"5:3,9:7", "5:31,6:69", "", 0, 0, 0},     // a tie that another class won
		{"4:1,5:9", "0:29,5:1,6:70", "", 0, 0, 0}, // the same
		{"4:1,9:9", "4:30,6:70", "selection_margins", 8, 9, 9},
		{"4:3,9:7", "4:30,6:70", "selection_margins", 8, 7, 7},
		{"4:2,9:8", "4:29,6:71", "margins", 70, 71, 71},
		{"4:2,9:8", "4:31,5:9,6:60", "margins", 70, 60, 69},
		{"4:2,9:8", "0:100", "margins", 70, 0, 0},
	} {
		votes, want := "50\t7\t7\t1.25\t7\t1:2,7:8\t1:30,7:70\t", "<nil>"
		if c.column != "" {
			want = c.column + fmt.Sprintf(allow, c.votes, c.least, c.most)
		}
		if _, err := p.row([]byte(votes + c.selection + "\t" + c.estimation)); fmt.Sprint(
			err) != want {
			t.Errorf("%s and %s:\ngot  %v\nwant %s", c.selection, c.estimation, err, want)
		}
	}
}

func TestRowMalformed(t *testing.T) {
	r := testRun()
	p := newParser(&r)
	const pairsOf = "want class:count pairs"
	for _, c := range []struct{ old, new, want string }{
		{goodRow, "", "1 columns, want 9"},
		{goodRow, goodRow + "\t", "10 columns, want 9"},
		{"50\t", "51\t", "index: 51 is not among the run's examples (200, from 0 on, 50 apart)"},
		{"50\t", "-50\t", `index: "-50", want an index of the dataset, at most 9999`},
		{"50\t", "050\t", `index: "050", want an index`},
		{"50\t", "\t", `index: "", want an index`},
		{"50\t", "50 \t", `index: "50 ", want an index`},
		{"50\t", "9223372036854775857\t", "index: \"9223372036854775857\", want an index"},
		{"\t7\t7\t", "\t10\t7\t", `label: "10", want a class, or -1`},
		{"\t7\t7\t", "\t-2\t7\t", `label: "-2", want a class, or -1`},
		{"\t7\t7\t", "\t7\t-2\t", `clean_class: "-2", want a class or -1`},
		{"\t7\t7\t", "\t7\t-1\t",
			`clean_margin: "1.25", want a finite number >= 0 in shortest form, ` +
				"0 where clean_class is -1"},
		{"1.25", "1.250", `clean_margin: "1.250", want`},
		{"1.25", "-1", `clean_margin: "-1", want`},
		{"1.25", "-0", `clean_margin: "-0", want`},
		{"1.25", "NaN", `clean_margin: "NaN", want`},
		{"1.25", "+Inf", `clean_margin: "+Inf", want`},
		{"1.25", "0x1p2", `clean_margin: "0x1p2", want`},
		{"1.25\t7", "1.25\t1", "class: 1, but the selection votes make it 7"},
		{"1:2,7:8", "1:2,7:7", "selection: 9 draws, the run has 10"},
		{"1:2,7:8", "1:2,7:9", "selection: more than 10 draws"},
		{"1:2,7:8", "", "selection: 0 draws, the run has 10"},
		{"1:2,7:8", "7:8,1:2", "selection: class 1 after 7, want them rising"},
		{"1:2,7:8", "7:2,7:8", "selection: class 7 after 7, want them rising"},
		{"1:2,7:8", "1:2,10:8", "selection: class 10, want one of 0 to 9"},
		{"1:2,7:8", "0:0,1:2,7:8", `selection: "0:0,1:2,7:8", ` + pairsOf},
		{"1:2,7:8", "1:2,7:8,", `selection: "7:8,", ` + pairsOf},
		{"1:2,7:8", "1:2,,7:8", `selection: ",7:8", ` + pairsOf},
		{"1:2,7:8", "1:2;7:8", `selection: "1:2;7:8", ` + pairsOf},
		{"1:2,7:8", "1:2,7", `selection: "7", ` + pairsOf},
		{"1:2,7:8", "1:2,7:", `selection: "7:", ` + pairsOf},
		{"1:2,7:8", "1:2,7:-8", `selection: "7:-8", ` + pairsOf},
		{"1:2,7:8", "01:2,7:8", `selection: "01:2,7:8", ` + pairsOf},
		{"1:2,7:8", "1:2,7:999999999999999999999999", `selection: "7:9999999999999999999999"…, ` +
			pairsOf},
		{"1:30", "1:29", "estimation: 99 draws, the run has 100"},
		{"9:8", "10:8", "selection_margins: bin 10, want one of 0 to 9"},
		{"7:20", "7:20\r", `margins: "7:20\r", want bin:count pairs`},
		{"3:30,5:50,7:20", "", "margins: 0 draws, the run has 100"},
	} {
		line := strings.Replace(goodRow, c.old, c.new, 1)
		if _, err := p.row([]byte(line)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", line, err, c.want)
		}
	}

	bare := testRun()
	bare.MarginMax, bare.MarginBins = 0, 0
	if _, err := newParser(&bare).row([]byte(goodRow)); err == nil ||
		!strings.Contains(err.Error(), "the run logs no margins") {
		t.Error(err)
	}
	e, err := newParser(&bare).row([]byte(strings.Replace(goodRow, "0:1,4:1,9:8\t3:30,5:50,7:20",
		"\t", 1)))
	if err != nil || e.HasMargins() {
		t.Error(e, err)
	}
}

// FuzzRow: what the parser takes, it writes back byte for byte.
func FuzzRow(f *testing.F) {
	f.Add([]byte(goodRow))
	f.Add([]byte(strings.Replace(goodRow, "7\t1.25", "-1\t0", 1)))
	r := testRun()
	p := newParser(&r)
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := p.row(line)
		if err != nil {
			if e != nil {
				t.Error("evidence beside an error")
			}
			return
		}
		if e.Selection.Total() != r.N0 || e.Estimation.Total() != r.N ||
			e.Class != e.Selection.Top() ||
			e.SelectionMargins.Total() != r.N0 || e.Margins.Total() != r.N {
			t.Errorf("%+v is not of the run", e)
		}
		back, err := p.line(nil, e)
		if err != nil || !bytes.Equal(back, append(bytes.Clone(line), '\n')) {
			t.Errorf("%q came back as %q, %v", line, back, err)
		}
	})
}

// BenchmarkRow parses rows of 1,000 classes, every one with votes, and 512 margin bins.
func BenchmarkRow(b *testing.B) {
	r := testRun()
	r.Dataset.Classes, r.N0, r.N, r.MarginBins = 1000, 100, 100_000, DefaultMarginBins
	p := newParser(&r)
	line := p.appendRow(nil, synthetic(&r, 0))
	line = line[:len(line)-1]
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.row(line); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// A run with distances has one more column, and a run without refuses them.
func TestDistances(t *testing.T) {
	r := testRun()
	plain := newParser(&r)
	with := r
	with.Distances = true
	p := newParser(&with)
	if !strings.HasSuffix(p.header, "\tmargins\tclean_distance") {
		t.Errorf("columns %q", p.header)
	}
	e, err := p.row([]byte(goodRow + "\t0.75"))
	if err != nil || e.Clean.Distance != 0.75 {
		t.Fatal(e, err)
	}
	if line, err := p.line(nil, e); err != nil || string(line) != goodRow+"\t0.75\n" {
		t.Errorf("%q, %v", line, err)
	}
	for _, cell := range []string{"", "-1", "-0", "+Inf", "NaN", "0.750"} {
		if _, err := p.row([]byte(goodRow + "\t" + cell)); err == nil ||
			!strings.HasPrefix(err.Error(), "clean_distance: ") {
			t.Errorf("%q: %v", cell, err)
		}
	}
	if _, err := p.row([]byte(goodRow)); err == nil {
		t.Error("a row without its distance")
	}
	if _, err := plain.line(nil, e); err == nil ||
		err.Error() != "clean_distance: the run logs no distances" {
		t.Error(err)
	}
}
