package certify

import (
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// publishedRadii are those of locuslab/smoothing's tables.
var publishedRadii = []float64{0.25, 0.5, 0.75, 1, 1.25, 1.5}

// Published is a table of certificates without votes, that others published.
type Published struct {
	Name  string
	Sigma float64 // of the noise; 0 is what the table says, or unknown
	countlog.Radii
}

// PublishedAccuracy has a row a table: certified accuracy at the radii that Cohen et al. 2019
// report, and the average certified radius with half of its 95% confidence interval over images.
// The implied n is the number of draws at which all votes for one class give the largest radius,
// with error probability alpha. shown is the table for reading.
func PublishedAccuracy(tables []Published, alpha float64) (exact, shown *table.Table) {
	first := slices.Concat([]string{"table", "examples"}, radiusColumns(publishedRadii))
	last := []string{"sigma", "largest radius", "implied n"}
	exact = &table.Table{Columns: slices.Concat(first, []string{"average radius", "half width"}, last)}
	shown = &table.Table{Columns: slices.Concat(first, []string{"average radius"}, last)}
	for _, p := range tables {
		results, most := p.Results(), 0.0
		before := []string{p.Name, fmt.Sprint(len(results))}
		for _, r := range publishedRadii {
			before = append(before, fmt.Sprintf("%.3f", rs.CertifiedAccuracy(results, r)))
		}
		for _, r := range results {
			most = max(most, r.Radius)
		}
		low, high := p.noise()
		sigma, implied := "-", "-"
		switch {
		case low < high:
			sigma = number(low) + " to " + number(high)
		case low > 0:
			sigma = number(low)
			if most > 0 {
				half := halfDigit(most)
				implied = fmt.Sprintf("%.3g to %.3g", impliedDraws(most-half, low, alpha),
					impliedDraws(most+half, low, alpha))
			}
		}
		after, a := []string{sigma, fmt.Sprintf("%g", most), implied}, rs.RadiusInterval(results, level)
		exact.Rows = append(exact.Rows, slices.Concat(before, []string{number(a.Mean), number(a.Half)},
			after))
		shown.Rows = append(shown.Rows, slices.Concat(before, []string{a.String()}, after))
	}
	return exact, shown
}

// noise is the least and the largest noise level of the rows.
func (p Published) noise() (low, high float64) {
	if p.Sigma > 0 || len(p.Rows) == 0 {
		return p.Sigma, p.Sigma
	}
	low = math.Inf(1)
	for _, row := range p.Rows {
		low, high = min(low, row.Sigma), max(high, row.Sigma)
	}
	return low, high
}

// impliedDraws is the n at which the ceiling σΦ⁻¹(α^(1/n)), all n votes for one class, is radius.
func impliedDraws(radius, sigma, alpha float64) float64 {
	miss := math.Erfc(radius/sigma/math.Sqrt2) / 2
	return math.Log(alpha) / math.Log1p(-miss)
}

// halfDigit is half a unit of the third significant digit, to which radii are printed.
func halfDigit(radius float64) float64 {
	return math.Pow(10, math.Floor(math.Log10(radius))-2) / 2
}
