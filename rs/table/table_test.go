package table

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
)

func ExampleTable_WriteText() {
	t := &Table{Columns: []string{"method", "ACR"}, Rows: [][]string{{"mono", "0.592"}, {"lipschitz", "0.75"}, {"margin", ""}}}
	t.WriteText(os.Stdout)
	// Output:
	// method       ACR
	// mono       0.592
	// lipschitz   0.75
	// margin
}

func TestTable(t *testing.T) {
	table := &Table{Columns: []string{"a", "b"}}
	table.Add(1, 0.1)
	table.Add("x", 1e-9)
	var b bytes.Buffer
	if err := table.WriteTSV(&b, "two\nlines"); err != nil || b.String() != "# two lines\na\tb\n1\t0.1\nx\t1e-09\n" {
		t.Errorf("%q, %v", &b, err)
	}
	back, err := Read(&b, "memory")
	if err != nil || !reflect.DeepEqual(back, table) {
		t.Error(back, err)
	}
	table.Rows[0][0] = "1\t2"
	if err := table.WriteTSV(&b, ""); err == nil {
		t.Error("a tab in a cell")
	}
	for text, want := range map[string]string{
		"# only\n":        "m.tsv: no header line",
		"a\tb\n1\t2\n3\n": "m.tsv:3: 1 columns, the header has 2",
	} {
		if _, err := Read(strings.NewReader(text), "m.tsv"); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
