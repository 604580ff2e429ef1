package countlog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An op is the import of two files of bracketed lists, as the authors of Delattre et al. 2025 log
// them: 1,000 classes, 500 rows.
func BenchmarkImport(b *testing.B) {
	const rows, classes = 500, 1000
	file := func(name string, count func(c int) int) Source {
		text := strings.Builder{}
		text.WriteString(foreignHeader)
		for i := range rows {
			fmt.Fprintf(&text, "%d\t%d\t[%d", i, i, count(i))
			for c := 1; c < classes; c++ {
				fmt.Fprintf(&text, ", %d", count((i+c)%classes))
			}
			text.WriteString("]\n")
		}
		path := filepath.Join(b.TempDir(), name)
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			b.Fatal(err)
		}
		return Source{Path: path}
	}
	m := Import{Name: "m", Sigma: 0.5,
		Selection:  file("s.tsv", func(c int) int { return 90 / (c + 1) / (c + 1) }),
		Estimation: file("e.tsv", func(c int) int { return 90000 / (c + 1) / (c + 1) })}
	dir := b.TempDir()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, n, err := m.Write(b.Context(), filepath.Join(dir, fmt.Sprint(i))); err != nil ||
			n != rows {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
