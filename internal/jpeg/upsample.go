package jpeg

// row returns a row of samples: the first or the last one beyond them.
func (c *component) row(y int) []byte {
	y = min(max(y, 0), c.height-1)
	return c.samples[y*8*c.across:][:c.width]
}

// upsample fills dst with row y of the image, where each sample serves across × down pixels. As in
// libjpeg's "fancy upsampling", a factor of 2 mixes the nearest samples by 3 to 1 in each
// direction. Other factors repeat samples.
func (c *component) upsample(dst []byte, y, across, down int) {
	near := c.row(y / down)
	far := c.row(y/down - 1 + y%2*2) // of a factor of 2 down
	smooth := across == 2 && c.width > 2
	switch last := len(near) - 1; {
	case smooth && down == 1:
		dst[0], dst[2*last+1] = near[0], near[last]
		for x := range last {
			a, b := int(near[x]), int(near[x+1])
			dst[2*x+1], dst[2*x+2] = byte((3*a+b+2)>>2), byte((3*b+a+1)>>2)
		}
	case smooth && down == 2:
		sum := func(x int) int { return 3*int(near[x]) + int(far[x]) }
		a := sum(0)
		dst[0] = byte((4*a + 8) >> 4)
		for x := range last {
			b := sum(x + 1)
			dst[2*x+1], dst[2*x+2] = byte((3*a+b+7)>>4), byte((3*b+a+8)>>4)
			a = b
		}
		dst[2*last+1] = byte((4*a + 7) >> 4)
	case across == 1 && down == 2:
		for x := range near {
			dst[x] = byte((3*int(near[x]) + int(far[x]) + 1 + y%2) >> 2)
		}
	case across == 1:
		copy(dst, near)
	default:
		for x := range near {
			for k := range across {
				dst[x*across+k] = near[x]
			}
		}
	}
}
