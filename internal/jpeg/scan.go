package jpeg

import (
	"errors"
	"fmt"
)

// scan is what the header of a scan says.
type scan struct {
	bits
	comps  []*component
	dc, ac [4]*huffman // of each component
	last   [4]int      // DC value of each component's last block
	run    int         // blocks that end before their first coefficient, to come

	// The coefficients first to end are given (in the file's order), down to the bit low; high is
	// the lowest bit that was given before, or 0.
	first, end, high, low int
}

var errCode = errors.New("broken data: no such Huffman code")

// scan reads a scan's data, after its header.
func (d *decoder) scan(body []byte) error {
	s, err := d.readScan(body)
	if err != nil {
		return err
	}
	across, down := ceil(d.width, 8*d.hmax), ceil(d.height, 8*d.vmax)
	single := len(s.comps) == 1
	if single {
		across, down = ceil(s.comps[0].width, 8), ceil(s.comps[0].height, 8)
	}
	for mcu := range across * down {
		if d.restart > 0 && mcu > 0 && mcu%d.restart == 0 {
			if err := s.restart(mcu/d.restart - 1); err != nil {
				return err
			}
		}
		x, y := mcu%across, mcu/across
		for i, c := range s.comps {
			if single {
				err = s.block(i, &c.coef[y*c.across+x])
			}
			for k := 0; !single && k < c.h*c.v && err == nil; k++ {
				err = s.block(i, &c.coef[(y*c.v+k/c.h)*c.across+x*c.h+k%c.h])
			}
			if err == nil && s.short() {
				err = errors.New("broken data: it ends before the image does")
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// readScan reads the header of a scan.
func (d *decoder) readScan(body []byte) (*scan, error) {
	if d.comps == nil {
		return nil, errors.New("a scan before the frame")
	}
	if len(body) < 1 || body[0] < 1 || body[0] > 4 || len(body) != 4+2*int(body[0]) {
		return nil, errors.New("broken scan header")
	}
	s, n := &scan{bits: bits{from: d}, end: 63}, int(body[0])
	if tail := body[1+2*n:]; d.progressive {
		s.first, s.end, s.high, s.low = int(tail[0]), int(tail[1]), int(tail[2]>>4), int(tail[2]&15)
		if s.first > s.end || s.end > 63 || s.first == 0 && s.end > 0 || s.first > 0 && n > 1 ||
			s.low > 13 || s.high > 0 && s.high != s.low+1 {
			return nil, errors.New("broken scan header")
		}
	}
	blocks := 0
	for i := range n {
		id, tables := body[1+2*i], body[2+2*i]
		if tables>>4 > 3 || tables&15 > 3 {
			return nil, errors.New("broken scan header")
		}
		for _, c := range d.comps {
			if c.id == id {
				s.comps = append(s.comps, c)
			}
		}
		if len(s.comps) != i+1 {
			return nil, fmt.Errorf("a scan of component %d, which there isn't", id)
		}
		c := s.comps[i]
		for _, other := range s.comps[:i] {
			if other == c {
				return nil, fmt.Errorf("component %d twice in a scan", id)
			}
		}
		s.dc[i], s.ac[i] = d.huff[0][tables>>4], d.huff[1][tables&15]
		if s.first == 0 && s.high == 0 && s.dc[i] == nil || s.end > 0 && s.ac[i] == nil {
			return nil, errors.New("a scan without its Huffman table")
		}
		if c.coef == nil {
			c.coef = make([][64]int16, c.across*c.down)
		}
		blocks += c.h * c.v
	}
	if n > 1 && blocks > 10 {
		return nil, errors.New("more than 10 blocks in an MCU")
	}
	return s, nil
}

// restart reads the restart marker of a number.
func (s *scan) restart(number int) error {
	d := s.from
	marker, err := d.marker()
	if err != nil {
		return d.cut(err)
	}
	if want := byte(rst0 + number%8); marker != want {
		return fmt.Errorf("broken data: marker %#x in place of restart marker %#x", marker, want)
	}
	s.bits, s.run, s.last = bits{from: d}, 0, [4]int{}
	return nil
}

// block reads what the scan gives of a block of its component i.
func (s *scan) block(i int, b *[64]int16) error {
	if s.high > 0 && s.first == 0 {
		b[0] |= int16(s.take(1)) << s.low
		return nil
	}
	if s.high > 0 {
		return s.refine(s.ac[i], b)
	}
	k := s.first
	if k == 0 {
		size := s.code(s.dc[i])
		if size < 0 || size > 15 {
			return errCode
		}
		s.last[i] += s.signed(size)
		b[0] = int16(s.last[i] << s.low)
		k++
	}
	if s.run > 0 {
		s.run--
		return nil
	}
	for ; k <= s.end; k++ {
		symbol := s.code(s.ac[i])
		if symbol < 0 {
			return errCode
		}
		zeros, size := symbol>>4, symbol&15
		if size > 0 {
			if k += zeros; k > s.end {
				return errors.New("broken data: a coefficient outside its block")
			}
			b[zigzag[k]] = int16(s.signed(size) << s.low)
		} else if zeros == 15 {
			k += 15
		} else {
			if s.from.progressive {
				s.run = 1<<zeros + s.take(zeros) - 1
			}
			break
		}
	}
	return nil
}

// refine reads the next lower bit of a block's coefficients (T.81, G.1.2.3).
func (s *scan) refine(t *huffman, b *[64]int16) error {
	k := s.first
	for s.run == 0 && k <= s.end {
		symbol := s.code(t)
		if symbol < 0 {
			return errCode
		}
		zeros, size, value := symbol>>4, symbol&15, int16(0)
		switch {
		case size > 0:
			value = int16(2*s.take(1)-1) << s.low
		case zeros < 15:
			s.run = 1<<zeros + s.take(zeros)
			continue
		}
		k = s.correct(b, k, zeros)
		if k <= s.end {
			b[zigzag[k]] = value
		}
		k++
	}
	if s.run > 0 {
		s.correct(b, k, 64)
		s.run--
	}
	return nil
}

// correct adds the next bit to the coefficients from k on that aren't 0, and returns the place of
// the 0 that comes after so many others, or one above the scan's last coefficient.
func (s *scan) correct(b *[64]int16, k, zeros int) int {
	for ; k <= s.end; k++ {
		c := &b[zigzag[k]]
		switch {
		case *c == 0 && zeros == 0:
			return k
		case *c == 0:
			zeros--
		case s.take(1) == 0:
		case *c > 0:
			*c += 1 << s.low
		default:
			*c -= 1 << s.low
		}
	}
	return k
}
