package jpeg

import "errors"

// zigzag are the places in a block, 8·row + column, of coefficients in the file's order.
var zigzag = func() (at [64]int) {
	row, col := 0, 0
	for k := range at {
		at[k] = 8*row + col
		switch up := (row+col)%2 == 0; {
		case up && col == 7:
			row++
		case up && row == 0:
			col++
		case up:
			row, col = row-1, col+1
		case row == 7:
			col++
		case col == 0:
			row++
		default:
			row, col = row+1, col-1
		}
	}
	return at
}()

// huffman is a table of codes (T.81, Annex C).
type huffman struct {
	short  [256]uint16 // by the next 8 bits: 256·length + symbol, of codes up to 8 bits
	limit  [17]int32   // by length: one above its last code; 0: none
	offset [17]int32   // by length: the place in symbols less the code
	symbol []byte
}

// readHuffman reads tables of codes.
func (d *decoder) readHuffman(body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 || body[0] > 0x1F || body[0]&15 > 3 {
			return errors.New("broken Huffman table")
		}
		class, id, counts := body[0]>>4, body[0]&15, body[1:17]
		t, code, total := &huffman{}, int32(0), 0
		for length := 1; length <= 16; length++ {
			n := int(counts[length-1])
			t.offset[length] = int32(total) - code
			code += int32(n)
			total += n
			if code > 1<<length || len(body) < 17+total {
				return errors.New("broken Huffman table")
			}
			if n > 0 {
				t.limit[length] = code
			}
			if length <= 8 {
				for k := range n {
					first := (int(code) - n + k) << (8 - length)
					for j := range 1 << (8 - length) {
						t.short[first+j] = uint16(length)<<8 | uint16(body[17+total-n+k])
					}
				}
			}
			code <<= 1
		}
		t.symbol = body[17:][:total]
		d.huff[class][id] = t
		body = body[17+total:]
	}
	return nil
}

// bits reads a scan's data up to a marker. Zeros follow the data, which short tells.
type bits struct {
	from  *decoder
	acc   uint64
	n     int // bits in acc that aren't taken, its lowest
	zeros int // how many of all bits were added
	ended bool
}

// need fills acc up to n bits, at most 32.
func (b *bits) need(n int) {
	for b.n < n {
		next := byte(0)
		if !b.ended {
			next = b.next()
		}
		if b.ended {
			next = 0
			b.zeros += 8
		}
		b.acc, b.n = b.acc<<8|uint64(next), b.n+8
	}
}

// next returns the next byte of data, or ends the data.
func (b *bits) next() byte {
	c, err := b.from.r.ReadByte()
	if err == nil && c == 0xFF {
		var after byte
		if after, err = b.from.r.ReadByte(); err == nil && after != 0 {
			b.from.r.UnreadByte()
			b.from.half = true
		}
	}
	b.ended = err != nil || b.from.half
	return c
}

// short tells that more bits were taken than there are.
func (b *bits) short() bool { return b.n < b.zeros }

// take returns the next n bits, at most 16.
func (b *bits) take(n int) int {
	b.need(n)
	b.n -= n
	return int(b.acc>>b.n) & (1<<n - 1)
}

// signed returns a number of n bits, of which the upper half is positive (T.81, F.2.2.1).
func (b *bits) signed(n int) int {
	v := b.take(n)
	if n > 0 && v < 1<<(n-1) {
		v -= 1<<n - 1
	}
	return v
}

// code returns the symbol of the next code, and -1 if there is no such code.
func (b *bits) code(t *huffman) int {
	b.need(16)
	next := int32(b.acc>>(b.n-16)) & 0xFFFF
	if s := t.short[next>>8]; s != 0 {
		b.n -= int(s >> 8)
		return int(s & 255)
	}
	for length := 9; length <= 16; length++ {
		if code := next >> (16 - length); code < t.limit[length] {
			b.n -= length
			return int(t.symbol[code+t.offset[length]])
		}
	}
	return -1
}
