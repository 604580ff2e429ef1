package sample

import "math"

// Reach bounds the l2 distance of noisy images, of so many values d in [0, 1], from the grey one,
// all 1/2: √(d/4 + σ²d) + 9σ. For any c with ‖c‖² ≤ d/4, E‖c + σZ‖² ≤ d/4 + σ²d, and ‖c + σZ‖ is
// σ-Lipschitz in Z, so that Gaussian noise goes beyond with a probability of at most e^(-9²/2) <
// rs.BeyondReach, which methods subtract. rounding is that of noise on a grid; what float32 does to
// σ, to the noise and to the sum is far below the relative slack.
func Reach(sigma float64, values int, rounding float64) float64 {
	d := float64(values)
	return (math.Sqrt(d*(0.25+sigma*sigma)) + deviations*sigma + rounding) * (1 + 0x1p-16)
}

const deviations = 9
