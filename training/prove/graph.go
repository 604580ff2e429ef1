package prove

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"slices"
)

// A value is a vector that a graph computes from one image: the image, a sum of linear maps of
// other values, or an activation of one.
type value struct {
	id     int
	n      int // entries
	node   string
	terms  []term
	given  []term    // terms as the file has them
	offset []float64 // nil is 0
	loose  bool      // the offset is rounded
	act    *activation
	arg    *value
	fixed  bool // its terms may still change
}

// A term is a linear map of a value.
type term struct {
	of *value
	by linear
}

// A graph is a network from one image to its logits.
type graph struct {
	values []*value // each after those that it depends on; the first is the image
	logits *value
	sum    hash.Hash // of all that was added
}

func newGraph(n int) *graph {
	g := &graph{sum: sha256.New()}
	g.add(&value{n: n, node: "image"})
	return g
}

func (g *graph) image() *value { return g.values[0] }

func (g *graph) add(v *value) *value {
	v.id = len(g.values)
	g.values = append(g.values, v)
	g.record(int64(v.id), int64(v.n))
	return v
}

// record adds numbers to the sum.
func (g *graph) record(x ...int64) {
	for _, v := range x {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(v))
		g.sum.Write(b[:])
	}
}

func (g *graph) recordFloats(x []float64) {
	g.record(int64(len(x)))
	var b []byte
	for part := range slices.Chunk(x, 4096) {
		b = b[:0]
		for _, v := range part {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		g.sum.Write(b)
	}
}

func (g *graph) recordMap(l linear) {
	switch l := l.(type) {
	case pick:
		g.record(1, int64(l.columns), int64(len(l.from)))
		b := make([]byte, 0, 4*len(l.from))
		for _, f := range l.from {
			b = binary.LittleEndian.AppendUint32(b, uint32(f))
		}
		g.sum.Write(b)
		g.recordFloats(l.scale)
	case conv:
		fmt.Fprint(g.sum, l.groups, l.in, l.out, l.side, l.outSide, l.kernel, l.stride, l.dilation,
			l.before, l.circular, l.transposed)
		g.recordFloats(l.weights)
	}
}

// linear adds a sum of maps and an offset.
func (g *graph) linear(node string, offset []float64, terms ...term) *value {
	rows, _ := terms[0].by.size()
	if !slices.ContainsFunc(offset, func(o float64) bool { return o != 0 }) {
		offset = nil
	}
	given := terms
	terms = merged(terms)
	v := g.add(&value{n: rows, node: node, terms: terms, given: given, offset: offset})
	for _, t := range terms {
		g.record(int64(t.of.id))
		g.recordMap(t.by)
	}
	g.recordFloats(offset)
	return v
}

// merged looks through values that only move entries, and adds maps of one value that move entries
// to different places.
func merged(terms []term) []term {
	var all []term
	for _, t := range terms {
		t = t.moved()
		if n := len(all); n > 0 && all[n-1].of == t.of {
			p, ok := all[n-1].by.(pick)
			q, isPick := t.by.(pick)
			if ok && isPick && p.scale == nil && q.scale == nil {
				if sum, ok := p.plus(q); ok && sum.(pick).scale == nil {
					all[n-1].by = sum
					continue
				}
			}
		}
		all = append(all, t)
	}
	return all
}

// plain looks through values that are another one.
func (v *value) plain() *value {
	for !v.fixed && v.act == nil && v.offset == nil && len(v.terms) == 1 {
		if p, ok := v.terms[0].by.(pick); !ok || !p.isSame() {
			break
		}
		v = v.terms[0].of
	}
	return v
}

// moved looks through a value that is another, and through one of which t moves entries that are
// some of another's.
func (t term) moved() term {
	t.of = t.of.plain()
	for !t.of.fixed && t.of.act == nil && t.of.offset == nil && len(t.of.terms) == 1 {
		p, ok := t.by.(pick)
		q, isPick := t.of.terms[0].by.(pick)
		if !ok || !isPick || p.isSame() || p.scale != nil || q.scale != nil || p.transposed ||
			q.transposed || len(q.from) == q.columns {
			break
		}
		by, ok := p.afterPick(q)
		if !ok {
			break
		}
		t = term{t.of.terms[0].of.plain(), by}
	}
	return t
}

// activation adds an activation.
func (g *graph) activation(node string, a *activation, arg *value, n int) *value {
	fmt.Fprint(g.sum, a.name, a.stretch, a.low, a.high)
	g.record(int64(arg.id))
	return g.add(&value{n: n, node: node, act: a, arg: arg})
}

// evaluate returns the values of an image.
func (g *graph) evaluate(image []float64) [][]float64 {
	y := make([][]float64, len(g.values))
	y[0] = image
	for _, v := range g.values[1:] {
		if v.act != nil {
			y[v.id] = v.act.eval(y[v.arg.id])
			continue
		}
		sum := make([]float64, v.n)
		copy(sum, v.offset)
		for _, t := range v.terms {
			for i, x := range apply(t.by, y[t.of.id]) {
				sum[i] += x
			}
		}
		y[v.id] = sum
	}
	return y
}

// reached marks what the logits depend on.
func (g *graph) reached() []bool {
	used := make([]bool, len(g.values))
	used[g.logits.id] = true
	for i := len(g.values) - 1; i >= 0; i-- {
		v := g.values[i]
		if !used[i] {
			continue
		}
		if v.arg != nil {
			used[v.arg.id] = true
		}
		for _, t := range v.terms {
			used[t.of.id] = true
		}
	}
	return used
}
