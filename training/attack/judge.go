package attack

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/rs"
)

// block is how many draws of each image are voted on at once.
const block = 50

// blocks returns the number of calls, and of draws each, for so many draws, rounded up.
func (s Smoothed) blocks(draws int) (calls, samples int) {
	if s.Sigma == 0 {
		return 1, 1
	}
	return (draws + block - 1) / block, block
}

// votes returns the mean vote for each class, [batch][classes], at images, [batch, h, w, c], over
// at least so many draws.
func (t *Target) votes(ctx context.Context, images []float32, s Smoothed, draws int, random stream) ([][]float64, error) {
	x := t.images(images)
	defer x.FinalizeAll()
	n := len(images) / t.values()
	mean := make([][]float64, n)
	for i := range mean {
		mean[i] = make([]float64, t.classifier.Classes)
	}
	calls, samples := s.blocks(draws)
	for call := range calls {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out, err := t.call("votes", func(see func(*Node) *Node, tau *Node, in []*Node) []*Node {
			z := see(in[0])
			return []*Node{ReduceMean(votes(z, tau), 1), LogicalAll(IsFinite(z), 1, 2)}
		}, s, samples, random.state(call), x)
		if err != nil {
			return nil, err
		}
		h, err := rows[float32](out, n)
		if err != nil {
			return nil, err
		}
		for i, k := 0, t.classifier.Classes; i < n*k; i++ {
			mean[i/k][i%k] += float64(h[i]) / float64(calls)
		}
	}
	return mean, nil
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

// scoreBins is the number of bins of s between 0 and 1. The value s = 1 has a bin of its own.
const scoreBins = 256

// Judge votes on perturbed images, [batch, h, w, c], with at least so many draws. Nothing else sees
// these draws as long as number is new for this seed. A tenth of them choose the rival, the rest
// are counted.
func (t *Target) Judge(ctx context.Context, perturbed []float32, labelled []int, s Smoothed, draws int, seed uint64, number int) ([]Verdict, error) {
	if err := t.check(Batch{perturbed, labelled}, s); err != nil {
		return nil, err
	}
	if draws < 1 {
		return nil, fmt.Errorf("attack: %d draws to judge with", draws)
	}
	random := stream{seed, ""}.in("judge", number)
	mean, err := t.votes(ctx, perturbed, s, max(1, draws/10), random.in("rival"))
	if err != nil {
		return nil, err
	}
	n := len(labelled)
	verdicts, rivals := make([]Verdict, n), make([]int, n)
	ends := make([]float64, scoreBins+1)
	for i := range ends {
		ends[i] = float64(i) / scoreBins
	}
	calls, samples := s.blocks(draws)
	for i, y := range labelled {
		rivals[i], _ = rival(mean[i], y)
		verdicts[i] = Verdict{rivals[i], rs.Sample{N: calls * samples, Lo: ends, Hi: append(ends[1:len(ends):len(ends)], 1), Counts: make([]int, len(ends))}, s.Sigma == 0}
	}
	x, y, j := t.images(perturbed), labels(labelled), labels(rivals)
	defer finalize(x, y, j)
	for call := range calls {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out, err := t.call("judge", func(see func(*Node) *Node, tau *Node, in []*Node) []*Node {
			z := see(in[0])
			sign := Sub(oneHot(in[2], t.classifier.Classes), oneHot(in[1], t.classifier.Classes))
			over := ReduceSum(Mul(votes(z, tau), ExpandAxes(sign, 1)), -1) // [batch, samples]
			bin := ConvertDType(Floor(ClipScalar(MulScalar(AddScalar(over, 1), scoreBins/2), 0, scoreBins)), dtypes.Int32)
			return []*Node{ReduceSum(OneHot(bin, scoreBins+1, dtypes.Int32), 1), LogicalAll(IsFinite(z), 1, 2)}
		}, s, samples, random.state(call), x, y, j)
		if err != nil {
			return nil, err
		}
		counts, err := rows[int32](out, n)
		if err != nil {
			return nil, err
		}
		for i, c := range counts {
			verdicts[i/len(ends)].Sample.Counts[i%len(ends)] += int(c)
		}
	}
	return verdicts, nil
}

// halvings is the number of halvings in the search for the boundary along a ray. Without noise there
// are more, as only rounding limits the search.
func (s Smoothed) halvings() int {
	if s.Sigma == 0 {
		return 20
	}
	return 8
}

// boundary estimates how far along its perturbation each image stops being the label's. It looks up
// to twice the perturbation's norm, and up to most. The result is +Inf where the image doesn't
// stop. The draws are the same at every place.
func (t *Target) boundary(ctx context.Context, b Batch, s Smoothed, perturbation []float32, most []float64, box bool, draws int, random stream) ([]float64, error) {
	low, high := make([]float64, len(b.Labels)), Norms(perturbation, make([]float32, len(perturbation)), t.values())
	for i := range high {
		high[i] = min(2*high[i], most[i])
	}
	at := slices.Clone(high)
	for halving := range s.halvings() + 1 {
		mean, err := t.votes(ctx, along(b, perturbation, at, box), s, draws, random)
		if err != nil {
			return nil, err
		}
		for i, y := range b.Labels {
			switch _, over := rival(mean[i], y); {
			case over > 0:
				high[i] = at[i]
			case halving == 0: // never
				high[i] = math.Inf(1)
			default:
				low[i] = at[i]
			}
			if !math.IsInf(high[i], 1) {
				at[i] = low[i] + (high[i]-low[i])/2
			}
		}
	}
	return high, nil
}
