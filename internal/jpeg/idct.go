package jpeg

// The constants of the fast cosine transform of Loeffler, Ligtenberg and Moschytz (ICASSP 1989), as
// libjpeg rounds them: times 2^13. Each is the square root of 2 times a cosine, or a sum of such
// products; its value is its name.
const (
	scale = 13 // bits of the constants
	extra = 2  // bits that the first pass keeps beyond whole numbers

	c0_298631336 = 2446
	c0_390180644 = 3196
	c0_541196100 = 4433
	c0_765366865 = 6270
	c0_899976223 = 7373
	c1_175875602 = 9633
	c1_501321110 = 12299
	c1_847759065 = 15137
	c1_961570560 = 16069
	c2_053119869 = 16819
	c2_562915447 = 20995
	c3_072711026 = 25172
)

// transform turns the coefficients into samples, by the accurate integer transform of libjpeg.
func (c *component) transform(quant *[64]int32) {
	stride := 8 * c.across
	c.samples = make([]byte, stride*8*c.down)
	var in, out [8]int32
	var half [64]int32
	for i := range c.coef {
		b := &c.coef[i]
		for x := range 8 {
			for y := range 8 {
				in[y] = int32(b[8*y+x]) * quant[8*y+x]
			}
			inverse(&out, &in, scale-extra)
			for y := range 8 {
				half[8*y+x] = out[y]
			}
		}
		to := c.samples[i/c.across*8*stride+i%c.across*8:]
		for y := range 8 {
			inverse(&out, (*[8]int32)(half[8*y:]), scale+extra+3)
			for x, v := range out {
				to[y*stride+x] = byte(min(max(v+128, 0), 255))
			}
		}
	}
	c.coef = nil
}

// inverse transforms eight numbers, and rounds off so many bits.
func inverse(out, in *[8]int32, shift int) {
	// The even part.
	z := (in[2] + in[6]) * c0_541196100
	t2, t3 := z-in[6]*c1_847759065, z+in[2]*c0_765366865
	t0, t1 := (in[0]+in[4])<<scale, (in[0]-in[4])<<scale
	e := [4]int32{t0 + t3, t1 + t2, t1 - t2, t0 - t3}
	// The odd part.
	a, b, c, d := in[7], in[5], in[3], in[1]
	z1, z2, z3, z4 := -(a+d)*c0_899976223, -(b+c)*c2_562915447, a+c, b+d
	z5 := (z3 + z4) * c1_175875602
	z3, z4 = z5-z3*c1_961570560, z5-z4*c0_390180644
	o := [4]int32{
		d*c1_501321110 + z1 + z4,
		c*c3_072711026 + z2 + z3,
		b*c2_053119869 + z2 + z4,
		a*c0_298631336 + z1 + z3,
	}
	half := int32(1) << (shift - 1)
	for k := range 4 {
		out[k] = (e[k] + o[k] + half) >> shift
		out[7-k] = (e[k] - o[k] + half) >> shift
	}
}
