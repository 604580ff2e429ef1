package sample

import "math"

// Reach bounds the l2 distance of noisy images from the grey image, whose entries are all 1/2:
// √(d/4 + σ²d) + 9σ, for images of d values in [0, 1]. For any c with ‖c‖² ≤ d/4, E‖c + σZ‖² ≤ d/4
// + σ²d, and ‖c + σZ‖ is σ-Lipschitz in Z. So Gaussian noise goes beyond with probability at most
// e^(-9²/2) < rs.BeyondReach, which methods subtract. The argument rounding is the error of noise
// on a grid. The float32 errors of σ, the noise and the sum are far below the relative slack.
func Reach(sigma float64, values int, rounding float64) float64 {
	d := float64(values)
	return (math.Sqrt(d*(0.25+sigma*sigma)) + deviations*sigma + rounding) * (1 + 0x1p-16)
}

const deviations = 9
