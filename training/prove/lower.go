package prove

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// An item is what a name of an ONNX graph stands for: a constant, or a value of one image in
// row-major order.
type item struct {
	c     *tensor
	v     *value
	shape []int // with the batch, which is a part of the first axis
}

// A lowering turns an ONNX graph into a graph of linear maps and activations.
type lowering struct {
	m     *onnxfile.Model
	g     *graph
	batch int   // images
	free  bool  // the file takes any number of images
	size  []int // of the sides that the file leaves free
	names map[string]item
	// weights are those that were decoded, for another batch too.
	weights map[string]*tensor
	spent   int               // entries of all that was computed
	sorts   map[string]*value // by what is sorted, so that Max and Min share one
	relus   map[[2]int]*value // of x and of -x: by x and the sign
}

// A node is an operation with what its inputs stand for.
type node struct {
	onnxfile.Node
	in []item
}

// label names a node for errors and tables.
func label(n onnxfile.Node) string {
	if name := cmp.Or(n.Name, slices.Concat(n.Outputs, []string{""})[0]); name != "" {
		return fmt.Sprintf("%s %q", n.Op, name)
	}
	return n.Op
}

// lower reads the graph of a file for batches of so many images, up to the output of o.
// Weights keeps what was decoded.
func lower(m *onnxfile.Model, o Options, batch int, weights map[string]*tensor) (*graph, lowered,
	error) {
	l := &lowering{m: m, batch: batch, free: fixedBatch(m) == 0, size: o.Size, weights: weights,
		names: map[string]item{}, sorts: map[string]*value{}, relus: map[[2]int]*value{}}
	output := o.Output
	input, shape, err := l.input()
	if err != nil {
		return nil, lowered{}, err
	}
	l.g = newGraph(entriesOf(shape) / batch)
	l.names[input] = item{v: l.g.image(), shape: shape}
	nodes, err := needed(m.Nodes, output)
	if err != nil {
		return nil, lowered{}, err
	}
	for k, n := range nodes {
		if len(l.g.values) > maxValues {
			return nil, lowered{}, fmt.Errorf("more than %d operations", maxValues)
		}
		if err := l.add(n, k == len(nodes)-1); err != nil {
			return nil, lowered{}, fmt.Errorf("%s: %w", label(n), err)
		}
	}
	logits, err := l.item(output)
	if err != nil {
		return nil, lowered{}, err
	}
	if logits.v == nil {
		return nil, lowered{}, errors.New("the output doesn't depend on the image")
	}
	if logits.v.n < 2 || logits.shape[0] != batch {
		return nil, lowered{}, fmt.Errorf("the output has the shape %v, not logits of two classes "+
			"or more for each image", logits.shape)
	}
	l.g.logits = logits.v
	return l.g, lowered{shape[1:], logits.v.n}, nil
}

// A lowered graph has images of this shape, and so many classes.
type lowered struct {
	image   []int
	classes int
}

// maxValues bounds the values of a graph.
const maxValues = 100_000

// input is the graph's one input that isn't a weight, with the batch as its first side.
func (l *lowering) input() (name string, shape []int, err error) {
	var images []onnxfile.Value
	for _, v := range l.m.Inputs {
		if _, weight := l.m.Weights[v.Name]; !weight {
			images = append(images, v)
		}
	}
	if len(images) != 1 {
		return "", nil, fmt.Errorf("the model has %d inputs, not one of images", len(images))
	}
	v := images[0]
	if !v.Kind.Floating() {
		return "", nil, fmt.Errorf("the input %q isn't of floating-point numbers", v.Name)
	}
	if len(v.Dims) < 2 {
		return "", nil, fmt.Errorf("the input %q has no axis of images beside one of pixels",
			v.Name)
	}
	for a, d := range v.Dims {
		switch {
		case a == 0:
			d = int64(l.batch)
		case d < 1 && len(l.size) > 0 && l.size[0] > 0:
			d, l.size = int64(l.size[0]), l.size[1:]
		case d < 1:
			return "", nil, fmt.Errorf("the input %q has an axis %d of any size: the proof is of "+
				"one, so say which size", v.Name, a)
		}
		shape = append(shape, int(min(d, onnxfile.MaxEntries+1)))
	}
	if len(l.size) > 0 {
		return "", nil, fmt.Errorf("the input %q has fewer sides of any size than are given",
			v.Name)
	}
	return v.Name, shape, sized(shape)
}

// fixedBatch is the batch that the file fixes, or 0 where it is free.
func fixedBatch(m *onnxfile.Model) int {
	for _, v := range m.Inputs {
		if _, weight := m.Weights[v.Name]; !weight && len(v.Dims) > 0 && v.Dims[0] > 0 {
			return int(min(v.Dims[0], onnxfile.MaxEntries))
		}
	}
	return 0
}

// needed are the nodes that an output depends on, in the file's order. Each has to follow those
// that it depends on.
func needed(nodes []onnxfile.Node, output string) ([]onnxfile.Node, error) {
	want := map[string]bool{output: true}
	var all []onnxfile.Node
	for _, n := range slices.Backward(nodes) {
		makes := slices.ContainsFunc(n.Outputs, func(o string) bool { return o != "" && want[o] })
		if !makes {
			continue
		}
		all = append(all, n)
		for _, i := range n.Inputs {
			want[i] = true
		}
	}
	slices.Reverse(all)
	if len(all) == 0 {
		return nil, fmt.Errorf("no operation makes the output %q", output)
	}
	return all, nil
}

// item is what a name stands for.
func (l *lowering) item(name string) (item, error) {
	if i, ok := l.names[name]; ok {
		return i, nil
	}
	t, ok := l.m.Weights[name]
	if !ok {
		return item{}, fmt.Errorf("its input %q is made by no operation before it", name)
	}
	if l.weights[name] == nil {
		c, err := decode(t)
		if err != nil {
			return item{}, err
		}
		l.weights[name] = c
	}
	c := l.weights[name]
	i := item{c: c, shape: c.shape}
	l.names[name] = i
	return i, nil
}

// add lowers a node. The last one may be what no other may be: a LogSoftmax.
func (l *lowering) add(n onnxfile.Node, last bool) error {
	if !onnxfile.Standard(n.Domain) {
		return fmt.Errorf("an operator of the domain %q isn't known here", n.Domain)
	}
	for name, a := range n.Attributes {
		if a.Graph {
			return fmt.Errorf("control flow (%s) isn't followed here", name)
		}
		if f := float64(a.Float); f-f != 0 && n.Op != "Clip" {
			return fmt.Errorf("its %s isn't a finite number", name)
		}
	}
	op, ok := operators[n.Op]
	if !ok && n.Op == "LogSoftmax" && last {
		op, ok = logSoftmax, true
	}
	if !ok {
		if n.Op == "Softmax" && last {
			return errors.New("a Softmax has no useful bound: export the logits before it")
		}
		return errors.New("nothing is proved of this operation")
	}
	in := node{Node: n}
	for _, name := range n.Inputs {
		var i item
		if name != "" {
			var err error
			if i, err = l.item(name); err != nil {
				return err
			}
		}
		in.in = append(in.in, i)
	}
	out, err := op(l, in)
	if err != nil {
		return err
	}
	for k, name := range n.Outputs {
		if name == "" || k >= len(out) {
			continue
		}
		_, twice := l.names[name]
		if _, weight := l.m.Weights[name]; twice || weight {
			return fmt.Errorf("the name %q is taken twice", name)
		}
		if o := out[k]; o.v != nil && o.v.n == 0 {
			return errors.New("its result has no entries")
		} else if o.v != nil || o.c != nil {
			if l.spent += entriesOf(o.shape); l.spent > 8*maxEntries {
				return fmt.Errorf("the graph computes more than %d numbers", 8*maxEntries)
			}
			l.names[name] = o
		}
	}
	return nil
}

// per is the shape of an item for one image, whose first axis is what the batch leaves of it.
func (l *lowering) per(i item) []int {
	if i.c != nil || len(i.shape) == 0 {
		return i.shape
	}
	s := slices.Clone(i.shape)
	s[0] /= l.batch
	return s
}

// whole is an item of a value with this shape for one image.
func (l *lowering) whole(v *value, per []int) (item, error) {
	if len(per) == 0 {
		return item{}, errors.New("the result has no axis of images")
	}
	shape := slices.Clone(per)
	shape[0] *= l.batch
	return item{v: v, shape: shape}, sized(shape)
}

// moved takes each entry of the result from one entry of an item, in its shape for one image.
func (l *lowering) moved(n node, i item, to []int, from []int32) ([]item, error) {
	if i.c != nil {
		c := i.c.at(from, to, 0)
		return []item{{c: c, shape: to}}, nil
	}
	v := i.v
	if p := (pick{columns: v.n, from: from}); !p.isSame() {
		v = l.g.linear(label(n.Node), nil, term{v, p})
	}
	o, err := l.whole(v, to)
	return []item{o}, err
}

// constant is an input that has to be a constant.
func (n node) constant(k int) (*tensor, error) {
	if k >= len(n.in) || n.in[k].c == nil {
		return nil, fmt.Errorf("input %d isn't a constant", k)
	}
	return n.in[k].c, nil
}

// floats is an input that has to be constant floating-point numbers.
func (n node) floats(k int) (*tensor, error) {
	c, err := n.constant(k)
	if err == nil && !c.isFloat() {
		err = fmt.Errorf("input %d isn't of floating-point numbers", k)
	}
	return c, err
}

// value is an input that has to depend on the image.
func (n node) value(k int) (item, error) {
	if k >= len(n.in) || n.in[k].v == nil {
		return item{}, fmt.Errorf("input %d doesn't depend on the image", k)
	}
	return n.in[k], nil
}

// has says whether an input is there.
func (n node) has(k int) bool { return k < len(n.in) && (n.in[k].v != nil || n.in[k].c != nil) }

// ints are an attribute, or else a constant input, of integers. They are nil where neither is
// there.
func (n node) ints(name string, k int) ([]int, error) { return n.sizes(name, k, false) }

// sizes are ints of which the first may be a multiple of the number of images.
func (n node) sizes(name string, k int, batch bool) ([]int, error) {
	if a, ok := n.Attributes[name]; ok {
		x := make([]int, len(a.Ints))
		for i, v := range a.Ints {
			x[i] = int(v)
		}
		return x, nil
	}
	if k < 0 || !n.has(k) {
		return nil, nil
	}
	c, err := n.constant(k)
	if err != nil {
		return nil, err
	}
	return c.ints(batch)
}

// integer is an attribute, or what it is by default.
func (n node) integer(name string, otherwise int) int {
	if a, ok := n.Attributes[name]; ok {
		return int(a.Integer)
	}
	return otherwise
}

// float is an attribute, or what it is by default.
func (n node) float(name string, otherwise float32) float64 {
	if a, ok := n.Attributes[name]; ok {
		return float64(a.Float)
	}
	return float64(otherwise)
}

// beside is an axis of a value that isn't the images'.
func beside(axis, rank int) (int, error) {
	a, err := axisOf(axis, rank)
	if err == nil && a == 0 {
		err = errors.New("it acts along the axis of the images")
	}
	return a, err
}

// axis is an axis of an item, of a value not that of the images.
func (i item) axis(axis int) (int, error) {
	if i.v != nil {
		return beside(axis, len(i.shape))
	}
	return axisOf(axis, len(i.shape))
}
