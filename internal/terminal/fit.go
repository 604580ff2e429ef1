package terminal

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// leastText is the least width that a column of text is wrapped to.
const leastText = 24

// Fit is a table that fits so many columns of a terminal, and the names of the columns that it
// leaves out: the seconds first, then radii from the middle, then others from the middle. A last
// column of text is wrapped instead. A width of 0 has no end.
func Fit(t *table.Table, width int) (fit *table.Table, left []string) {
	for width > 0 {
		over := textWidth(t) - width
		if over <= 0 || len(t.Columns) < 2 {
			break
		}
		last := len(t.Columns) - 1
		if room := columnWidth(t, last) - over; room >= leastText {
			return wrapLast(t, room), left
		}
		c := spare(t.Columns)
		left = append(left, t.Columns[c])
		t = without(t, c)
	}
	return t, left
}

// textWidth is the width of a table as text, with two spaces between columns.
func textWidth(t *table.Table) int {
	sum := -2
	for c := range t.Columns {
		sum += columnWidth(t, c) + 2
	}
	return sum
}

func columnWidth(t *table.Table, c int) int {
	widest := length(t.Columns[c])
	for _, row := range t.Rows {
		widest = max(widest, length(row[c]))
	}
	return widest
}

// spare is the column that a reader misses least.
func spare(columns []string) int {
	if c := slices.Index(columns, "seconds"); c >= 0 {
		return c
	}
	var at []int
	var radii []float64
	for c, name := range columns {
		if text, ok := strings.CutPrefix(name, "r="); ok {
			if r, err := strconv.ParseFloat(text, 64); err == nil {
				at, radii = append(at, c), append(radii, r)
			}
		}
	}
	best, closest := -1, math.Inf(1)
	for i := 1; i+1 < len(at); i++ {
		if d := radii[i+1] - radii[i-1]; d < closest {
			best, closest = at[i], d
		}
	}
	switch {
	case best >= 0:
		return best
	case slices.Contains(columns, "alpha"):
		return slices.Index(columns, "alpha")
	case len(at) > 1:
		return at[len(at)-1]
	}
	return len(columns) / 2
}

func without(t *table.Table, c int) *table.Table {
	u := &table.Table{Columns: slices.Delete(slices.Clone(t.Columns), c, c+1)}
	for _, row := range t.Rows {
		u.Rows = append(u.Rows, slices.Delete(slices.Clone(row), c, c+1))
	}
	return u
}

// wrapLast wraps the last column into rows of their own.
func wrapLast(t *table.Table, width int) *table.Table {
	u, last := &table.Table{Columns: t.Columns}, len(t.Columns)-1
	for _, row := range t.Rows {
		for i, piece := range strings.Split(Wrap(row[last], "", width), "\n") {
			next := slices.Clone(row)
			if i > 0 {
				clear(next)
			}
			next[last] = piece
			u.Rows = append(u.Rows, next)
		}
	}
	return u
}
