package sample

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"sync"

	"github.com/lipsmooth/lipsmooth/rs"
)

// NewOnHost returns a Sampler of a Predictor of images of a size, h, w, c. The host makes the noise
// of a batch while the Predictor works on another batch, and counts the logits. Gaussian noise
// comes from the ziggurat of math/rand/v2 on ChaCha8, with a key for each block.
func NewOnHost(c Predictor, size [3]int, classes int, s Settings) (*Sampler, error) {
	return newSampler(shape{size, classes}, s, func() (runner, error) {
		return &onHost{shape{size, classes}, s, c}, nil
	})
}

// onHost draws and counts on the host.
type onHost struct {
	shape
	settings  Settings
	predictor Predictor
}

func (p *onHost) run(b *batch) error {
	z, err := p.numbers(b)
	if err != nil {
		return err
	}
	b.logits = z
	edges := p.settings.Edges
	scoreEdges := rs.ScoreEdges()
	b.votes, b.bad, b.above = make([]int32, b.size*p.classes), make([]int32, b.size),
		make([]int32, b.size*len(edges))
	if b.any(Estimation) {
		for range p.settings.Maps {
			b.scores = append(b.scores, make([]int32, b.size*p.classes*len(scoreEdges)))
		}
	}
	var counting sync.WaitGroup
	for i, u := range b.units {
		counting.Go(func() {
			b.bad[i] = int32(b.block)
			above := histogram{edges, b.above[i*len(edges) : (i+1)*len(edges)]}
			wide := make([]float64, p.classes)
			for draw := range b.used(u) {
				z := z[(i*b.block+draw)*p.classes:][:p.classes]
				top := 0
				for c, v := range z {
					if v-v != 0 {
						b.bad[i] = min(b.bad[i], int32(draw))
					}
					if v > z[top] {
						top = c
					}
					wide[c] = float64(v)
				}
				b.votes[i*p.classes+top]++
				above.add(p.settings.margin(z, u.evidence.Class))
				for m := range b.scores {
					for c, v := range p.settings.Maps[m].Scores(wide) {
						histogram{scoreEdges, b.scores[m][(i*p.classes+c)*len(scoreEdges):][:len(scoreEdges)]}.add(v)
					}
				}
			}
			above.sum()
			for m := range b.scores {
				for c := range p.classes {
					histogram{scoreEdges, b.scores[m][(i*p.classes+c)*len(scoreEdges):][:len(scoreEdges)]}.sum()
				}
			}
		})
	}
	counting.Wait()
	return nil
}

// histogram counts numbers by the last edge that they are at or over.
type histogram struct {
	edges []float64
	above []int32
}

func (h histogram) add(x float64) {
	if at := sort.Search(len(h.edges), func(j int) bool { return x < h.edges[j] }); at > 0 {
		h.above[at-1]++
	}
}

// sum makes of them how many are at or over each edge.
func (h histogram) sum() {
	for j := len(h.above) - 2; j >= 0; j-- {
		h.above[j] += h.above[j+1]
	}
}

// numbers predicts the units of a batch and leaves the other places out.
func (p *onHost) numbers(b *batch) ([]float32, error) {
	each := b.block * p.values()
	images := make([]float32, len(b.units)*each)
	var drawing sync.WaitGroup
	for i, u := range b.units {
		drawing.Go(func() {
			p.noisy(images[i*each:(i+1)*each], u.source, b.Sigma,
				key(b.Seed, u.index, u.phase, u.block))
		})
	}
	drawing.Wait()
	return p.logits(images, len(b.units)*b.block)
}

// noisy fills to with noisy images of a source, one after the other: a function of the key.
func (p *onHost) noisy(to []float32, s source, sigma float64, key [32]byte) {
	if p.settings.Grid != nil {
		p.settings.Grid.noisy(to, s.points, key)
		return
	}
	r, by := rand.New(rand.NewChaCha8(key)), scale(sigma)
	for ; len(to) > 0; to = to[len(s.image):] {
		for i, x := range s.image {
			to[i] = x + by*float32(r.NormFloat64())
		}
	}
}

func (p *onHost) logits(images []float32, n int) ([]float32, error) {
	z, err := p.predictor.Logits(images, n)
	if err != nil {
		return nil, err
	}
	if len(z) != n*p.classes {
		return nil, fmt.Errorf("the classifier's logits are %d, not [%d, %d]", len(z), n, p.classes)
	}
	return z, nil
}

func (p *onHost) clean(x []float32) ([]float32, error) { return p.logits(x, 1) }

func (p *onHost) draws(s source, sigma float64, key [32]byte) ([]float32, error) {
	to := make([]float32, p.settings.Block*p.values())
	p.noisy(to, s, sigma, key)
	return to, nil
}

func (p *onHost) close() {}
