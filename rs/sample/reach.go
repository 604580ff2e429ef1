package sample

import "math"

// Reach bounds the l2 distance of noisy images, of so many values in [0, 1], from the grey one, all 1/2: ½√d + σ‖Z‖, for ‖Z‖ ≤ √d + 12.
// ‖·‖ is 1-Lipschitz and E‖Z‖ ≤ √d, so that Gaussian noise goes beyond with a probability of at most e^(-12²/2) < rs.BeyondReach, which
// methods subtract. rounding is that of noise on a grid; what float32 does to σ, to the noise and to the sum is far below the relative slack.
func Reach(sigma float64, values int, rounding float64) float64 {
	d := math.Sqrt(float64(values))
	return (d/2 + sigma*(d+12) + rounding) * (1 + 0x1p-16)
}
