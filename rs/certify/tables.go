package certify

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// radiusColumns are the names of columns of radii.
func radiusColumns(radii []float64) (names []string) {
	for _, r := range radii {
		names = append(names, "r="+strconv.FormatFloat(r, 'g', -1, 64))
	}
	return names
}

// Accuracy has a row for each method: certified accuracy at the radii, average certified radius, seconds.
func (x *Result) Accuracy() *table.Table {
	t := &table.Table{Columns: slices.Concat([]string{"method"}, radiusColumns(x.Config.Radii), []string{"average radius", "seconds"})}
	for i, curve := range x.Curves {
		row := []string{curve.Method}
		for _, r := range x.Config.Radii {
			row = append(row, fmt.Sprintf("%.3f", rs.CertifiedAccuracy(curve.Results, r)))
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprintf("%.4f", rs.AverageRadius(curve.Results)), fmt.Sprintf("%.3f", x.Seconds[i])))
	}
	return t
}

// Intervals has the ends of the confidence interval of each certified accuracy of Accuracy, at the config's level.
func (x *Result) Intervals() *table.Table {
	t := &table.Table{Columns: append([]string{"method", "end"}, radiusColumns(x.Config.Radii)...)}
	for _, curve := range x.Curves {
		low, high := []string{curve.Method, "low"}, []string{curve.Method, "high"}
		for _, r := range x.Config.Radii {
			lo, hi := rs.AccuracyBand(curve.Results, r, x.Config.Interval)
			low, high = append(low, fmt.Sprintf("%.3f", lo)), append(high, fmt.Sprintf("%.3f", hi))
		}
		t.Rows = append(t.Rows, low, high)
	}
	return t
}

// Certificates has a row for each image and method: what was certified, and what α was spent on.
func (x *Result) Certificates() *table.Table {
	t := &table.Table{Columns: []string{"index", "label", "method", "class", "radius", "alpha spent", "bounds"}}
	t.Rows = make([][]string, 0, len(x.Indices)*len(x.Curves))
	rests := x.claimed()
	var b []byte
	for i, index := range x.Indices {
		for _, curve := range x.Curves {
			r := curve.Results[i]
			b = appendLedger(b[:0], r.Ledger)
			if slices.Contains(rests, curve.Method) {
				if len(b) > 0 {
					b = append(b, "; "...)
				}
				b = append(strconv.AppendFloat(append(b, "Λ = "...), x.Run.Model.Lambda, 'g', -1, 64), " claimed"...)
			}
			t.Rows = append(t.Rows, []string{
				strconv.Itoa(index), strconv.Itoa(r.Label), curve.Method, strconv.Itoa(r.Class), strconv.FormatFloat(r.Radius, 'g', -1, 64),
				strconv.FormatFloat(r.Alpha(), 'g', -1, 64), string(b),
			})
		}
	}
	return t
}

// appendLedger says what α was spent on.
func appendLedger(b []byte, ledger []rs.Spent) []byte {
	for k, s := range ledger {
		if k > 0 {
			b = append(b, "; "...)
		}
		side := " lower "
		if s.Upper {
			side = " upper "
		}
		b = append(append(append(append(b, s.Of...), side...), s.Bound...), ' ')
		b = append(strconv.AppendFloat(b, s.Value, 'g', 17, 64), " at "...)
		b = append(strconv.AppendInt(b, int64(s.Times), 10), "×"...)
		b = strconv.AppendFloat(b, s.Alpha, 'g', -1, 64)
	}
	return b
}
