package prove

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
	"github.com/lipsmooth/lipsmooth/internal/proof"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
)

// TooLoose is a bound that no certificate can use: a margin of 1,000 logits would have a radius of
// 0.001.
const TooLoose = 1e6

// Classifier is [Of], and gives the bound to c. A run that is then drawn from c says that its Λ is
// proved. Where c has a smaller claim, the claim stays.
func Classifier(ctx context.Context, c *onnx.Classifier, o Options) (rs.Constant, error) {
	bound, err := Of(ctx, c, o)
	if err == nil {
		c.Proved(proof.FromFile(bound.Value()))
	}
	return bound, err
}

// Of proves a bound on the Lipschitz constant (l2) of every difference of two logits of a
// classifier, for images in [0, 1]. The bound is of the function that package sample draws from,
// in real arithmetic:
//
//   - Images that are resized behind the noise change by at most √(‖W‖₁·‖W‖∞) for the weights W of
//     each axis.
//   - Channels and their standard deviations, size and output are those that c was opened with.
//   - A Softmax at the end cancels: the logarithms of probabilities differ as logits do. To count
//     small probabilities as [onnx.LeastProbability] keeps this bound: the gradient of log p_c is
//     the mean of those of z_c - z_k, weighted by p_k.
//   - One value an image counts as the difference of two logits.
//
// Nothing is proved of a denoiser, a model that answers by chance, integers or halves (float16,
// bfloat16) between image and logits, one probability an image, and a bound above [TooLoose]. The
// error says which. Of o only Work counts.
//
// The work is counted in operations, so the same file and options give the same bound on every
// machine of one kind. Where Go fuses products with sums, as on arm64, the last digits of float64
// differ. The bound is rounded up to a float32, so that such machines agree as well.
func Of(ctx context.Context, c *onnx.Classifier, o Options) (rs.Constant, error) {
	type result struct {
		bound float64
		err   error
	}
	done := make(chan result, 1)
	go func() {
		bound, err := bound(c, o)
		done <- result{bound, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return rs.Constant{}, fmt.Errorf("%s: nothing proved: %w", c.Identity().Name, r.err)
		}
		return rs.Proved(proof.FromFile(r.bound)), nil
	case <-ctx.Done():
		return rs.Constant{}, ctx.Err()
	}
}

func bound(c *onnx.Classifier, o Options) (float64, error) {
	r, err := c.Recipe()
	if err != nil {
		return 0, err
	}
	m, err := onnxfile.Read(r.Path)
	if err != nil {
		return 0, err
	}
	if err := sampled(m, r); err != nil {
		return 0, err
	}
	p, err := Model(m, Options{Output: m.Outputs[0].Name, Work: o.Work})
	if err != nil {
		return 0, err
	}
	bound := times(p.Lambda.Value(), resizing(r.Rows), resizing(r.Columns))
	if bound > TooLoose {
		return 0, fmt.Errorf("Λ = %.3g is too loose to certify anything", bound)
	}
	if _, classes := c.Shape(); p.Classes != classes {
		return 0, fmt.Errorf("%d classes in place of %d", p.Classes, classes)
	}
	if hash, err := onnx.Hash(r.Path); err != nil || hash != c.Identity().Hash {
		return 0, errors.Join(errors.New("the file has changed since it was opened"), err)
	}
	return float64(math.Nextafter32(float32(bound), math.MaxFloat32)), nil
}

// sampled makes m the function from an image of the model's size, with its channels as the image
// has them, to logits. Means are left out, as they move images alike.
func sampled(m *onnxfile.Model, r onnx.Recipe) error {
	halves := func(k onnxfile.Kind) bool {
		return k == onnxfile.Float16 || k == onnxfile.Bfloat16
	}
	is := func(name string) func(onnxfile.Value) bool {
		return func(v onnxfile.Value) bool { return v.Name == name }
	}
	in, out := slices.IndexFunc(m.Inputs, is(r.Input)), slices.IndexFunc(m.Outputs, is(r.Output))
	if in < 0 || out < 0 {
		return fmt.Errorf("the file has no input %q, or no output %q", r.Input, r.Output)
	}
	image := &m.Inputs[in]
	switch {
	case r.Type == "uint8":
		return errors.New("its uint8 input rounds numbers")
	case r.Single && r.Probabilities:
		return errors.New("float32 rounds one probability an image to 1 where its logit is large")
	case halves(image.Kind) || halves(m.Outputs[out].Kind):
		return errors.New("float16 rounds more than a proof of real arithmetic can leave out")
	}
	for i, n := range m.Nodes {
		if n.Op == "Cast" && halves(onnxfile.Kind(n.Attributes["to"].Integer)) {
			return fmt.Errorf("%s: float16 rounds more than a proof of real arithmetic can leave out",
				label(n))
		}
		if r.Probabilities && slices.Contains(n.Outputs, r.Output) {
			if n.Op != "Softmax" {
				return fmt.Errorf("%s: probabilities of no Softmax", label(n))
			}
			m.Nodes[i].Op = "LogSoftmax"
		}
	}
	if r.OneByOne && image.Dims[0] < 1 {
		image.Dims[0] = 1
	}
	if len(image.Dims) != len(r.Shape)+1 {
		return fmt.Errorf("the input %q has %d axes, not the %d drawn from", r.Input,
			len(image.Dims), len(r.Shape)+1)
	}
	for i, n := range r.Shape {
		image.Dims[i+1] = int64(n)
	}
	m.Outputs = m.Outputs[out : out+1]
	normalise(m, image, r)
	if r.Single {
		two := fresh(m, "logits")
		m.Weights[two+"/shape"] = onnxfile.Longs(-1, 1)
		m.Weights[two+"/weights"] = onnxfile.Doubles([]float64{0, 1}, 1, 2)
		m.Nodes = append(m.Nodes, operation("Reshape", two+"/column", r.Output, two+"/shape"),
			operation("MatMul", two, two+"/column", two+"/weights"))
		m.Outputs[0].Name = two
	}
	return nil
}

// normalise puts before the graph what divides by standard deviations, and what repeats a channel.
// The entries of an image are in the graph's order, as no norm depends on it.
func normalise(m *onnxfile.Model, image *onnxfile.Value, r onnx.Recipe) {
	entries, channels := entriesOf(r.Shape), len(r.Channels)
	repeats := channels > 1 && slices.Max(r.Channels) == 0
	if r.Std == nil && !repeats {
		return
	}
	pixel := func(i int) (at, channel int) { return i / channels, i % channels }
	if r.Layout == onnx.NCHW {
		pixels := entries / channels
		pixel = func(i int) (at, channel int) { return i % pixels, i / pixels }
	}
	before, from, std := fresh(m, "image"), make([]int, entries), make([]float64, entries)
	for i := range entries {
		at, channel := pixel(i)
		from[i], std[i] = at, 1
		if r.Std != nil {
			std[i] = float64(r.Std[channel])
		}
	}
	m.Weights[before+"/std"] = onnxfile.Doubles(std, r.Shape...)
	first := []onnxfile.Node{operation("Div", r.Input, before, before+"/std")}
	if repeats {
		m.Weights[before+"/from"] = onnxfile.Longs(from...)
		m.Weights[before+"/shape"] = onnxfile.Longs(append([]int{-1}, r.Shape...)...)
		gather := operation("Gather", before+"/repeated", before, before+"/from")
		gather.Attributes["axis"] = onnxfile.Attribute{Integer: 1}
		first[0].Inputs[0] = before + "/channels"
		first = []onnxfile.Node{gather, operation("Reshape", before+"/channels",
			before+"/repeated", before+"/shape"), first[0]}
		image.Dims = []int64{image.Dims[0], int64(entries / channels)}
	}
	m.Nodes, image.Name = append(first, m.Nodes...), before
}

// operation is a node with one output.
func operation(op, output string, inputs ...string) onnxfile.Node {
	return onnxfile.Node{Name: output, Op: op, Inputs: inputs, Outputs: []string{output},
		Attributes: map[string]onnxfile.Attribute{}}
}

// fresh makes a name with which no name in the graph begins.
func fresh(m *onnxfile.Model, name string) string {
	taken := func(n string) bool { return strings.HasPrefix(n, name) }
	for clash := true; clash; {
		name = "lipsmooth " + name
		clash = slices.ContainsFunc(slices.Collect(maps.Keys(m.Weights)), taken)
		for _, n := range m.Nodes {
			clash = clash || slices.ContainsFunc(slices.Concat(n.Inputs, n.Outputs), taken)
		}
		for _, v := range m.Inputs {
			clash = clash || taken(v.Name)
		}
	}
	return name
}

// resizing bounds the norm of a resizing of one axis by Schur's test. The runtimes round 1 - t of
// each pair of weights, or take the difference by itself. No weights are no resizing.
func resizing(weights [][]float32) float64 {
	if weights == nil {
		return 1
	}
	rows, columns := 0.0, make([]float64, len(weights[0]))
	for _, w := range weights {
		row := 0.0
		for j, v := range w {
			row, columns[j] = plus(row, float64(v)), plus(columns[j], float64(v))
		}
		rows = max(rows, row)
	}
	return times(1+0x1p-22, root(times(rows, slices.Max(columns))))
}
