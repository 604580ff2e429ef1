package jpeg

// pixels upsamples the components and converts their colours.
func (d *decoder) pixels() []byte {
	n := len(d.comps)
	if n == 1 {
		c, pix := d.comps[0], make([]byte, 0, d.width*d.height)
		for y := range d.height {
			pix = append(pix, c.row(y)[:d.width]...)
		}
		return pix
	}
	pix := make([]byte, 0, 3*d.width*d.height)
	var rows [4][]byte
	for i := range d.comps {
		rows[i] = make([]byte, 8*d.hmax*ceil(d.width, 8*d.hmax)) // whole MCUs
	}
	converted := d.converted()
	for y := range d.height {
		for i, c := range d.comps {
			c.upsample(rows[i], y, d.hmax/c.h, d.vmax/c.v)
		}
		for x := range d.width {
			r, g, b := rows[0][x], rows[1][x], rows[2][x]
			if converted {
				r, g, b = toRGB(r, g, b)
			}
			if n == 4 {
				k := rows[3][x]
				if converted { // the first three inks are inverted, the fourth isn't
					r, g, b = 255-r, 255-g, 255-b
				}
				r, g, b = times(r, k), times(g, k), times(b, k)
			}
			pix = append(pix, r, g, b)
		}
	}
	return pix
}

// converted tells whether the first three components are luminance and chroma, as libjpeg guesses
// it.
func (d *decoder) converted() bool {
	switch {
	case len(d.comps) == 4:
		return d.adobe > 0
	case d.jfif:
		return true
	case d.adobe >= 0:
		return d.adobe > 0
	}
	return string([]byte{d.comps[0].id, d.comps[1].id, d.comps[2].id}) != "RGB"
}

// The factors of chroma (ITU-T T.871) times 2^16.
const (
	redCr, greenCb, greenCr, blueCb = 91881, 22554, 46802, 116130

	half = 1 << 15
)

func toRGB(luma, cb, cr byte) (r, g, b byte) {
	y, u, v := int32(luma), int32(cb)-128, int32(cr)-128
	return clip(y + (redCr*v+half)>>16), clip(y + (half-greenCb*u-greenCr*v)>>16),
		clip(y + (blueCb*u+half)>>16)
}

func clip(v int32) byte { return byte(min(max(v, 0), 255)) }

// times is a·b/255, rounded.
func times(a, b byte) byte {
	t := uint32(a)*uint32(b) + 128
	return byte((t>>8 + t) >> 8)
}
