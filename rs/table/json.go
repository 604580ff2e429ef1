package table

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// MarshalJSON writes a list with an object a row: columns in their order, numbers as numbers, and
// null for an empty cell. A number that isn't finite stays text. pandas.DataFrame takes the list.
func (t *Table) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	write := func(text string) error {
		cell, err := json.Marshal(text)
		b.Write(cell)
		return err
	}
	b.WriteByte('[')
	for r, row := range t.Rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		for c, cell := range row {
			if c > 0 {
				b.WriteByte(',')
			}
			if err := write(t.Columns[c]); err != nil {
				return nil, err
			}
			b.WriteByte(':')
			_, err := strconv.ParseFloat(cell, 64)
			switch {
			case cell == "":
				b.WriteString("null")
			case err == nil && json.Valid([]byte(cell)):
				b.WriteString(cell)
			default:
				if err := write(cell); err != nil {
					return nil, err
				}
			}
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}
