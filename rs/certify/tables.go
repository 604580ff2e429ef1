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

// Accuracy has a row a method: α, certified accuracy at the radii, and the average certified
// radius. Of images without labels, it has the fraction that abstains and the mean radius of the
// rest.
func (x *Result) Accuracy() *table.Table { return accuracy(x.Curves, x.alphas(), x.Config.Radii) }

func (x *Result) alphas() []float64 {
	return slices.Repeat([]float64{x.Config.Alpha}, len(x.Curves))
}

func accuracy(curves []Curve, alphas, radii []float64) *table.Table {
	if unlabelled(curves) {
		return radiiAlone(curves, alphas)
	}
	t := &table.Table{Columns: slices.Concat([]string{"method", "alpha"}, radiusColumns(radii),
		[]string{"average radius"})}
	for i, curve := range curves {
		row := []string{curve.Method, number(alphas[i])}
		for _, r := range radii {
			row = append(row, fmt.Sprintf("%.3f", rs.CertifiedAccuracy(curve.Results, r)))
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprintf("%.4f", rs.AverageRadius(curve.Results))))
	}
	return t
}

// Summary is Accuracy with the half width of the 95% confidence interval of each average radius,
// over images, and the seconds. shown is the table for reading.
func (x *Result) Summary() (exact, shown *table.Table) {
	exact, shown = x.Accuracy(), x.Accuracy()
	last := len(shown.Columns) - 1
	known := !unlabelled(x.Curves)
	if known {
		exact.Columns = append(exact.Columns, "half width")
	}
	exact.Columns, shown.Columns = append(exact.Columns, "seconds"), append(shown.Columns, "seconds")
	for i, curve := range x.Curves {
		if known {
			a := rs.RadiusInterval(curve.Results, level)
			shown.Rows[i][last] = a.String()
			exact.Rows[i][last] = number(a.Mean)
			exact.Rows[i] = append(exact.Rows[i], number(a.Half))
		}
		shown.Rows[i][1] = fmt.Sprintf("%.3g", x.Config.Alpha)
		seconds := fmt.Sprintf("%.3f", x.Seconds[i])
		exact.Rows[i], shown.Rows[i] = append(exact.Rows[i], seconds), append(shown.Rows[i], seconds)
	}
	return exact, shown
}

// unlabelled reports whether no example has a label.
func unlabelled(curves []Curve) bool {
	return len(curves) > 0 && len(curves[0].Results) > 0 && len(rs.Labelled(curves[0].Results)) == 0
}

// radiiAlone is accuracy of examples without labels.
func radiiAlone(curves []Curve, alphas []float64) *table.Table {
	t := &table.Table{Columns: []string{"method", "alpha", "abstains", "mean radius"}}
	for i, curve := range curves {
		sum, classes := 0.0, 0
		for _, r := range curve.Results {
			if r.Class != rs.Abstain {
				sum, classes = sum+r.Radius, classes+1
			}
		}
		n := len(curve.Results)
		t.Rows = append(t.Rows, []string{curve.Method, number(alphas[i]),
			fmt.Sprintf("%.3f", float64(n-classes)/float64(n)),
			fmt.Sprintf("%.4f", sum/float64(max(1, classes)))})
	}
	return t
}

// Intervals has the ends of the confidence interval of each certified accuracy of Accuracy, at the
// config's level.
func (x *Result) Intervals() *table.Table {
	return intervals(x.Curves, x.alphas(), x.Config.Radii, x.Config.Interval)
}

func intervals(curves []Curve, alphas, radii []float64, level float64) *table.Table {
	t := &table.Table{Columns: append([]string{"method", "alpha", "end"}, radiusColumns(radii)...)}
	if unlabelled(curves) {
		curves = nil
	}
	for i, curve := range curves {
		low := []string{curve.Method, number(alphas[i]), "low"}
		high := []string{curve.Method, number(alphas[i]), "high"}
		for _, r := range radii {
			lo, hi := rs.AccuracyBand(curve.Results, r, level)
			low, high = append(low, fmt.Sprintf("%.3f", lo)), append(high, fmt.Sprintf("%.3f", hi))
		}
		t.Rows = append(t.Rows, low, high)
	}
	return t
}

// certificateColumns are those of a table of certificates: numbers are numbers to pandas, and
// correct is True, False, or empty where the label, -1, isn't known.
var certificateColumns = []string{"index", "file", "label", "correct", "method", "alpha", "class",
	"radius", "level", "alpha_spent", "bounds"}

// Some of certificateColumns.
const (
	fileColumn   = 1
	labelColumn  = 2
	classColumn  = 6
	radiusColumn = 7
)

// Certificates has a row for each image and method: the certificate, and the bounds that α was
// spent on. A class of -1 abstains. The level is the margin that a draw had to reach to count, in
// logits. A level of 0 counts votes.
func (x *Result) Certificates() *table.Table {
	t := &table.Table{Columns: certificateColumns, Rows: make([][]string, 0,
		len(x.Indices)*len(x.Curves))}
	rests, alpha := x.claimed(), number(x.Config.Alpha)
	var b []byte
	for i, index := range x.Indices {
		file := ""
		if x.File != nil {
			file = x.File(index)
		}
		for _, curve := range x.Curves {
			r := curve.Results[i]
			b = appendLedger(b[:0], r.Ledger)
			if slices.Contains(rests, curve.Method) {
				if len(b) > 0 {
					b = append(b, "; "...)
				}
				b = append(strconv.AppendFloat(append(b, "Λ = "...), x.Run.Model.Lambda.Value(), 'g',
					-1, 64),
					" claimed"...)
			}
			correct := "False"
			if r.Right() {
				correct = "True"
			} else if r.Label < 0 {
				correct = ""
			}
			t.Rows = append(t.Rows, []string{strconv.Itoa(index), file, strconv.Itoa(r.Label),
				correct,
				curve.Method, alpha, strconv.Itoa(r.Class), number(r.Radius), number(r.Level()),
				number(r.Alpha()), string(b)})
		}
	}
	return t
}

// number is the shortest decimal that reads back exactly.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

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
		b = append(b, s.Of...)
		if s.Level != 0 {
			b = strconv.AppendFloat(append(b, " at margin "...), s.Level, 'g', -1, 64)
		}
		b = append(append(append(b, side...), s.Bound...), ' ')
		b = append(strconv.AppendFloat(b, s.Value, 'g', 17, 64), " at "...)
		b = append(strconv.AppendInt(b, int64(s.Times), 10), "×"...)
		b = strconv.AppendFloat(b, s.Alpha, 'g', -1, 64)
	}
	return b
}
