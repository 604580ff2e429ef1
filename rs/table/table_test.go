package table

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func ExampleTable_WriteText() {
	t := &Table{Columns: []string{"method", "ACR"},
		Rows: [][]string{{"mono", "0.592"}, {"lipschitz",
			"0.75"}, {"margin", ""}}}
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
	if err := table.WriteTSV(&b); err != nil || b.String() != "a\tb\n1\t0.1\nx\t1e-09\n" {
		t.Errorf("%q, %v", &b, err)
	}
	back, err := Read(&b, "memory")
	if err != nil || !reflect.DeepEqual(back, table) {
		t.Error(back, err)
	}
	table.Rows[0][0] = "1\t2"
	if err := table.WriteTSV(&b); err == nil {
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

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "a.tsv")
	if back, caption, err := ReadFile(path); back != nil || caption != "" || err != nil {
		t.Error(back, caption, err)
	}
	table := &Table{Columns: []string{"a"}, Rows: [][]string{{"1"}}}
	if err := table.WriteFile(path, "n = 100, α = 0.001"); err != nil {
		t.Fatal(err)
	}
	// the second as versions before wrote it
	for _, text := range []string{"", "# n = 100, α = 0.001\na\n1\n"} {
		if text != "" {
			os.Remove(About(path))
			os.WriteFile(path, []byte(text), 0o666)
		}
		if back, caption, err := ReadFile(path); !reflect.DeepEqual(back, table) ||
			caption != "n = 100, α = 0.001" || err != nil {
			t.Error(back, caption, err)
		}
	}
	var about struct{ N int }
	if err := ReadAbout(path, &about); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := table.WriteFile(path, map[string]int{"n": 3}); err != nil || ReadAbout(path,
		&about) != nil || about.N != 3 {
		t.Error(about, err)
	}
	os.WriteFile(About(path), []byte("{"), 0o666)
	if _, _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), "a.json: ") {
		t.Error(err)
	}
	if there, _ := os.ReadDir(filepath.Dir(path)); len(there) != 2 {
		t.Error(there)
	}
}
