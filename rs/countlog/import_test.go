package countlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/npy"
	"github.com/lipsmooth/lipsmooth/rs"
)

// foreignRows reads all rows of a table that others wrote.
func foreignRows(text string, classes int) (rows []foreignRow, err error) {
	f, err := newForeignCounts(strings.NewReader(text), "f.tsv", classes)
	if err != nil {
		return nil, err
	}
	for {
		row, err := f.next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, *row)
	}
}

// array is a file in NumPy's format of values that fit a byte, each of width bytes.
func array(kind, shape, values string, width int) string {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n", kind, shape)
	text := fmt.Sprintf("%s\x01\x00%c\x00%s", npy.Magic, len(header), header)
	for _, c := range []byte(values) {
		text += string([]byte{c}) + strings.Repeat("\x00", width-1)
	}
	return text
}

func TestForeign(t *testing.T) {
	one := []foreignRow{{3, 1, nil, rs.Votes{2, 0, 5}}, {7, 2, nil, rs.Votes{0, 7, 0}}}
	bare := []foreignRow{{0, rs.Abstain, nil, one[0].Estimation},
		{1, rs.Abstain, nil, one[1].Estimation}}
	two := []foreignRow{{3, 1, rs.Votes{1, 0, 1}, rs.Votes{2, 0, 5}}}
	for _, c := range []struct {
		text    string
		classes int
		want    []foreignRow
	}{
		{"idx\tlabel\tcounts\n3\t1\t[2, 0, 5]\n7\t2\t[0,7,0]\n", 0, one},
		{"index\tlabel\tcounts\r\n3\t1\t0:2,2:5\r\n7\t2\t1:7\r\n", 3, one},
		{"label\tid\tvotes\n1\t3\t(2, 0, 5)\n2\t7\t(0, 7, 0)", 0, one},
		{"label\tid\tcounts\n1\t3\t{2: 5, 0: 2}\n2\t7\t{1: 7}\n", 3, one},
		{"label\tid\tcounts\n1\t3\t{2: 5, 0: 2, 1: 0}\n2\t7\t{0: 0, 1: 7, 2: 0}\n", 0, one},
		{"label\tid\tcounts\n1\t3\tCounter({2: 5, 0: 2})\n2\t7\tarray([0, 7, 0])\n", 3, one},
		{"label,id,counts\n1,3,\"{\"\"2\"\": 5, \"\"0\"\": 2}\"\n2,7,{1: 7}\n", 3, one},
		{"label,id,counts\n1,3,\"[2, 0, 5]\"\n2,7,[0, 7, 0]\n", 0, one},
		{"label id counts\n1 3 [ 2  0  5]\n2 7 [0. 7. 0.]\n", 0, one},
		{"y;idx;counts\n1;3;tensor([2, 0, 5], device='cuda:0')\n2;7;(0, 7, 0)\n", 0, one},
		{"target,c2,c0,c1,idx,time\n1,5,2,0,3,0:01\n2.0,0,0.0,7,7.0,x\n", 0, one},
		{",idx,label,count_0,count_1,count_2\n0,3,1,2,0,5\n1,7,2,0,7,0\n", 0, one},
		{",label,0,1,2\n3,1,2,0,5\n7,2,0,7,0\n", 0, one},
		{"\xef\xbb\xbfidx label class_0 class_1 class_2\n3 1 2 0 5\n7 2 0 7 0\n", 0, one},
		{"idx\tlabel\tcounts_estimation\n3\t1\t[2, 0, 5]\n7\t2\t[0, 7, 0]\n", 0, one},
		{"idx label pred counts radius\n3 1 2 [2, 0, 5] 1\n7 2 1 [0, 7, 0] 1\n", 0, one},
		{array("<i8", "2, 3", "\x02\x00\x05\x00\x07\x00", 8), 0, bare},
		{array("|u1", "2, 3", "\x02\x00\x05\x00\x07\x00", 1), 3, bare},
		{"counts\n[2, 0, 5]\n[0, 7, 0]\n", 0, bare},
		{"index\tlabel\t0\t1\t2\n3\t1\t2\t0\t5\n7\t2\t0\t7\t0\n", 0, one},
		{"index\tlabel\tselection\testimation\n3\t1\t2:1,0:1\t[2, 0, 5]\n", 3, two},
		{"idx\tlabel\tselection_0\tselection_1\tselection_2\t" +
			"estimation_0\testimation_1\testimation_2\n3\t1\t1\t0\t1\t2\t0\t5\n", 0, two},
	} {
		if got, err := foreignRows(c.text, c.classes); err != nil ||
			!reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
	}
}

func TestForeignMalformed(t *testing.T) {
	const lists, pairs, wide = "idx\tlabel\tcounts\n", "index\tlabel\tcounts\n",
		"index\tlabel\t0\t1\n"
	for _, c := range []struct {
		text    string
		classes int
		want    string
	}{
		{"", 0, "f.tsv:1: no table of votes or certificates: empty"},
		{"index\tlabel\tscores\n", 0, `f.tsv:1: no table of votes or certificates: columns ` +
			`"index label scores", want index`},
		{"index\tlabel\t0\t2\n", 0, "f.tsv:1: no table"},
		{"index\tlabel\tc0\tc2\n", 0, `f.tsv:1: column "c2": want one column a class, from 0 to 1`},
		{"index\tlabel\tclass_1\tclass_2\n", 0, `f.tsv:1: column "class_2": want one column a`},
		{"index\tlabel\tselection_0\tselection_1\testimation_0\n", 0, "f.tsv:1: columns of 2 " +
			"classes for the selection draw and of 1"},
		{"0\t1\t[1, 2]\n", 0, `f.tsv:1: no table of votes or certificates: the first line is ` +
			`"0 1 [1, 2]", want column names`},
		{"idx label predict correct time\n0 1 1 1 0.3\n", 0, "f.tsv:1: certificates without votes"},
		{wide, 3, "f.tsv:1: columns of 2 classes, want 3"},
		{"idx\tlabel\tcounts\tc0\tc1\n", 0, `columns "counts" and "c0": either may be the votes`},
		{"idx\tlabel\tc0\tc1\tvote_0\tvote_1\n", 0, `columns "c0" and "vote_0": either may be`},
		{"idx\tlabel\tcounts\testimation\n", 0, `columns "counts" and "estimation": either may`},
		{"idx\tlabel\tc0\tc0\tc1\n", 0, `columns "c0" and "c0": either may be class 0: keep one`},
		{array("<i4", "2, 3, 1", "\x00\x00\x00\x00\x00\x00", 4), 0,
			"f.tsv: an array of shape [2 3 1], want [examples, classes]"},
		{array("|i1", "1, 2", "\x01\xff", 1), 0, "f.tsv:1: -1 votes for class 1, want a whole"},
		{array("<i2", "3, 0", "", 2), 10, "f.tsv: votes of 0 classes, want 2 to"},
		{array("<i2", "1, 3", "\x01", 2), 0, "f.tsv: 2 bytes or more of items, want 6"},
		{lists + "0\t1\t[1, 2]\n1\t1\t[1, 2", 0, `f.tsv:3: counts: "[1, 2"…, a list without its ` +
			"closing bracket: cut off? the last line does not end"},
		{lists + "0\t1\t[1, 2\n", 0, "f.tsv:2: counts: \"[1, 2\"…, a list without its closing " +
			"bracket"},
		{lists + "0\t1\t[1, 2]\n1\t1\t[1, 2, 3]\n", 0, "f.tsv:3: counts: 3 counts, want 2"},
		{lists + "0\t1\t[1, 2.5]\n", 0, `f.tsv:2: counts: "2.5", want a whole number`},
		{lists + "0\t1\t[1, -2]\n", 0, `f.tsv:2: counts: "-2", want a whole number`},
		{lists + "0\t1\t[1, 999999999999999999]\n", 0, "f.tsv:2: counts: "},
		{lists + "0\t2\t[1, 2]\n", 0, "f.tsv:2: label: 2, want one of 2 classes"},
		{lists + "0\t-1\t[1, 2]\n", 0, `f.tsv:2: label: "-1"`},
		{lists + "x\t1\t[1, 2]\n", 0, `f.tsv:2: idx: "x"`},
		{lists + "0\t1\n", 0, "f.tsv:2: 2 columns, want 3"},
		{pairs + "0\t1\t0:1\n", 0, "give --classes"},
		{pairs + "0\t1\t0:1,0:2\n", 2, "f.tsv:2: counts: class 0 is there twice"},
		{pairs + "0\t1\t2:1\n", 2, "f.tsv:2: counts: class 2, want one of 0 to 1"},
		{pairs + "0\t1\t{3: 90, 5: 10}\n", 0, `f.tsv:2: counts: "3: 90, 5: 10": class:count pairs`},
		{pairs + "0\t1\t0:3,1:2\n1\t1\t0:5\n", 0, "f.tsv:3: counts: \"0:5\": class:count pairs of"},
		{pairs + "0\t1\t\n", 2, "want class:count pairs"},
		{wide + "0\t1\t1\t\n", 0, `f.tsv:2: 1: "", want`},
	} {
		if _, err := foreignRows(c.text, c.classes); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

func write(t *testing.T, name, text string) Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return Source{Path: path}
}

const foreignHeader = "idx\tlabel\tcounts\n"

func TestImport(t *testing.T) {
	m := Import{
		Selection: write(t, "s.tsv", foreignHeader+"40\t1\t[2, 0, 3]\n10\t0\t[1, 4, "+
			"0]\n70\t2\t[0, 0, 5]\n"),
		Estimation: write(t, "e.tsv", foreignHeader+"40\t1\t[5, 0, 15]\n10\t0\t[2, 8, "+
			"10]\n70\t2\t[0, 0, 20]\n"),
		Name: "theirs", Sigma: 0.5, N0: 5, N: 20,
	}
	dir := filepath.Join(t.TempDir(), "made", "run")
	r, n, err := m.Write(t.Context(), dir)
	if err != nil || n != 3 || r.Examples != (Plan{Start: 10, Stride: 30, Count: 3}) {
		t.Fatal(r, n, err)
	}
	log, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := log.All()
	want := rs.Evidence{Index: 40, Label: 1, Class: 2, Sigma: 0.5, Selection: rs.Votes{2, 0, 3},
		Estimation: rs.Votes{5, 0, 15}, Clean: rs.Clean{Class: rs.Abstain}}
	if err != nil || len(rows) != 3 || !reflect.DeepEqual(rows[0], want) {
		t.Errorf("%+v, %v", rows, err)
	}
	if _, _, err := m.Write(t.Context(), dir); err == nil ||
		!strings.Contains(err.Error(), "not empty") {
		t.Error(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	other := filepath.Join(filepath.Dir(dir), "other")
	if _, _, err := m.Write(stopped, other); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("a stopped import left a folder")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*")); left != nil {
		t.Error("left behind:", left)
	}
}

func TestImportRefuses(t *testing.T) {
	s := foreignHeader + "0\t1\t[2, 3]\n1\t0\t[1, 4]\n"
	e := foreignHeader + "0\t1\t[5, 15]\n1\t0\t[12, 8]\n"
	for _, c := range []struct {
		s, e string
		edit func(*Import)
		want string
	}{
		{s, e[:len(e)-1-len("1\t0\t[12, 8]")], nil, "e.tsv has no row for this one"},
		{s[:len(s)-1-len("1\t0\t[1, 4]")], e, nil, "s.tsv has no row for this one"},
		{s, strings.Replace(e, "1\t0", "2\t0", 1), nil, "e.tsv:3: example 2 of label 0, but "},
		{s, strings.Replace(e, "1\t0", "1\t1", 1), nil, "e.tsv:3: example 1 of label 1, but "},
		{s, strings.Replace(e, "12", "11", 1), nil, "e.tsv:3: 19 estimation draws, want 20"},
		{strings.Replace(s, "4", "5", 1), e, nil, "e.tsv:3: 6 selection draws, want 5"},
		{s, e, func(m *Import) { m.N = 30 }, "e.tsv:2: 20 estimation draws, want 30"},
		{s, e, func(m *Import) { m.Split = 3 }, "nothing to split"},
		{s, e, func(m *Import) { m.Selection = Source{} }, "e.tsv:1: one draw: the class must " +
			"not be chosen"},
		{s, e, func(m *Import) { m.Selection, m.Split = Source{}, 20 },
			"e.tsv:2: 20 draws, too few to set 20 aside"},
		{s, e, func(m *Import) { m.Sigma = math.NaN() }, "sigma: NaN"},
		{foreignHeader + "0\t0\t[0, 0]\n", foreignHeader + "0\t0\t[0, 0]\n", nil,
			"e.tsv:2: no draws"},
		{foreignHeader, foreignHeader, nil, "e.tsv: no rows"},
		{s + "0\t1\t[2, 3]\n", e + "0\t1\t[5, 15]\n", nil, "e.tsv:4: index 0 is there twice"},
		{s + "2000000\t1\t[2, 3]\n", e + "2000000\t1\t[5, 15]\n", nil, "evenly spaced"},
	} {
		m := Import{Selection: write(t, "s.tsv", c.s), Estimation: write(t, "e.tsv", c.e),
			Sigma: 0.5}
		if c.edit != nil {
			c.edit(&m)
		}
		dir := filepath.Join(t.TempDir(), "run")
		if _, _, err := m.Write(t.Context(), dir); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("a refused import left a folder")
		}
	}
}

// One draw is split into two that are independent: their sum is the draw, and over many
// rows the part set aside has the mean and the spread of draws without replacement.
func TestImportOneDraw(t *testing.T) {
	var text strings.Builder
	text.WriteString(foreignHeader)
	const rows = 2000
	for i := range rows {
		fmt.Fprintf(&text, "%d\t0\t[60, 40]\n", i)
	}
	m := Import{Estimation: write(t, "e.tsv", text.String()), Sigma: 0.5, Split: 30, Seed: 1}
	dirs := [2]string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")}
	for i, dir := range dirs {
		m.Seed = uint64(i)
		if _, _, err := m.Write(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Equal(counts(t, dirs[0]), counts(t, dirs[1])) {
		t.Error("the seed does not act")
	}
	log, err := Open(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	if log.Run.N0 != 30 || log.Run.N != 70 {
		t.Errorf("n0 %d, n %d", log.Run.N0, log.Run.N)
	}
	sum, squares := 0.0, 0.0
	for e, err := range log.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Selection[0]+e.Estimation[0] != 60 || e.Selection[1]+e.Estimation[1] != 40 {
			t.Fatal(e)
		}
		d := float64(e.Selection[0]) - 18
		sum, squares = sum+d, squares+d*d
	}
	variance := 30 * 0.6 * 0.4 * 70.0 / 99 // hypergeometric
	if math.Abs(sum/rows) > 5*math.Sqrt(variance/rows) ||
		math.Abs(squares/rows/variance-1) > 5*math.Sqrt(2.0/rows) {
		t.Errorf("mean off by %g, variance %g, want %g", sum/rows, squares/rows, variance)
	}
}

// No panic, and what is read is what is there: written in another form, it reads back the same.
func FuzzForeign(f *testing.F) {
	for _, text := range []string{
		"idx\tlabel\tcounts\n3\t1\t[2, 0, 5]\n",
		"index\tlabel\tcounts\n3\t1\t0:2,2:5\n",
		"index\tlabel\t0\t1\t2\n3\t1\t2\t0\t5\n",
		"index\tlabel\tselection\testimation\n3\t1\t2:1,0:1\t[2, 0, 5]\n",
		"idx\tlabel\tselection_0\tselection_1\testimation_0\testimation_1\n3\t1\t1\t0\t1\t2\r\n",
		"idx\tlabel\tpredict\tradius\tcorrect\ttime\n20\t7\t7\t0.0734\t1\t15.4\n",
		"id,y,votes\n3,1,\"{\"\"2\"\": 5}\"\n7,2,(0, 7, 0)\n",
		"y c1 c0 c2\n1 2 3.0 4\n1 2 3 4",
		"\xff\xfei\x00d\x00\n\x00",
		array("<i8", "2, 3", "\x02\x00\x05\x00\x07\x00", 8),
	} {
		f.Add(text, 0)
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, classes int) {
		if classes < 0 || classes > 1000 {
			return
		}
		ReadRadii(strings.NewReader(text), "r.tsv")
		rows, err := foreignRows(text, classes)
		if err != nil && !strings.HasPrefix(err.Error(), "f.tsv:") {
			t.Errorf("no file and line: %v", err)
		}
		if err != nil || len(rows) == 0 {
			return
		}
		list := func(v rs.Votes) string {
			return strings.ReplaceAll(fmt.Sprint([]int(v)), " ", ", ")
		}
		again := "counts\n"
		if rows[0].Selection != nil {
			again = "selection\testimation\n"
		}
		labelled := rows[0].Label != rs.Abstain
		if labelled {
			again = "label\t" + again
		}
		again = "idx\t" + again
		for _, row := range rows {
			if row.Label >= len(row.Estimation) || slices.Min(row.Estimation) < 0 {
				t.Errorf("%+v", row)
			}
			if again += fmt.Sprintf("%d\t", row.Index); labelled {
				again += fmt.Sprintf("%d\t", row.Label)
			}
			if row.Selection != nil {
				again += list(row.Selection) + "\t"
			}
			again += list(row.Estimation) + "\n"
		}
		if got, err := foreignRows(again, classes); err != nil || !reflect.DeepEqual(got, rows) {
			t.Errorf("%q read back as %v, %v", again, got, err)
		}
	})
}
