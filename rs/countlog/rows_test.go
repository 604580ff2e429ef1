package countlog

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/lipsmooth/lipsmooth/rs"
)

// readSerially reads all rows as the writer does when it resumes.
func readSerially(t *testing.T, l *Log) (rows []rs.Evidence, err error) {
	t.Helper()
	path := filepath.Join(l.dir, CountsFile)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := newScanner(f, path, newParser(&l.Run))
	for {
		e, err := s.next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, *e)
	}
}

// TestRowsInOrder: rows that are parsed in parallel equal rows that are read one after the other.
// Both end with the same error, wherever a line is damaged.
func TestRowsInOrder(t *testing.T) {
	r := testRun()
	r.Examples = Plan{Stride: 1, Count: 70}
	r.Dataset.Size = 70
	dir := t.TempDir()
	fill(t, dir, r, 70)
	whole := counts(t, dir)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	check := func(what string, text []byte, want int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, CountsFile), text, 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		serial, wrong := readSerially(t, l)
		var rows []rs.Evidence
		var failed error
		for e, err := range l.Rows() {
			if failed = err; err == nil {
				rows = append(rows, *e)
			}
		}
		if len(rows) != want || !reflect.DeepEqual(rows, serial) ||
			fmt.Sprint(failed) != fmt.Sprint(wrong) || (wrong == nil) != (want == 70) {
			t.Errorf("%s: %d rows, %v; one after the other %d rows, %v; want %d rows", what,
				len(rows), failed, len(serial), wrong, want)
		}
	}
	check("whole", whole, 70)
	check("bad header", append([]byte("x"), whole...), 0)
	for _, at := range []int{1, 2, batchLines, batchLines + 1, 3 * batchLines, 69, 70} {
		before, line, after := bytes.Join(lines[:at], nil), lines[at], bytes.Join(lines[at+1:], nil)
		check(fmt.Sprintf("line %d bad", at+1), joined(before, []byte("x"), line, after), at-1)
		check(fmt.Sprintf("line %d torn", at+1), joined(before, line[:len(line)-1]), at-1)
		if at > 1 {
			check(fmt.Sprintf("line %d twice", at+1), joined(before, lines[at-1], line, after),
				at-1)
		}
	}
}

func joined(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// A loop that ends early leaves no goroutine: the bubble would not end.
func TestRowsEndEarly(t *testing.T) {
	r := testRun()
	dir := t.TempDir()
	fill(t, dir, r, r.Examples.Count)
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for stop := range r.Examples.Count {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			for e, err := range l.Rows() {
				if err != nil || e.Index != r.Examples.At(n) {
					t.Errorf("row %d is %v, %v", n, e, err)
				}
				if n++; n > stop {
					break
				}
			}
		})
	}
}

// A log of 500 rows of 1,000 classes, most of them without votes; an op is the whole log.
func BenchmarkRows(b *testing.B) {
	const rows = 500
	r := Run{Format: Format, Model: Model{Name: "m"}, Dataset: Dataset{Classes: 1000, Size: rows},
		Examples: Every(rows),
		Sigma:    0.5, N0: 100, N: 100000, Block: 100}
	dir := b.TempDir()
	w, err := Create(dir, r)
	if err != nil {
		b.Fatal(err)
	}
	for i := range rows {
		e := &rs.Evidence{Index: i, Sigma: r.Sigma, Class: i, Selection: make(rs.Votes, 1000),
			Estimation: make(rs.Votes, 1000), Clean: rs.Clean{Class: rs.Abstain}}
		e.Selection[i] = r.N0
		left := r.N
		for c := 1; c < 400; c++ {
			v := max(1, 20000/(c*c))
			e.Estimation[(i+7*c)%1000] += v
			left -= v
		}
		e.Estimation[i] += left
		if err := w.Append(e); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, CountsFile))
	if err != nil {
		b.Fatal(err)
	}
	l, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		if n, err := l.Count(); n != rows || err != nil {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
