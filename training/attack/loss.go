package attack

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// A Loss is what an attack climbs, through the mean over the noise. Losses are comparable values.
type Loss interface {
	fmt.Stringer
	// Of takes logits, [batch, samples, classes], and the one-hot label, [batch, 1, classes], to
	// [batch].
	Of(logits, label *Node) *Node
}

// CrossEntropy is -log of the mean over the draws of the label's softmax at a temperature, in
// logits (Salman et al. 2019, equation 8).
type CrossEntropy struct{ Temperature float64 }

func (c CrossEntropy) String() string { return "cross-entropy" }

// Of implements Loss.
func (c CrossEntropy) Of(logits, label *Node) *Node {
	d := logits.Shape().Dimensions
	log := LogSoftmax(MulScalar(logits, 1/c.Temperature), -1)
	own := ReduceSum(Mul(log, BroadcastToDims(label, d...)), -1) // [batch, samples]
	// The mean of exponentials, safe where all of them are small.
	top := StopGradient(ReduceAndKeep(own, ReduceMax, -1))
	return Neg(Add(Log(ReduceMean(Exp(Sub(own, top)), -1)), Squeeze(top, -1)))
}

// Margin is the mean over the draws of the largest other logit less the label's (Carlini & Wagner
// 2017, f6).
type Margin struct{}

func (Margin) String() string { return "margin" }

// Of implements Loss.
func (Margin) Of(logits, label *Node) *Node {
	label = BroadcastToDims(label, logits.Shape().Dimensions...)
	own := ReduceSum(Mul(logits, label), -1)
	least := AddScalar(ZerosLike(logits), -1e30)
	other := ReduceMax(Where(GreaterThan(label, ZerosLike(label)), least, logits), -1)
	return ReduceMean(Sub(other, own), -1)
}
