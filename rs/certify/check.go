package certify

import (
	"fmt"
	"path/filepath"
	"reflect"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// file is where the run's settings lie.
func (r *Run) file() string { return filepath.Join(r.Dir, countlog.RunFile) }

// CheckModel returns an error if the run sampled another model, or if the run lacks the proved
// Lipschitz constant of the model. In errors name stands for the model.
func (r *Run) CheckModel(m countlog.Model, name string) error {
	if m.Hash != r.Model.Hash {
		return fmt.Errorf("%s: sampled from model %.12s, but %s holds %.12s", r.file(), r.Model.Hash,
			name, m.Hash)
	}
	if m = m.In(r.Model.Precision); m.Lambda.Proved() && m.Lambda != r.Model.Lambda {
		return fmt.Errorf("%s: model.lambda: %v, but that of %s is %v", r.file(), r.Model.Lambda, name,
			m.Lambda)
	}
	return nil
}

// CheckProof returns an error if the run says a proved Lipschitz constant below a bound that was
// proved again from its files, or if nothing could be proved of them, as unproved says. In errors
// name stands for the files. Another processor's last digits may differ.
func (r *Run) CheckProof(bound rs.Constant, unproved error, name string) error {
	switch l := r.Model.Lambda; {
	case !l.Proved():
		return nil
	case unproved != nil:
		return fmt.Errorf("%s: model.lambda: %v, but %w", r.file(), l, unproved)
	case l.Value() < bound.Value()*(1-0x1p-22):
		return fmt.Errorf("%s: model.lambda: %v, but of %s no less than %v is proved", r.file(), l,
			name, bound.Value())
	}
	return nil
}

// CheckDataset returns an error if the run sampled another split, or if a row's label differs from
// the label of its index. In errors name stands for the split.
func (r *Run) CheckDataset(d countlog.Dataset, label func(index int) int, rows []rs.Evidence,
	name string) error {

	if d.Hash != r.Dataset.Hash {
		return fmt.Errorf("%s: sampled on dataset %.12s, but %s is %.12s", r.file(), r.Dataset.Hash,
			name, d.Hash)
	}
	if d.Size != r.Dataset.Size || d.Classes != r.Dataset.Classes {
		return fmt.Errorf("%s: %d images of %d classes, but %s has %d of %d", r.file(), r.Dataset.Size,
			r.Dataset.Classes, name, d.Size, d.Classes)
	}
	for _, e := range rows {
		if want := label(e.Index); e.Label != want {
			return fmt.Errorf("%s: example %d: label %d, but the dataset has %d", r.Dir, e.Index, e.Label,
				want)
		}
	}
	return nil
}

// CheckDrawn compares every count of examples that were drawn again with the run's, whose rows must
// be loaded. It returns how many of them the run has.
func (r *Run) CheckDrawn(again []rs.Evidence) (compared int, err error) {
	at := map[int]rs.Evidence{}
	for _, e := range r.Rows {
		at[e.Index] = e
	}
	for _, e := range again {
		row, ok := at[e.Index]
		if !ok {
			continue
		}
		compared++
		for _, c := range []struct {
			column     string
			there, now any
		}{
			{"label", row.Label, e.Label},
			{"clean class and margin", row.Clean, e.Clean},
			{"selection", row.Selection, e.Selection},
			{"estimation", row.Estimation, e.Estimation},
			{"selection_margins", row.SelectionMargins.Counts, e.SelectionMargins.Counts},
			{"margins", row.Margins.Counts, e.Margins.Counts},
			{"scores", row.Scores, e.Scores},
		} {
			if !reflect.DeepEqual(c.there, c.now) {
				return compared, fmt.Errorf("%s: example %d: %s: drawn again, they differ",
					filepath.Join(r.Dir, countlog.CountsFile), e.Index, c.column)
			}
		}
	}
	return compared, nil
}
