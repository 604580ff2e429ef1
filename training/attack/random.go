package attack

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
)

// stream is the source of the random numbers of one purpose.
type stream struct {
	seed    uint64
	purpose string
}

func (s stream) in(purpose string, numbers ...int) stream {
	return stream{s.seed, fmt.Sprint(s.purpose, "/", purpose, numbers)}
}

// state is the start of a stream in the form of GoMLX's random generators.
func (s stream) state(number int) []uint64 {
	h := sha256.Sum256(fmt.Appendf(nil, "%d attack%s %d", s.seed, s.purpose, number))
	word := binary.LittleEndian.Uint64
	return []uint64{word(h[0:]), word(h[8:]), word(h[16:])}
}

// direction is a random unit vector of this many values.
func (s stream) direction(values int) []float64 {
	seed := s.state(0)
	r, sum := rand.New(rand.NewPCG(seed[0], seed[1])), 0.0
	u := make([]float64, values)
	for i := range u {
		u[i] = r.NormFloat64()
		sum += u[i] * u[i]
	}
	for i := range u {
		u[i] /= math.Sqrt(sum)
	}
	return u
}
