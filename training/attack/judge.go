package attack

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/rs"
)

// block is how many draws of each image are voted on at once.
const block = 50

// blocks returns the number of calls and the draws of each, for this many draws, rounded up.
func (s Smoothing) blocks(draws int) (calls, samples int) {
	if s.Sigma == 0 {
		return 1, 1
	}
	return (draws + block - 1) / block, block
}

// votes returns the mean vote for each class, [batch][classes], at images, [batch, h, w, c], over
// at least this many draws.
func (t *Target) votes(ctx context.Context, images []float32, s Smoothing, draws int,
	random stream) ([][]float64, error) {

	x := t.images(images)
	defer x.FinalizeAll()
	n := len(images) / t.values()
	mean := make([][]float64, n)
	for i := range mean {
		mean[i] = make([]float64, t.classes)
	}
	calls, samples := s.blocks(draws)
	for call := range calls {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out, err := t.call("votes", meanVotes, noise{s, samples, random.state(call)}, x)
		if err != nil {
			return nil, err
		}
		h, err := rows[float32](out, n)
		if err != nil {
			return nil, err
		}
		for i, k := 0, t.classes; i < n*k; i++ {
			mean[i/k][i%k] += float64(h[i]) / float64(calls)
		}
	}
	return mean, nil
}

// meanVotes is the graph of votes: images to mean votes, and whether all logits are finite.
func meanVotes(see func(*Node) *Node, tau *Node, in []*Node) []*Node {
	z := see(in[0])
	return []*Node{ReduceMean(votes(z, tau), 1), LogicalAll(IsFinite(z), 1, 2)}
}

// rows copies a result. It checks that the logits behind it, [batch] in out[1], were finite.
func rows[T float32 | int32](out []*tensors.Tensor, n int) ([]T, error) {
	defer finalize(out...)
	fine, err := tensors.CopyFlatData[bool](out[1])
	if err != nil {
		return nil, err
	}
	for i := range n {
		if !fine[i] {
			return nil, fmt.Errorf("attack: a logit of image %d of the batch is NaN or infinite", i)
		}
	}
	return tensors.CopyFlatData[T](out[0])
}

// rival returns the class other than y with the largest mean vote, and by how much it exceeds y's.
func rival(mean []float64, y int) (class int, over float64) {
	class = -1
	for c, v := range mean {
		if c != y && (class < 0 || v > mean[class]) {
			class = c
		}
	}
	return class, mean[class] - mean[y]
}

// Verdict is the result of fresh draws at a perturbed image.
type Verdict struct {
	Class int // the rival, chosen on draws of its own
	// Sample is of s = (1 + h_rival - h_label)/2 over the judging draws. The rival has more votes
	// than the label where E s > ½. Without noise the sample is one draw, and exact.
	Sample rs.Sample
	exact  bool
}

// Lower returns a lower bound on E s. It fails with probability at most alpha, up to the float32
// rounding of the logits.
func (v Verdict) Lower(alpha float64) float64 {
	if v.exact {
		lo, _ := v.Sample.Mean()
		return lo
	}
	return rs.Betting{}.Lower(v.Sample, alpha)
}

// Wrong reports whether the classifier's class isn't the label. A yes is mistaken with probability
// at most alpha.
func (v Verdict) Wrong(alpha float64) bool { return v.Lower(alpha) > 0.5 }

// scoreBins is the number of bins of s between 0 and 1. The value s = 1 has a separate bin.
const scoreBins = 256

// Jury is draws that judge.
type Jury struct {
	Draws int // at least so many, and a tenth as many to choose the rival
	Seed  uint64
	// Number tells judgements apart. Nothing else sees the draws of a number that is new for its
	// seed.
	Number int
}

// Judge votes on perturbed images, as a batch with their labels. A tenth of the draws choose the
// rival, the rest are counted.
func (t *Target) Judge(ctx context.Context, b Batch, s Smoothing, by Jury) ([]Verdict, error) {
	if err := t.check(b, s); err != nil {
		return nil, err
	}
	if by.Draws < 1 {
		return nil, fmt.Errorf("attack: %d draws to judge with", by.Draws)
	}
	random := stream{by.Seed, ""}.in("judge", by.Number)
	mean, err := t.votes(ctx, b.Images, s, max(1, by.Draws/10), random.in("rival"))
	if err != nil {
		return nil, err
	}
	calls, samples := s.blocks(by.Draws)
	n := len(b.Labels)
	verdicts, rivals := make([]Verdict, n), make([]int, n)
	for i, y := range b.Labels {
		rivals[i], _ = rival(mean[i], y)
		verdicts[i] = Verdict{rivals[i], noScores(calls * samples), s.Sigma == 0}
	}
	x, y, j := t.images(b.Images), labels(b.Labels), labels(rivals)
	defer finalize(x, y, j)
	for call := range calls {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out, err := t.call("judge", scores, noise{s, samples, random.state(call)}, x, y, j)
		if err != nil {
			return nil, err
		}
		counts, err := rows[int32](out, n)
		if err != nil {
			return nil, err
		}
		for i, c := range counts {
			verdicts[i/(scoreBins+1)].Sample.Counts[i%(scoreBins+1)] += int(c)
		}
	}
	return verdicts, nil
}

// noScores is a sample of n draws, none of them counted yet.
func noScores(n int) rs.Sample {
	ends := make([]float64, scoreBins+1)
	for i := range ends {
		ends[i] = float64(i) / scoreBins
	}
	return rs.Sample{N: n, Lo: ends, Hi: append(ends[1:len(ends):len(ends)], 1),
		Counts: make([]int, len(ends))}
}

// scores is the graph of a judgement: images, labels and rivals to counts of s, [batch, bins], and
// whether all logits are finite.
func scores(see func(*Node) *Node, tau *Node, in []*Node) []*Node {
	z := see(in[0])
	classes := z.Shape().Dimensions[2]
	sign := Sub(oneHot(in[2], classes), oneHot(in[1], classes))
	over := ReduceSum(Mul(votes(z, tau), ExpandAxes(sign, 1)), -1) // [batch, samples]
	bin := Floor(ClipScalar(MulScalar(AddScalar(over, 1), scoreBins/2), 0, scoreBins))
	counts := OneHot(ConvertDType(bin, dtypes.Int32), scoreBins+1, dtypes.Int32)
	return []*Node{ReduceSum(counts, 1), LogicalAll(IsFinite(z), 1, 2)}
}
