package table

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// FuzzTable: a table that is read has one cell a column, and written and read again it is the same.
func FuzzTable(f *testing.F) {
	f.Add("# a caption\nmethod\tACR\nmono\t0.592\nmargin\t\n")
	f.Add("a\n\n1\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Read(strings.NewReader(text), "t.tsv")
		if err != nil {
			if table != nil || !strings.HasPrefix(err.Error(), "t.tsv:") ||
				strings.Contains(err.Error(),
					"\n") {
				t.Errorf("%v beside %v", table, err)
			}
			return
		}
		for _, row := range table.Rows {
			if len(row) != len(table.Columns) {
				t.Errorf("%q: %d columns and a row of %d", text, len(table.Columns), len(row))
			}
		}
		var b bytes.Buffer
		if table.WriteTSV(&b) != nil { // a carriage return within a cell
			return
		}
		if again, err := Read(&b, "t.tsv"); err != nil || !reflect.DeepEqual(again, table) {
			t.Errorf("%q came back as %q, %v", text, again, err)
		}
	})
}
