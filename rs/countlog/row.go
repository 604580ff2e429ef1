package countlog

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
)

// columns are those of every run. The column distanceColumn follows where the run has distances,
// and then one of scores for each map.
var columns = []string{"index", "label", "clean_class", "clean_margin", "class",
	"selection", "estimation", "selection_margins", "margins"}

// maxMaps is the most maps of scores that a run logs.
const maxMaps = 16

const distanceColumn = "clean_distance"

func scoresColumn(m string) string { return "scores " + m }

// appendRow appends the line of e, newline and all.
func (p *parser) appendRow(b []byte, e *rs.Evidence) []byte {
	b = append(strconv.AppendInt(b, int64(e.Index), 10), '\t')
	b = append(strconv.AppendInt(b, int64(e.Label), 10), '\t')
	b = append(strconv.AppendInt(b, int64(e.Clean.Class), 10), '\t')
	// Adding 0 drops the sign of -0.
	b = append(strconv.AppendFloat(b, e.Clean.Margin+0, 'g', -1, 64), '\t')
	b = append(strconv.AppendInt(b, int64(e.Class), 10), '\t')
	b = append(appendPairs(b, e.Selection), '\t')
	b = append(appendPairs(b, e.Estimation), '\t')
	b = append(appendPairs(b, e.SelectionMargins.Counts), '\t')
	b = appendPairs(b, e.Margins.Counts)
	if p.run.Distances {
		b = strconv.AppendFloat(append(b, '\t'), e.Clean.Distance+0, 'g', -1, 64)
	}
	for _, s := range e.Scores {
		b = append(b, '\t')
		begun := len(b)
		for c, h := range s.Classes {
			b = appendPairsFrom(b, begun, c*len(h.Counts), h.Counts)
		}
	}
	return append(b, '\n')
}

// appendPairs appends the nonzero counts as position:count, comma separated.
func appendPairs(b []byte, counts []int) []byte { return appendPairsFrom(b, len(b), 0, counts) }

// appendPairsFrom goes on with a cell that began at b[begun:]; the first count's position is from.
func appendPairsFrom(b []byte, begun, from int, counts []int) []byte {
	for i, k := range counts {
		if k == 0 {
			continue
		}
		if len(b) > begun {
			b = append(b, ',')
		}
		b = append(strconv.AppendInt(b, int64(from+i), 10), ':')
		b = strconv.AppendInt(b, int64(k), 10)
	}
	return b
}

// A parser reads the rows of one run and checks them against the run. It takes exactly the lines
// that appendRow writes.
type parser struct {
	run    *Run
	names  []string  // of all columns
	header string    // the first line
	mapsAt int       // column of the first map of scores
	edges  []float64 // shared by all rows
	zero   int       // the bin of margins that 0 lies in
	maps   []rs.ScoreMap
	scores []float64 // edges of scores
}

// newParser panics where the run doesn't validate.
func newParser(r *Run) *parser {
	p := &parser{run: r, names: slices.Clone(columns), edges: r.Edges()}
	if r.Distances {
		p.names = append(p.names, distanceColumn)
	}
	p.mapsAt = len(p.names)
	for p.zero < len(p.edges) && p.edges[p.zero] <= 0 {
		p.zero++
	}
	for _, text := range r.Scores {
		m, err := rs.ParseScoreMap(text)
		if err != nil {
			panic("countlog: " + err.Error())
		}
		p.maps, p.scores = append(p.maps, m), rs.ScoreEdges()
		p.names = append(p.names, scoresColumn(text))
	}
	p.header = strings.Join(p.names, "\t")
	return p
}

// longest bounds the bytes of a line.
func (p *parser) longest() int {
	const pair = 2*20 + 2
	return 6*32 + pair*(2*(p.run.Dataset.Classes+len(p.edges)+1)+
		len(p.maps)*p.run.Dataset.Classes*(len(p.scores)+1))
}

// fieldError is what is wrong with one column of a row.
type fieldError struct {
	Field string
	Err   error
}

func (e *fieldError) Error() string { return e.Field + ": " + e.Err.Error() }

func (p *parser) bad(field int, format string, args ...any) error {
	return &fieldError{p.names[field], fmt.Errorf(format, args...)}
}

// row parses a line without its newline. It allocates the evidence and one slice for all counts.
func (p *parser) row(line []byte) (*rs.Evidence, error) {
	var array [10 + maxMaps][]byte
	cells := array[:len(p.names)]
	if err := split(line, cells); err != nil {
		return nil, err
	}
	run := p.run
	e := &rs.Evidence{Sigma: run.Sigma, Stops: run.Until.Stops, Rounding: run.Noise.Rounding,
		MarginError: run.MarginError}
	if err := p.numbers(cells, e); err != nil {
		return nil, err
	}
	classes, bins, scores := run.Dataset.Classes, 0, len(p.scores)+1
	if p.edges != nil {
		bins = len(p.edges) + 1
	} else if len(cells[7])+len(cells[8]) > 0 {
		return nil, p.bad(7, "not empty, and the run logs no margins")
	}
	all := room(make([]int, 2*classes+2*bins+len(p.maps)*classes*scores))
	e.Selection, e.Estimation = all.cut(classes), all.cut(classes)
	if bins > 0 {
		e.SelectionMargins = rs.Histogram{Edges: p.edges, Counts: all.cut(bins)}
		e.Margins = rs.Histogram{Edges: p.edges, Counts: all.cut(bins)}
	}
	n, err := p.draws(cells, e)
	if err != nil {
		return nil, err
	}
	if top := e.Selection.Top(); e.Class != top {
		return nil, p.bad(4, "%d, but the selection votes make it %d", e.Class, top)
	}
	if bins > 0 {
		if err := p.agree(7, e, e.Selection, e.SelectionMargins.Counts); err != nil {
			return nil, err
		}
		if err := p.agree(8, e, e.Estimation, e.Margins.Counts); err != nil {
			return nil, err
		}
	}
	for i := range p.maps {
		s, err := p.mapped(cells, i, n, all.cut(classes*scores))
		if err != nil {
			return nil, err
		}
		e.Scores = append(e.Scores, s)
	}
	return e, nil
}

// room is a slice that all counts of a row share.
type room []int

// cut takes the first n counts off.
func (r *room) cut(n int) []int {
	head := (*r)[:n:n]
	*r = (*r)[n:]
	return head
}

// split fills the cells with the line's columns.
func split(line []byte, cells [][]byte) error {
	rest := line
	for i := range cells {
		j := bytes.IndexByte(rest, '\t')
		if last := i == len(cells)-1; (j < 0) != last {
			return fmt.Errorf("%d columns, want %d", 1+bytes.Count(line, []byte("\t")), len(cells))
		}
		if j < 0 {
			j = len(rest)
		}
		cells[i] = rest[:j]
		rest = rest[min(j+1, len(rest)):]
	}
	return nil
}

// numbers parses the columns that hold one number: index, classes and the clean margin.
func (p *parser) numbers(cells [][]byte, e *rs.Evidence) error {
	run, classes := p.run, p.run.Dataset.Classes
	for i, c := range []struct {
		to        *int
		low, high int
		what      string
	}{
		{&e.Index, 0, run.Dataset.Size, "an index of the dataset"},
		{&e.Label, rs.Abstain, classes, "a class, or -1"},
		{&e.Clean.Class, rs.Abstain, classes, "a class or -1"},
		{}, // clean_margin
		{&e.Class, 0, classes, "a class"},
	} {
		if c.to == nil {
			continue
		}
		v, ok := whole(cells[i], c.low)
		if !ok || v >= c.high {
			return p.bad(i, "%s, want %s, at most %d", quote(cells[i]), c.what, c.high-1)
		}
		*c.to = v
	}
	if run.Examples.Position(e.Index) < 0 {
		return p.bad(0, "%d is not among the run's examples (%v)", e.Index, run.Examples)
	}
	margin, ok := decimal(cells[3])
	if !ok || math.Signbit(margin) || e.Clean.Class == rs.Abstain && margin != 0 {
		return p.bad(3, "%s, want a finite number >= 0 in shortest form, 0 where clean_class is -1",
			quote(cells[3]))
	}
	e.Clean.Margin = margin
	if at := len(columns); p.run.Distances {
		e.Clean.Distance, ok = decimal(cells[at])
		if !ok || math.Signbit(e.Clean.Distance) {
			return p.bad(at, "%s, want a finite number >= 0 in shortest form", quote(cells[at]))
		}
	}
	return nil
}

// draws parses votes and margins of both draws. It returns n, the number of estimation draws.
func (p *parser) draws(cells [][]byte, e *rs.Evidence) (n int, err error) {
	n0, n := p.run.N0, p.run.N
	for i, c := range []struct {
		to    []int
		total *int
		key   string
	}{
		{e.Selection, &n0, "class"}, {e.Estimation, &n, "class"},
		{e.SelectionMargins.Counts, &n0, "bin"}, {e.Margins.Counts, &n, "bin"},
	} {
		if c.to == nil {
			continue
		}
		sum, err := pairs(cells[5+i], c.to, *c.total, c.key)
		if i == 1 && err == nil && slices.Contains(e.Stops, sum) {
			n = sum
		}
		if err == nil && sum != *c.total {
			err = fmt.Errorf("%d draws, the run has %d", sum, *c.total)
			if i == 1 && e.Stops != nil {
				err = fmt.Errorf("%d draws, the run's end at %v", sum, e.Stops)
			}
		}
		if err != nil {
			return 0, &fieldError{columns[5+i], err}
		}
	}
	return n, nil
}

// mapped parses the scores of map i into all, the counts of every class; each class has n draws.
func (p *parser) mapped(cells [][]byte, i, n int, all []int) (rs.Scores, error) {
	classes, scores, column := p.run.Dataset.Classes, len(p.scores)+1, p.mapsAt+i
	s := rs.Scores{Map: p.maps[i], Classes: make([]rs.Histogram, classes)}
	if _, err := pairs(cells[column], all, classes*n, "bin"); err != nil {
		return s, &fieldError{p.names[column], err}
	}
	for c := range classes {
		own := all[c*scores : (c+1)*scores : (c+1)*scores]
		s.Classes[c] = rs.Histogram{Edges: p.scores, Counts: own}
		if got := s.Classes[c].Total(); got != n {
			return s, p.bad(column, "%d draws of class %d, the row has %d", got, c, n)
		}
	}
	return s, nil
}

// agree reports margins that the votes of their class deny. A draw with a margin above 0 is a
// vote for the class. A vote for the class has a margin of at least 0. A tie may be either.
// Margins are logged as they were drawn: methods subtract what noise on a grid or float32 may
// have added.
func (p *parser) agree(field int, e *rs.Evidence, votes rs.Votes, margins []int) error {
	least := rs.Votes(margins[p.zero+1:]).Total()
	if k, most := votes[e.Class], least+margins[p.zero]; k < least || k > most {
		return p.bad(field, "example %d has %d votes for class %d, and these margins allow %d to "+
			"%d: "+
			"restore the line", e.Index, k, e.Class, least, most)
	}
	return nil
}

// pairs parses key:count pairs into the zeros of to and returns their sum, at most total.
func pairs(cell []byte, to []int, total int, key string) (sum int, err error) {
	previous := -1
	for i := 0; i < len(cell); {
		k, next := digits(cell, i)
		if next == i || next == len(cell) || cell[next] != ':' {
			return 0, fmt.Errorf("%s, want %s:count pairs", quote(cell[i:]), key)
		}
		v, end := digits(cell, next+1)
		if end == next+1 || v == 0 || end < len(cell) && (cell[end] != ',' || end+1 == len(cell)) {
			return 0, fmt.Errorf("%s, want %s:count pairs", quote(cell[i:]), key)
		}
		switch {
		case k >= len(to):
			return 0, fmt.Errorf("%s %d, want one of 0 to %d", key, k, len(to)-1)
		case k <= previous:
			return 0, fmt.Errorf("%s %d after %d, want them rising", key, k, previous)
		case v > total-sum:
			return 0, fmt.Errorf("more than %d draws, the run has %d", total, total)
		}
		to[k], previous, sum = v, k, sum+v
		i = end + 1
	}
	return sum, nil
}

// digits parses the number at b[i:], at most 18 digits without a leading zero, and
// returns where it ends: i where there is none.
func digits(b []byte, i int) (v, end int) {
	for end = i; end < len(b) && b[end]-'0' <= 9; end++ {
		v = 10*v + int(b[end]-'0')
	}
	if end-i > 18 || end-i > 1 && b[i] == '0' {
		return 0, i
	}
	return v, end
}

// whole parses a cell that is a number >= low, where low may be as little as -1.
func whole(b []byte, low int) (int, bool) {
	if low < 0 && len(b) == 2 && b[0] == '-' && b[1] == '1' {
		return -1, true
	}
	v, end := digits(b, 0)
	return v, len(b) > 0 && end == len(b) && v >= low
}

// decimal parses a finite number written as appendRow writes it.
func decimal(b []byte) (float64, bool) {
	v, err := strconv.ParseFloat(string(b), 64)
	var buf [32]byte
	return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) &&
		bytes.Equal(strconv.AppendFloat(buf[:0], v, 'g', -1, 64), b)
}

// quote shows the beginning of a cell.
func quote(b []byte) string {
	const most = 24
	if len(b) > most {
		return strconv.Quote(string(b[:most])) + "…"
	}
	return strconv.Quote(string(b))
}

// line returns the line of e, or an error where it would not read back as e.
func (p *parser) line(b []byte, e *rs.Evidence) ([]byte, error) {
	classes := p.run.Dataset.Classes
	for _, c := range []struct {
		field     int
		got, want int
	}{
		{5, len(e.Selection), classes}, {6, len(e.Estimation), classes},
	} {
		if c.got != c.want {
			return b, p.bad(c.field, "votes of %d classes, the run has %d", c.got, c.want)
		}
	}
	for i, h := range []rs.Histogram{e.SelectionMargins, e.Margins} {
		switch {
		case (h.Counts == nil) != (p.edges == nil):
			return b, p.bad(7+i, "%d bins, the run has %d edges", len(h.Counts), len(p.edges))
		case h.Counts != nil && (!slices.Equal(h.Edges, p.edges) ||
			len(h.Counts) != len(p.edges)+1):
			return b, p.bad(7+i, "its edges are not the run's")
		}
	}
	if len(e.Scores) != len(p.maps) {
		return b, fmt.Errorf("scores by %d maps, the run has %d", len(e.Scores), len(p.maps))
	}
	for i, s := range e.Scores {
		wrong := s.Map != p.maps[i] || len(s.Classes) != classes
		for _, h := range s.Classes {
			wrong = wrong || !slices.Equal(h.Edges, p.scores) || len(h.Counts) != len(p.scores)+1
		}
		if wrong {
			return b, p.bad(p.mapsAt+i, "its map, classes or edges are not the run's")
		}
	}
	if e.Sigma != p.run.Sigma {
		return b, &fieldError{"sigma", fmt.Errorf("%g, the run has %g", e.Sigma, p.run.Sigma)}
	}
	if e.Clean.Distance != 0 && !p.run.Distances {
		return b, &fieldError{distanceColumn, errors.New("the run logs no distances")}
	}
	b = p.appendRow(b, e)
	_, err := p.row(b[:len(b)-1])
	return b, err
}
