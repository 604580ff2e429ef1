package countlog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A role is what a column of a table holds.
type role int

const (
	indexRole role = iota
	labelRole
	predictRole
	radiusRole
	correctRole
	sigmaRole
	countsRole // of the one draw
	selectionRole
	estimationRole
	roles
)

// known has what each role is, and the names that public code gives to its column.
var known = [roles]struct{ what, names string }{
	{"the index", "idx index id original_idx original_index image_idx image_id image_index " +
		"sample_idx sample_id data_idx example"},
	{"the true class", "label labels true_label target targets y y_true true_class gt gt_label " +
		"ground_truth"},
	{"the predicted class", "predict prediction pred predicted predictions predicted_class " +
		"predicted_label pred_class pred_label cert_pred y_pred"},
	{"the radius", "radius radii certified_radius certified_radii cert_radius cert_radius_l2 " +
		"radius_l2 l2_radius r"},
	{"whether the prediction is right", "correct is_correct"},
	{"the noise level", "sigma σ noise_sd"},
	{"the votes", "counts votes class_counts vote_counts"},
	{"the votes of the selection draw", "selection counts_selection selection_counts " +
		"votes_selection selection_votes"},
	{"the votes of the estimation draw", "estimation counts_estimation estimation_counts " +
		"votes_estimation estimation_votes"},
}

// roleOf gives the role of a name.
var roleOf = func() map[string]role {
	m := map[string]role{}
	for r, k := range known {
		for name := range strings.FieldsSeq(k.names) {
			m[name] = role(r)
		}
	}
	return m
}()

// foreignColumns says where in a table is what.
type foreignColumns struct {
	at   [roles]int // -1 where no column has the role
	wide [2][]int   // the column of each class: of the one draw or the selection, the estimation
}

// draws is the number of draws whose votes the table has.
func (c foreignColumns) draws() int {
	switch {
	case c.wide[1] != nil || c.at[estimationRole] >= 0:
		return 2
	case c.wide[0] != nil || c.at[countsRole] >= 0:
		return 1
	}
	return 0
}

// known reports whether these are columns of a table of votes or of predictions.
func (c foreignColumns) known() bool {
	return c.draws() > 0 ||
		c.at[predictRole] >= 0 && max(c.at[labelRole], c.at[radiusRole]) >= 0
}

// className is the name of a class's column.
var className = regexp.MustCompile(
	`^((?:selection_|estimation_)?(?:c|class|counts?|votes?|class_counts?)?_?)(\d{1,7})$`)

// findColumns tells what the columns are by their names, in any order. Columns of other names don't
// matter. Two of one role are an error.
func findColumns(cells [][]byte) (c foreignColumns, err error) {
	for r := range c.at {
		c.at[r] = -1
	}
	normal := strings.NewReplacer(" ", "_", "-", "_")
	classes := map[string][][2]int{} // classes and columns, of a prefix
	for i, cell := range cells {
		name := normal.Replace(strings.ToLower(string(cell)))
		if r, ok := roleOf[name]; ok {
			if first := c.at[r]; first >= 0 {
				return c, either(cells, first, i, known[r].what)
			}
			c.at[r] = i
		} else if m := className.FindStringSubmatch(name); m != nil {
			class, _ := strconv.Atoi(m[2])
			classes[m[1]] = append(classes[m[1]], [2]int{class, i})
		}
	}
	if c.at[indexRole] < 0 && len(cells) > 1 &&
		slices.Contains([]string{"", "Unnamed: 0"}, string(cells[0])) {
		c.at[indexRole] = 0 // pandas writes its index so
	}
	return c, c.classes(cells, classes)
}

// either is the error of two columns that may be the same.
func either(cells [][]byte, a, b int, what string) error {
	return fmt.Errorf("columns %s and %s: either may be %s: keep one", quote(cells[min(a, b)]),
		quote(cells[max(a, b)]), what)
}

// classes arranges the columns of classes, and checks that votes are there once.
func (c *foreignColumns) classes(cells [][]byte, found map[string][][2]int) error {
	seen := [3]int{c.at[countsRole], c.at[selectionRole], c.at[estimationRole]} // columns of votes
	for _, prefix := range slices.Sorted(maps.Keys(found)) {
		draw := 0
		switch {
		case strings.HasPrefix(prefix, "selection"):
			draw = 1
		case strings.HasPrefix(prefix, "estimation"):
			draw = 2
		}
		list, err := oneEach(cells, found[prefix])
		named := c.at[indexRole] >= 0 || c.at[labelRole] >= 0
		if draw == 0 && (len(list) == 1 || prefix == "" && (err != nil || !named)) {
			continue // a column by itself, or a row of numbers
		}
		if err != nil {
			return err
		}
		if seen[draw] >= 0 {
			return either(cells, seen[draw], list[0], "the votes")
		}
		seen[draw], c.wide[draw/2] = list[0], list
	}
	one, selection, estimation := seen[0], seen[1], seen[2]
	switch {
	case one >= 0 && max(selection, estimation) >= 0:
		return either(cells, one, max(selection, estimation), "the votes")
	case selection >= 0 && estimation >= 0 && len(c.wide[0]) != len(c.wide[1]):
		return fmt.Errorf("columns of %d classes for the selection draw and of %d for the "+
			"estimation draw", len(c.wide[0]), len(c.wide[1]))
	case selection < 0 && estimation >= 0: // another table has the selection
		c.wide[0], c.wide[1] = c.wide[1], nil
		c.at[countsRole], c.at[estimationRole] = c.at[estimationRole], -1
	case selection >= 0 && estimation < 0:
		c.at[countsRole], c.at[selectionRole] = c.at[selectionRole], -1
	}
	return nil
}

// oneEach returns the column of each class, from classes and columns.
func oneEach(cells [][]byte, found [][2]int) ([]int, error) {
	list := slices.Repeat([]int{-1}, len(found))
	for _, of := range found {
		switch class, i := of[0], of[1]; {
		case class >= len(list):
			return list, fmt.Errorf("column %s: want one column a class, from 0 to %d",
				quote(cells[i]), len(list)-1)
		case list[class] >= 0:
			return list, either(cells, list[class], i, fmt.Sprintf("class %d", class))
		default:
			list[class] = i
		}
	}
	return list, nil
}
