package data

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lipsmooth/lipsmooth/internal/npy"
)

// unpickle reads a pickle of protocols 0 to 5 as data, and executes nothing. It knows dicts, lists,
// tuples, numbers, text and NumPy's arrays. Any other opcode, class or function is an error that
// names the opcode or the function (Python's module pickletools describes the opcodes).
//
// The value is nil, a bool, an int64, a string (of str and bytes), a pickleTuple, a
// *pickleList, a pickleDict, a *pickleArray, or a pickleGlobal. Its memory is bounded by the length
// of text and by pickleObjects.
func unpickle(text []byte) (value any, err error) {
	p := &pickle{text: text, memo: map[int]any{}, budget: 4 * len(text)}
	for {
		start := p.at
		op, err := p.bytes(1)
		if err == nil && op[0] == '.' {
			if len(p.stack) == 1 && len(p.marks) == 0 {
				return p.stack[0], nil
			}
			err = fmt.Errorf("STOP with %d values", len(p.stack))
		} else if err == nil {
			err = p.step(op[0])
		}
		if p.objects++; err == nil && p.objects > pickleObjects {
			err = fmt.Errorf("more than %d operations", pickleObjects)
		}
		if err != nil {
			return nil, fmt.Errorf("offset %d of the pickle: %w", start, err)
		}
	}
}

const pickleObjects = 1 << 20 // CIFAR-100's train split takes some 300,000

type (
	pickleTuple  []any
	pickleList   struct{ items []any }
	pickleDict   map[string]any
	pickleGlobal string // module and name, with a space between
	// pickleArray is an array or a type of NumPy, whose shape is nil.
	pickleArray struct {
		array
		built bool
	}
)

type pickle struct {
	text    []byte
	at      int
	stack   []any
	marks   []int // lengths of the stack
	memo    map[int]any
	objects int // operations so far
	budget  int // bytes that calls may still copy
}

var (
	errPickleEnd   = errors.New("the file ends: fetch it again")
	errPickleShape = errors.New("not a pickle of a data set: its operations don't fit")
)

func (p *pickle) bytes(n int) ([]byte, error) {
	if n < 0 || n > len(p.text)-p.at {
		return nil, errPickleEnd
	}
	p.at += n
	return p.text[p.at-n : p.at : p.at], nil
}

// number reads a little-endian number of so many bytes, without a sign.
func (p *pickle) number(size int) (int, error) {
	b, err := p.bytes(size)
	n := uint64(0)
	for i, v := range b {
		n |= uint64(v) << (8 * i)
	}
	if n > math.MaxInt64 {
		return 0, errPickleEnd
	}
	return int(n), err
}

// sized reads a length of so many bytes and then as many bytes.
func (p *pickle) sized(size int) (string, error) {
	n, err := p.number(size)
	if err != nil {
		return "", err
	}
	b, err := p.bytes(n)
	return string(b), err
}

func (p *pickle) line() (string, error) {
	n := bytes.IndexByte(p.text[p.at:], '\n')
	b, err := p.bytes(n)
	if err != nil {
		return "", err
	}
	p.at++
	return strings.TrimSuffix(string(b), "\r"), nil
}

func (p *pickle) push(v any, err error) error {
	if err == nil {
		p.stack = append(p.stack, v)
	}
	return err
}

// pop takes the last n values above the last mark.
func (p *pickle) pop(n int) ([]any, error) {
	least := 0
	if len(p.marks) > 0 {
		least = p.marks[len(p.marks)-1]
	}
	if n > len(p.stack)-least {
		return nil, errPickleShape
	}
	cut := len(p.stack) - n
	values := append([]any(nil), p.stack[cut:]...)
	p.stack = p.stack[:cut]
	return values, nil
}

// popMark takes the values above the last mark, and the mark.
func (p *pickle) popMark() ([]any, error) {
	if len(p.marks) == 0 {
		return nil, errPickleShape
	}
	values, err := p.pop(len(p.stack) - p.marks[len(p.marks)-1])
	p.marks = p.marks[:len(p.marks)-1]
	return values, err
}

func (p *pickle) last() any {
	if len(p.stack) == 0 {
		return nil
	}
	return p.stack[len(p.stack)-1]
}

// step does one operation.
func (p *pickle) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		version, err := p.number(1)
		if err == nil && version > 5 {
			err = fmt.Errorf("protocol %d, newer than 5", version)
		}
		return err
	case 0x95: // FRAME
		_, err := p.bytes(8)
		return err
	case '(':
		p.marks = append(p.marks, len(p.stack))
		return nil
	case '0':
		_, err := p.pop(1)
		return err
	case '1':
		_, err := p.popMark()
		return err
	case '2', 'p', 'q', 'r', 0x94, 'g', 'h', 'j':
		return p.remember(op)
	case ']', 'l', 'a', 'e', '}', 'd', 's', 'u', ')', 't', 0x85, 0x86, 0x87:
		return p.collect(op)
	case 'c':
		module, err := p.line()
		if err != nil {
			return err
		}
		name, err := p.line()
		return p.push(pickleGlobal(module+" "+name), err)
	case 0x93: // STACK_GLOBAL
		v, err := p.pop(2)
		if err != nil {
			return err
		}
		module, ok := v[0].(string)
		name, ok2 := v[1].(string)
		if !ok || !ok2 || len(module) > 99 || len(name) > 99 {
			return errPickleShape
		}
		return p.push(pickleGlobal(module+" "+name), nil)
	case 'R':
		v, err := p.pop(2)
		if err != nil {
			return err
		}
		return p.push(p.call(v[0], v[1]))
	case 'b':
		v, err := p.pop(1)
		if err != nil {
			return err
		}
		return p.build(p.last(), v[0])
	}
	return p.constant(op)
}

// pickleSizes are the bytes of a number, or of the length of a text.
var pickleSizes = map[byte]int{'K': 1, 'M': 2, 'U': 1, 'T': 4, 'C': 1, 'B': 4, 0x8e: 8, 0x96: 8,
	0x8c: 1, 'X': 4, 0x8d: 8}

// constant does the operations that push a number or a text.
func (p *pickle) constant(op byte) error {
	switch op {
	case 'N':
		return p.push(nil, nil)
	case 0x88, 0x89:
		return p.push(op == 0x88, nil)
	case 'K', 'M':
		n, err := p.number(pickleSizes[op])
		return p.push(int64(n), err)
	case 'J':
		n, err := p.number(4)
		return p.push(int64(int32(n)), err)
	case 0x8a: // LONG1
		s, err := p.sized(1)
		if err == nil && len(s) > 8 {
			err = errors.New("a whole number of more than 64 bits")
		}
		n := int64(0)
		for i := range len(s) {
			n |= int64(s[i]) << (8 * i)
		}
		if shift := 64 - 8*len(s); shift < 64 && err == nil {
			n = n << shift >> shift // the sign
		}
		return p.push(n, err)
	case 'I', 'L', 'S', 'V':
		s, err := p.line()
		if err != nil {
			return err
		}
		switch {
		case op == 'S':
			return p.push(pythonString(s))
		case op == 'V':
			return p.push(unescape(s, `\u`, 4))
		case s == "00" || s == "01":
			return p.push(s == "01", nil)
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(s, "L"), 10, 64)
		return p.push(n, err)
	}
	if size, ok := pickleSizes[op]; ok {
		s, err := p.sized(size)
		return p.push(s, err)
	}
	if name, ok := pickleRefused[op]; ok {
		return fmt.Errorf("operation %s, which no data set needs: refused", name)
	}
	return fmt.Errorf("byte %#02x is no operation: not a pickle", op)
}

// pickleRefused are operations that no data set needs. Some make objects of classes.
var pickleRefused = map[byte]string{
	'F': "FLOAT", 'G': "BINFLOAT", 'P': "PERSID", 'Q': "BINPERSID", 'i': "INST", 'o': "OBJ",
	0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8b: "LONG4", 0x8f: "EMPTY_SET",
	0x90: "ADDITEMS", 0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x97: "NEXT_BUFFER",
	0x98: "READONLY_BUFFER",
}

// remember does the operations on the memo, and DUP.
func (p *pickle) remember(op byte) error {
	key, err := len(p.memo), error(nil)
	switch op {
	case 'p', 'g':
		var s string
		if s, err = p.line(); err == nil {
			key, err = strconv.Atoi(s)
		}
	case 'q', 'h':
		key, err = p.number(1)
	case 'r', 'j':
		key, err = p.number(4)
	}
	if err != nil {
		return err
	}
	if op == 'g' || op == 'h' || op == 'j' {
		v, ok := p.memo[key]
		if !ok {
			return errPickleShape
		}
		return p.push(v, nil)
	}
	if len(p.stack) == 0 {
		return errPickleShape
	}
	if op == '2' {
		return p.push(p.last(), nil)
	}
	p.memo[key] = p.last()
	return nil
}

// collect does the operations on lists, dicts and tuples.
func (p *pickle) collect(op byte) error {
	var v []any
	var err error
	switch op {
	case 'l', 'd', 't', 'e', 'u':
		v, err = p.popMark()
	case 'a', 0x85:
		v, err = p.pop(1)
	case 's', 0x86:
		v, err = p.pop(2)
	case 0x87:
		v, err = p.pop(3)
	}
	if err != nil {
		return err
	}
	switch op {
	case ']', 'l':
		return p.push(&pickleList{v}, nil)
	case ')', 't', 0x85, 0x86, 0x87:
		return p.push(pickleTuple(v), nil)
	case 'a', 'e':
		list, ok := p.last().(*pickleList)
		if !ok {
			return errPickleShape
		}
		list.items = append(list.items, v...)
		return nil
	case '}', 'd':
		p.stack = append(p.stack, pickleDict{})
	}
	dict, ok := p.last().(pickleDict)
	if !ok || len(v)%2 != 0 {
		return errPickleShape
	}
	for i := 0; i < len(v); i += 2 {
		key, ok := v[i].(string)
		if !ok {
			return errors.New("the key of a dict is not text")
		}
		dict[key] = v[i+1]
	}
	return nil
}

// call is what the few functions that are known by name answer.
func (p *pickle) call(f, args any) (any, error) {
	name, ok := f.(pickleGlobal)
	a, tuple := args.(pickleTuple)
	if !ok || !tuple {
		return nil, errPickleShape
	}
	module, function, _ := strings.Cut(string(name), " ")
	switch strings.Replace(module, "numpy._core.", "numpy.core.", 1) + " " + function {
	case "numpy.core.multiarray _reconstruct":
		if len(a) == 3 && a[0] == pickleGlobal("numpy ndarray") {
			return &pickleArray{}, nil
		}
	case "numpy dtype":
		if len(a) > 0 {
			if kind, ok := a[0].(string); ok && len(kind) < 8 {
				return &pickleArray{array: array{npy.Array{Type: kind}}}, nil
			}
		}
	case "numpy.core.multiarray scalar": // of a type and its bytes
		if len(a) == 2 {
			return p.array(a[0], pickleTuple{}, a[1])
		}
	case "numpy.core.numeric _frombuffer": // of bytes, a type, a shape and an order
		if len(a) == 4 && a[3] == "C" {
			return p.array(a[1], a[2], a[0])
		}
	case "_codecs encode": // Python 3 writes bytes so in protocol 2
		if len(a) == 2 && a[1] == "latin1" {
			return p.latin1(a[0])
		}
	case "builtins bytes", "__builtin__ bytes", "builtins bytearray", "__builtin__ bytearray":
		if len(a) == 0 {
			return "", nil
		}
		if s, ok := a[0].(string); ok && len(a) == 1 {
			return s, nil
		}
	default:
		return nil, fmt.Errorf("it calls %s.%s, which no data set needs: refused", module, function)
	}
	return nil, fmt.Errorf("%s.%s of other arguments than a data set has", module, function)
}

func (p *pickle) latin1(text any) (any, error) {
	s, ok := text.(string)
	if p.budget -= len(s); !ok || p.budget < 0 {
		return nil, errPickleShape
	}
	out := make([]byte, 0, utf8.RuneCountInString(s))
	for _, r := range s {
		if r > 255 {
			return nil, errors.New("text that is not latin1")
		}
		out = append(out, byte(r))
	}
	return string(out), nil
}

// pythonString reads a string of protocol 0, between quotes.
func pythonString(s string) (string, error) {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '\'' && s[0] != '"' {
		return "", errPickleShape
	}
	return unescape(s[1:len(s)-1], `\x`, 2)
}

// unescape reads Python's escapes. The escape that hex begins has so many digits. Text with \u is
// latin1 and has no other escapes.
func unescape(s, hex string, digits int) (string, error) {
	var b strings.Builder
	unicode := hex == `\u`
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], hex):
			end := min(i+2+digits, len(s))
			n, err := strconv.ParseUint(s[i+2:end], 16, 32)
			if err != nil {
				return "", errPickleShape
			}
			if unicode {
				b.WriteRune(rune(n))
			} else {
				b.WriteByte(byte(n))
			}
			i = end - 1
		case unicode:
			b.WriteRune(rune(s[i]))
		case s[i] != '\\':
			b.WriteByte(s[i])
		default:
			at := -1
			if i++; i < len(s) {
				at = strings.IndexByte(`\'"nrtabfv`, s[i])
			}
			if at < 0 {
				return "", errPickleShape
			}
			b.WriteByte("\\'\"\n\r\t\a\b\f\v"[at])
		}
	}
	return b.String(), nil
}
