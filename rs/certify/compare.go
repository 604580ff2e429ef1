package certify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// A Comparison sets average certified radii side by side.
type Comparison struct {
	Level float64 // of each confidence interval by itself
	Rows  []Compared
}

// Compared is what a method certifies of a run, beside what it is compared with.
type Compared struct {
	Run      string // its folder
	Method   string
	Settings Settings
	Average  rs.Average
	// Against is what it is compared with: the first run, or a method of the one run. It is empty
	// where nothing has the same method.
	Against string
	// Change is the average radius less that of Against, over the images that both have. Its N is 0
	// where no image is common.
	Change rs.Average
}

// Compare compares each method of the results with the same method of the first result. The
// methods of one result it compares with mono, or with the first method. Differences are paired:
// they are of the images that both runs have, by the hash of the dataset and the index.
func Compare(level float64, results ...*Result) (*Comparison, error) {
	if len(results) == 0 {
		return nil, fmt.Errorf("compare: no run given")
	}
	if !(0 < level && level < 1) {
		return nil, fmt.Errorf("compare: level %v: must lie between 0 and 1", level)
	}
	c := &Comparison{Level: level}
	first := results[0]
	for _, method := range methodsOf(results) {
		for i, x := range results {
			curve, ok := x.curve(method)
			if !ok {
				continue
			}
			row := Compared{Run: x.Run.Dir, Method: method, Settings: x.Settings(),
				Average: rs.RadiusInterval(curve.Results, level)}
			base, against := Curve{}, ""
			switch other, there := first.curve(method); {
			case len(results) == 1 && first.reference() != method:
				against = first.reference()
				base, _ = first.curve(against)
			case i > 0 && there:
				base, against = other, first.Run.Dir
			}
			if against != "" {
				a, b, err := pair(x, first, curve, base)
				if err != nil {
					return nil, err
				}
				row.Against, row.Change = against, rs.PairedRadius(a, b, level)
			}
			c.Rows = append(c.Rows, row)
		}
	}
	return c, nil
}

// reference is the method that others of the same run are compared with.
func (x *Result) reference() string {
	if _, ok := x.curve(votesAlone); ok || len(x.Curves) == 0 {
		return votesAlone
	}
	return x.Curves[0].Method
}

func (x *Result) curve(method string) (Curve, bool) {
	i := slices.IndexFunc(x.Curves, func(c Curve) bool { return c.Method == method })
	if i < 0 {
		return Curve{}, false
	}
	return x.Curves[i], true
}

// methodsOf are the methods of all results, in the order of rs.Methods.
func methodsOf(results []*Result) []string {
	var names []string
	for _, x := range results {
		for _, c := range x.Curves {
			names = append(names, c.Method)
		}
	}
	return inOrder(names)
}

// pair returns the results of the images that x and y both have.
func pair(x, y *Result, of, with Curve) (a, b []rs.Result, err error) {
	p, q := x.Run.Dataset, y.Run.Dataset
	if p.Hash != q.Hash || p.Split != q.Split {
		return nil, nil, nil
	}
	at := map[int]rs.Result{}
	for i, index := range y.Indices {
		at[index] = with.Results[i]
	}
	for i, index := range x.Indices {
		other, ok := at[index]
		if !ok {
			continue
		}
		if other.Label != of.Results[i].Label {
			return nil, nil, fmt.Errorf("compare: image %d has label %d in %s, and %d in %s", index,
				of.Results[i].Label, x.Run.Dir, other.Label, y.Run.Dir)
		}
		a, b = append(a, of.Results[i]), append(b, other)
	}
	return a, b, nil
}

// Table has a row a method and run, in exact numbers. Low and high are the ends of the confidence
// interval of the change.
func (c *Comparison) Table() *table.Table {
	t := &table.Table{Columns: []string{"method", "run", "model", "sigma", "n", "alpha", "images",
		"average_radius", "half_width", "against", "paired_images", "change", "low", "high"}}
	for _, r := range c.Rows {
		s := r.Settings
		row := []string{r.Method, r.Run, s.Model, number(s.Sigma), fmt.Sprint(s.N), number(s.Alpha),
			fmt.Sprint(r.Average.N), number(r.Average.Mean), number(r.Average.Half), r.Against, "", "",
			"", ""}
		if r.Change.N > 0 {
			row[10], row[11] = fmt.Sprint(r.Change.N), number(r.Change.Mean)
			row[12], row[13] = number(r.Change.Low()), number(r.Change.High())
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Summary is the table for reading, as benchstat's: three digits, and "~" where the interval holds
// 0. It leaves out the settings that all rows share, and the beginning that all folders share.
func (c *Comparison) Summary() *table.Table {
	name := c.Names()
	settings := []struct {
		name string
		of   func(Compared) string
	}{
		{"run", func(r Compared) string { return name(r.Run) }},
		{"model", func(r Compared) string { return r.Settings.Model }},
		{"σ", func(r Compared) string { return number(r.Settings.Sigma) }},
		{"n", func(r Compared) string { return fmt.Sprint(r.Settings.N) }},
	}
	t := &table.Table{Columns: []string{"method"}, Rows: make([][]string, len(c.Rows))}
	for i, r := range c.Rows {
		t.Rows[i] = []string{r.Method}
	}
	for _, s := range settings {
		if slices.ContainsFunc(c.Rows, func(r Compared) bool { return s.of(r) != s.of(c.Rows[0]) }) {
			t.Columns = append(t.Columns, s.name)
			for i, r := range c.Rows {
				t.Rows[i] = append(t.Rows[i], s.of(r))
			}
		}
	}
	t.Columns = append(t.Columns, "images", "against", "average radius", "change")
	for i, r := range c.Rows {
		change, images := "", ""
		if r.Against != "" {
			change, images = "~", fmt.Sprint(r.Change.N)
		}
		if r.Change.N > 0 && r.Change.Differs() {
			change = r.Change.String()
			if r.Change.Mean > 0 {
				change = "+" + change
			}
		}
		t.Rows[i] = append(t.Rows[i], images, name(r.Against), r.Average.String(), change)
	}
	return t
}

// Names returns a function that shortens the folder of a run: without the folders at the beginning
// that all runs share.
func (c *Comparison) Names() func(folder string) string {
	common := ""
	for i, r := range c.Rows {
		above := r.Run[:strings.LastIndexByte(r.Run, '/')+1]
		if i == 0 {
			common = above
		}
		for !strings.HasPrefix(above, common) {
			common = common[:strings.LastIndexByte(strings.TrimSuffix(common, "/"), '/')+1]
		}
	}
	return func(folder string) string { return strings.TrimPrefix(folder, common) }
}
