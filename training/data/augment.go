package data

import (
	"math"
	"math/rand/v2"
)

// augment flips, shifts and warps image, [height, width, channels], at random. The random numbers
// depend on (Seed, epoch, index) alone.
func (b *Batches) augment(image []float32, epoch, index int) {
	if !b.Flip && !b.Warp && b.Crop == 0 {
		return
	}
	// The high bit keeps these generators apart from those of Order.
	r := rand.New(rand.NewPCG(b.Seed, 1<<63|uint64(epoch)<<32|uint64(index)))
	flip := r.Uint64()&1 == 1 && b.Flip
	down, right := r.IntN(2*b.Crop+1)-b.Crop, r.IntN(2*b.Crop+1)-b.Crop
	h, w, c := b.Dataset.Height, b.Dataset.Width, b.Dataset.Channels
	old := append([]float32(nil), image...)
	for y := range h {
		for x := range w {
			fromY, fromX := min(max(y-down, 0), h-1), min(max(x-right, 0), w-1)
			if flip {
				fromX = w - 1 - fromX
			}
			copy(image[(y*w+x)*c:][:c], old[(fromY*w+fromX)*c:])
		}
	}
	if b.Warp && r.Float64() < warped {
		warp(image, w, c, r)
	}
}

// The part of the images that are warped, and the largest changes: a turn, a change of each side, a
// shear, and a move in pixels.
const (
	warped, turn   = 0.8, 8 * math.Pi / 180
	stretch, shear = 0.08, 0.1
	move           = 0.7
)

// warp resamples image, [height, width, channels], by a random affine map. It interpolates
// linearly between pixels. Outside of the image, the pixels of the edge go on.
func warp(image []float32, w, c int, r *rand.Rand) {
	h := len(image) / (w * c)
	within := func(most float64) float64 { return most * (2*r.Float64() - 1) }
	sin, cos := math.Sincos(within(turn))
	wide, high := 1+within(stretch), 1+within(stretch)
	slant, right, down := within(shear), within(move), within(move)
	old := append([]float32(nil), image...)
	clear(image)
	for y := range h {
		for x := range w {
			u, v := float64(x)-float64(w-1)/2, float64(y)-float64(h-1)/2
			fromX := float64(w-1)/2 + right + cos*wide*u + (slant-sin*high)*v
			fromY := float64(h-1)/2 + down + sin*wide*u + cos*high*v
			left, top := math.Floor(fromX), math.Floor(fromY)
			for _, corner := range [4]struct{ x, y, share float64 }{
				{left, top, (1 - fromX + left) * (1 - fromY + top)},
				{left + 1, top, (fromX - left) * (1 - fromY + top)},
				{left, top + 1, (1 - fromX + left) * (fromY - top)},
				{left + 1, top + 1, (fromX - left) * (fromY - top)},
			} {
				at := (min(max(int(corner.y), 0), h-1)*w + min(max(int(corner.x), 0), w-1)) * c
				for k := range c {
					image[(y*w+x)*c+k] += float32(corner.share) * old[at+k]
				}
			}
		}
	}
}
