package data

import (
	"errors"
	"fmt"

	"github.com/lipsmooth/lipsmooth/internal/npy"
)

// array is an array of a type, a shape and its bytes.
func (p *pickle) array(kind, shape, data any) (*pickleArray, error) {
	dtype, ok := kind.(*pickleArray)
	dims, ok2 := shape.(pickleTuple)
	body, ok3 := data.(string)
	if p.budget -= len(body); !ok || !ok2 || !ok3 || p.budget < 0 {
		return nil, errors.New("an array of NumPy without plain bytes")
	}
	a := &pickleArray{array: array{npy.Array{Type: dtype.Type, Shape: []int{}}}, built: true}
	for _, d := range dims {
		n, ok := d.(int64)
		if !ok {
			return nil, errPickleShape
		}
		a.Shape = append(a.Shape, int(n))
	}
	size, err := a.Bytes()
	if err == nil && size != len(body) {
		err = fmt.Errorf("%d bytes for %s of shape %v", len(body), a.Type, a.Shape)
	}
	a.Data = []byte(body)
	return a, err
}

// build sets the state of an array of NumPy, (version, shape, type, in columns, bytes), or of a
// type, (version, byte order, …).
func (p *pickle) build(object, state any) error {
	a, ok := object.(*pickleArray)
	s, tuple := state.(pickleTuple)
	if !ok || !tuple || a.built {
		return errPickleShape
	}
	if a.Type != "" {
		order, ok := "", false
		if len(s) > 1 {
			order, ok = s[1].(string)
		}
		if !ok || len(order) != 1 {
			return errPickleShape
		}
		a.Type, a.built = order+a.Kind(), true
		return nil
	}
	if len(s) != 5 {
		return errPickleShape
	}
	made, err := p.array(s[2], s[1], s[4])
	if err != nil {
		return err
	}
	if s[3] != false { // NumPy wrote the first axis fastest
		made.Turn()
	}
	*a = *made
	return nil
}

// pickledInts are the whole numbers of a list or an array.
func pickledInts(v any) ([]int, error) {
	switch v := v.(type) {
	case *pickleArray:
		return v.ints()
	case *pickleList:
		out := make([]int, len(v.items))
		for i, item := range v.items {
			switch item := item.(type) {
			case int64:
				out[i] = int(item)
			case *pickleArray:
				n, err := item.ints()
				if err != nil || len(n) != 1 {
					return nil, fmt.Errorf("item %d is not a whole number", i)
				}
				out[i] = n[0]
			default:
				return nil, fmt.Errorf("item %d is not a whole number", i)
			}
		}
		return out, nil
	}
	return nil, errors.New("not a list of whole numbers")
}
