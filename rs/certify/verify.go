package certify

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/version"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Verification says what was compared and found equal, and what a reader must know.
type Verification struct{ Checked, Notes []string }

func (v *Verification) checked(format string, args ...any) {
	v.Checked = append(v.Checked, fmt.Sprintf(format, args...))
}

func (v *Verification) note(format string, args ...any) {
	v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
}

// older notes a table that no settings lie beside.
func (v *Verification) older(path, advice string) {
	v.note("%s: written by an older version: %s", path, advice)
}

// VerifyLog reads every row of the run and of its tuning images, which must be of the same model
// and dataset, and of other images. It returns them all.
func (r *Run) VerifyLog() (v *Verification, rows []rs.Evidence, err error) {
	v = &Verification{}
	if err := r.Load(); err != nil {
		return v, nil, err
	}
	v.checked("%s: every setting, format %d", r.file(), r.Format)
	v.checked("%s: %d rows: indices, labels, draws, class selected, margins",
		filepath.Join(r.Dir, countlog.CountsFile), len(r.Rows))
	if err := r.verifySeal(v, r.log, r.Dir, len(r.Rows)); err != nil {
		return v, r.Rows, err
	}
	if _, err := r.ChooseTau(Default()); err != nil { // which checks the tuning images
		return v, r.Rows, err
	}
	folder := filepath.Join(r.Dir, countlog.TuningFolder)
	log, err := countlog.Open(folder)
	if err != nil { // there are none
		return v, r.Rows, nil
	}
	tuning, err := log.All()
	if err == nil {
		v.checked("%s: %d rows, of the same model and dataset, and of other images", folder,
			len(tuning))
		err = r.verifySeal(v, log, folder, len(tuning))
	}
	return v, slices.Concat(r.Rows, tuning), err
}

// CheckMarginError is an error where the run's margin_error isn't off, which the model's is.
func (r *Run) CheckMarginError(off float64) error {
	if !(math.Abs(off/r.MarginError-1) <= 0x1p-22) { // another processor's last bits may differ
		return fmt.Errorf("%s: margin_error: %v, but under this noise its model's is %v", r.file(),
			r.MarginError, off)
	}
	return nil
}

// Verify makes the tables of Save again, from the evidence and the settings beside them, and
// compares line by line. Its error names the first difference, or what the evidence shows against
// the run's Lipschitz constant.
func (r *Run) Verify(dir string) (v *Verification, err error) {
	v = &Verification{}
	if r.contradicted != nil {
		return v, fmt.Errorf("%s: %w", r.file(), r.contradicted)
	}
	if r.Model.Lambda.Proved() { // a claimed one was compared when the run was opened
		if err := r.Contradicted(r.each()); err != nil {
			return v, fmt.Errorf("%s: %w", r.file(), err)
		}
	}
	path := filepath.Join(dir, CertificatesFile)
	again, saved, err := r.verifyCertificates(v, path)
	if err != nil || again == nil {
		return v, err
	}
	curves, alphas, err := again.curves(saved.Sets)
	if err != nil {
		return v, err
	}
	err = v.compare(filepath.Join(dir, AccuracyFile), accuracy(curves, alphas, saved.Radii), "")
	if err == nil && saved.Interval > 0 {
		err = v.compare(filepath.Join(dir, IntervalsFile), intervals(curves, alphas, saved.Radii,
			saved.Interval), "")
	}
	if err != nil {
		return v, err
	}
	earlier, err := fs.Glob(os.DirFS(dir), ResultsFolder+"/*.tsv")
	if err != nil {
		return v, err
	}
	for _, path := range earlier {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if _, _, err := r.verifyCertificates(v, path); err != nil {
			return v, err
		}
	}
	return v, nil
}

// verifyCertificates makes a table of certificates again; nil where there is none to compare with.
func (r *Run) verifyCertificates(v *Verification, path string) (again held, saved Saved,
	err error) {
	there, line, err := table.ReadFile(path)
	if err != nil {
		return nil, saved, err
	}
	if there == nil {
		v.note("%s: not there: nothing to compare", path)
		return nil, saved, nil
	}
	err = table.ReadAbout(path, &saved)
	if errors.Is(err, os.ErrNotExist) {
		v.older(path, "run certify again")
		return nil, saved, nil
	}
	if err != nil {
		return nil, saved, err
	}
	hash, err := r.Hash()
	if err != nil {
		return nil, saved, err
	}
	if hash != saved.RunHash && filepath.Base(path) != CertificatesFile {
		v.note("%s: of other evidence: not compared", path)
		return nil, saved, nil
	}
	again = held{}
	var names []string
	for _, s := range saved.Sets {
		c, err := s.config()
		if err != nil {
			return nil, saved, fmt.Errorf("%s: sets: %w", table.About(path), err)
		}
		x, err := r.Certify(c)
		if err != nil {
			return nil, saved, fmt.Errorf("%s: %w", path, err)
		}
		x.Config.Simultaneous = s.Simultaneous
		mine, err := hold(x.Certificates())
		if err != nil {
			return nil, saved, err
		}
		for name, rows := range mine {
			again[name], names = rows, append(names, name)
		}
	}
	if at, want := firstDifference(there, again.table(saved.Sets), fileColumn); at > 0 {
		return nil, saved, fmt.Errorf("%s:%d: differs from what the log gives: %s", path, at, want)
	}
	for i, row := range there.Rows {
		index, _ := strconv.Atoi(row[0]) // as it was just compared
		if name := row[fileColumn]; r.File != nil && name != "" && name != r.File(index) {
			return nil, saved, fmt.Errorf("%s:%d: file: %s, but image %d of the dataset is %q", path, i+2,
				name, index, r.File(index))
		}
	}
	caption, err := r.caption(saved.Sets, saved.Images)
	if err != nil {
		return nil, saved, fmt.Errorf("%s: sets: %w", table.About(path), err)
	}
	err = cmp.Or(oneCaption(path, line, saved.Caption),
		v.caption(table.About(path), saved.Caption, caption, saved.Lipsmooth))
	if err != nil {
		return nil, saved, err
	}
	if hash != saved.RunHash {
		return nil, saved, fmt.Errorf("%s: run_hash: %.19s, but that of the evidence is %.19s",
			table.About(path), saved.RunHash, hash)
	}
	v.checked("%s: %d rows computed again from the log: %s", path, len(there.Rows),
		strings.Join(inOrder(names), ", "))
	return again, saved, r.temperatures(v, path, saved)
}

// temperatures notes the temperatures that aren't what tuning images choose: they must have been
// fixed apart from the images certified.
func (r *Run) temperatures(v *Verification, path string, saved Saved) error {
	for _, s := range saved.Sets {
		c, err := s.config()
		if err != nil {
			return err
		}
		if c.Tau = -1; s.Tau < 0 {
			continue
		}
		chosen, err := r.ChooseTau(c)
		if err != nil {
			return err
		}
		if chosen != s.Tau {
			v.note("%s: τ = %v was given, and not chosen on tuning images", path, s.Tau)
		}
	}
	return nil
}

// caption compares the line that says settings in words. Another version may have other words.
func (v *Verification) caption(path, there, want, by string) error {
	switch {
	case there == want:
		return nil
	case by == version.String():
		return fmt.Errorf("%s: caption: begins with %.60q, and isn't what the settings say: %.60q", path,
			there, want)
	}
	v.note("%s: caption: of version %s, and not in this one's words: not compared", path, by)
	return nil
}

// oneCaption refuses a table that shows another caption than its settings have: a first line that
// begins with #, as older versions wrote them.
func oneCaption(path, line, caption string) error {
	if line != caption {
		return fmt.Errorf("%s: caption: %.60q, but its settings have %.60q", path, line, caption)
	}
	return nil
}

// compare compares a table in a file with what it should be.
func (v *Verification) compare(path string, want *table.Table, caption string) error {
	there, line, err := table.ReadFile(path)
	if err != nil {
		return err
	}
	if there == nil {
		v.note("%s: not there: nothing to compare", path)
		return nil
	}
	if at, line := firstDifference(there, want, -1); at > 0 {
		return fmt.Errorf("%s:%d: differs from what the log gives: %s", path, at, line)
	}
	if err := oneCaption(path, line, caption); err != nil {
		return err
	}
	v.checked("%s: %d rows computed again", path, len(there.Rows))
	return nil
}

// firstDifference returns the first line, from 1, in which tables differ but for a column, and what
// it should be; 0 where none does.
func firstDifference(got, want *table.Table, but int) (int, string) {
	line := func(t *table.Table, i int) []string {
		switch {
		case i == 0:
			return t.Columns
		case i > len(t.Rows):
			return []string{"no such line"}
		}
		cells := slices.Clone(t.Rows[i-1])
		if 0 <= but && but < len(cells) {
			cells[but] = ""
		}
		return cells
	}
	for i := range 1 + max(len(got.Rows), len(want.Rows)) {
		if a, b := line(got, i), line(want, i); !slices.Equal(a, b) {
			return i + 1, strings.Join(b, " ")
		}
	}
	return 0, ""
}
