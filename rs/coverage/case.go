package coverage

import (
	"fmt"
	"math"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// A Case is a multinomial to draw votes from.
type Case struct {
	Shape string    // its name in Shapes, or any other
	P     []float64 // probability of each class
	Sigma float64   // standard deviation of the noise, which radii are proportional to
	N0, N int       // draws that select, and that estimate
}

// String says the shape, the classes and the draws.
func (c Case) String() string {
	return fmt.Sprintf("%s, K = %d, n0 = %d, n = %d", c.Shape, len(c.P), c.N0, c.N)
}

// Check reports what keeps the case from being drawn.
func (c Case) Check() error {
	sum := 0.0
	for k, p := range c.P {
		if !(0 <= p && p <= 1) {
			return fmt.Errorf("%v: class %d has probability %g", c, k, p)
		}
		sum += p
	}
	switch {
	case len(c.P) < 2:
		return fmt.Errorf("%v: want two classes or more", c)
	case math.Abs(sum-1) > 1e-9:
		return fmt.Errorf("%v: probabilities sum to %g", c, sum)
	case c.N0 < 1 || c.N < 1:
		return fmt.Errorf("%v: want at least one draw each", c)
	case !(c.Sigma > 0) || c.Sigma > 1e300:
		return fmt.Errorf("%v: sigma = %g, want a positive number", c, c.Sigma)
	}
	return nil
}

// A Shape is a family of multinomials with a member for every number of classes.
type Shape struct {
	Name, Doc string
	// P returns the probabilities of this many classes, 2 or more. top is the probability of the
	// first class, where the shape has a choice. In a Zipf tail, the j-th rival has weight
	// j^-exponent.
	P func(classes int, top, exponent float64) []float64
}

// Shapes lists the families by name.
var Shapes = []Shape{
	{"zipf", "the top class, and rivals of a Zipf tail", zipf},
	{"rivals", "the top class, and equal rivals: chance decides which has the largest count",
		func(classes int, top, _ float64) []float64 {
			return zipf(classes, top, 0)
		}},
	{"close", "the top class just below 1/2 and its rival just below that (K = 2: just above and " +
		"below)", func(classes int, _, exponent float64) []float64 {
		return pair(classes, 0.495, 0.485, exponent)
	}},
	{"tie", "two equal top classes: every positive radius is wrong",
		func(classes int, _, exponent float64) []float64 {
			return pair(classes, 0.49, 0.49, exponent)
		}},
}

// ShapeByName finds an entry of Shapes. Its error lists the known names.
func ShapeByName(name string) (Shape, error) {
	return named.Find("shape", name, Shapes, func(s Shape) string { return s.Name })
}

func zipf(classes int, top, exponent float64) []float64 {
	p := make([]float64, classes)
	p[0] = top
	tail(p[1:], 1-top, exponent)
	return p
}

// pair has two classes of fixed probabilities. The other classes have a Zipf tail of the rest.
// Where there are only two classes, each gets half of the rest.
func pair(classes int, first, second, exponent float64) []float64 {
	p := make([]float64, classes)
	p[0], p[1] = first, second
	rest := 1 - first - second
	if classes == 2 {
		p[0], p[1] = first+rest/2, second+rest/2
		return p
	}
	tail(p[2:], rest, exponent)
	return p
}

// tail gives p the mass in proportion to j^-exponent, j = 1, 2, ….
func tail(p []float64, mass, exponent float64) {
	sum := 0.0
	for j := range p {
		p[j] = math.Pow(float64(j+1), -exponent)
		sum += p[j]
	}
	for j := range p {
		p[j] *= mass / sum
	}
}
