package export

import (
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protobuf message under construction. It consists of parts, so that weights aren't
// copied into the message around them. Field numbers are those of onnx.proto
// (github.com/onnx/onnx).
type message struct {
	parts [][]byte
	size  int
}

func (m *message) add(b []byte) {
	m.parts, m.size = append(m.parts, b), m.size+len(b)
}

func (m *message) integer(field protowire.Number, v int) {
	m.add(protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), uint64(v)))
}

func (m *message) integers(field protowire.Number, values []int) {
	var b []byte
	for _, v := range values {
		b = protowire.AppendVarint(b, uint64(v))
	}
	m.bytes(field, b)
}

func (m *message) float(field protowire.Number, v float32) {
	m.add(protowire.AppendFixed32(protowire.AppendTag(nil, field, protowire.Fixed32Type),
		math.Float32bits(v)))
}

func (m *message) text(field protowire.Number, s string) { m.bytes(field, []byte(s)) }

func (m *message) bytes(field protowire.Number, b []byte) {
	m.message(field, message{[][]byte{b}, len(b)})
}

func (m *message) message(field protowire.Number, inner message) {
	m.add(protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.BytesType),
		uint64(inner.size)))
	m.parts, m.size = append(m.parts, inner.parts...), m.size+inner.size
}

// WriteTo writes the message.
func (m *message) WriteTo(w io.Writer) (n int64, err error) {
	for _, b := range m.parts {
		k, err := w.Write(b)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
