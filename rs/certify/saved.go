package certify

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/version"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Files that Save writes.
const (
	// every image and method, by the latest settings of each method
	CertificatesFile = "certificates.tsv"
	// certified accuracy and average radius of each of these methods
	AccuracyFile  = "table.tsv"
	IntervalsFile = "intervals.tsv" // confidence intervals of these accuracies
	ResultsFolder = "results"       // certificates by earlier settings, a table for each
)

// Saved is what the JSON beside certificates.tsv says: with what the tables of its folder were
// made.
type Saved struct {
	Caption   string    `json:"caption"`   // the settings in one line, for people
	Lipsmooth string    `json:"lipsmooth"` // version that wrote the tables
	RunHash   string    `json:"run_hash"`  // of the evidence, see [countlog.Log.Hash]
	Images    int       `json:"images"`
	Radii     []float64 `json:"radii,omitempty"`    // of table.tsv and intervals.tsv
	Interval  float64   `json:"interval,omitempty"` // level of intervals.tsv
	Sets      []Set     `json:"sets"`
}

// ReadSaved reads what a folder's certificates were made with. Its error wraps os.ErrNotExist where
// there are none, or where an older version wrote them.
func ReadSaved(dir string) (s Saved, err error) {
	return s, table.ReadAbout(filepath.Join(dir, CertificatesFile), &s)
}

// held are certificates as they stand in a table: rows by method, in the order of the images.
type held map[string][][]string

// rows takes a table of certificates apart.
func hold(t *table.Table) (held, error) {
	at := slices.Index(t.Columns, "method")
	if !slices.Equal(t.Columns, certificateColumns) {
		return nil, fmt.Errorf("columns %v, want %v", t.Columns, certificateColumns)
	}
	h := held{}
	for _, row := range t.Rows {
		h[row[at]] = append(h[row[at]], row)
	}
	return h, nil
}

// table puts the methods of sets together, image by image.
func (h held) table(sets []Set) *table.Table {
	var names []string
	for _, s := range sets {
		names = append(names, s.Methods...)
	}
	names = inOrder(names)
	t := &table.Table{Columns: certificateColumns}
	if len(names) == 0 {
		return t
	}
	t.Rows = make([][]string, 0, len(names)*len(h[names[0]]))
	for i := range h[names[0]] {
		for _, name := range names {
			t.Rows = append(t.Rows, h[name][i])
		}
	}
	return t
}

// curve reads what a method says of each image.
func (h held) curve(name string) (c Curve, err error) {
	c.Method = name
	for _, row := range h[name] {
		var r rs.Result
		var bad [3]error
		r.Label, bad[0] = strconv.Atoi(row[labelColumn])
		r.Class, bad[1] = strconv.Atoi(row[classColumn])
		r.Radius, bad[2] = strconv.ParseFloat(row[radiusColumn], 64)
		if err := errors.Join(bad[:]...); err != nil {
			return c, fmt.Errorf("%s of image %s: %w", name, row[0], err)
		}
		c.Results = append(c.Results, r)
	}
	return c, nil
}

// readHeld reads certificates and what they were made with; nil where there are none.
func readHeld(path string) (h held, s Saved, err error) {
	t, _, err := table.ReadFile(path)
	if t == nil || err != nil {
		return nil, s, err
	}
	if err := table.ReadAbout(path, &s); err != nil {
		return nil, s, err
	}
	if h, err = hold(t); err != nil {
		return nil, s, fmt.Errorf("%s: %w", path, err)
	}
	for _, set := range s.Sets {
		for _, name := range set.Methods {
			if len(h[name]) != s.Images {
				return nil, s, fmt.Errorf("%s: %d images by %s, where %s says %d", path,
					len(h[name]), name,
					table.About(path), s.Images)
			}
		}
	}
	return h, s, nil
}

// Save writes the result into a folder: certificates.tsv, table.tsv, intervals.tsv where the config
// has a level, and the settings as JSON beside certificates.tsv. What lies there by other methods
// stays. Certificates by the same method with other settings, or of other evidence, go to results/,
// so that certificates.tsv has one row an image and method.
func (x *Result) Save(dir string) error {
	hash, err := x.Run.Hash()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, CertificatesFile)
	kept, before, err := readHeld(path)
	switch {
	case errors.Is(err, os.ErrNotExist): // a version before wrote no settings
		if err := moveOlder(dir); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("%w: move it away to certify anew", err)
	}
	now := Saved{Lipsmooth: version.String(), RunHash: hash, Images: len(x.Indices),
		Radii: x.Config.Radii, Interval: x.Config.Interval}
	own := x.set()
	for _, s := range before.Sets {
		stays, aside := s, s
		stays.Methods, aside.Methods = nil, nil
		for _, name := range s.Methods {
			switch {
			case before.RunHash != hash:
				aside.Methods = append(aside.Methods, name)
			case !slices.Contains(own.Methods, name):
				stays.Methods = append(stays.Methods, name)
			case s.key() != own.key():
				aside.Methods = append(aside.Methods, name)
			}
		}
		if len(stays.Methods) > 0 {
			now.Sets = add(now.Sets, stays)
		}
		if err := x.Run.setAside(dir, before, aside, kept); err != nil {
			return err
		}
	}
	if err := takeBack(dir, hash, own); err != nil {
		return err
	}
	now.Sets = add(now.Sets, own)
	mine, err := hold(x.Certificates())
	if err != nil {
		return err
	}
	for name, rows := range kept {
		if mine[name] == nil {
			mine[name] = rows
		}
		for i := range rows {
			if x.File != nil && i < len(x.Indices) {
				rows[i][fileColumn] = x.File(x.Indices[i])
			}
		}
	}
	if now.Caption, err = x.Run.caption(now.Sets, now.Images); err != nil {
		return err
	}
	return now.write(dir, mine)
}

// write writes the tables of certificates.
func (s Saved) write(dir string, h held) error {
	if err := h.table(s.Sets).WriteFile(filepath.Join(dir, CertificatesFile), s); err != nil {
		return err
	}
	curves, alphas, err := h.curves(s.Sets)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, AccuracyFile)
	if err := accuracy(curves, alphas, s.Radii).WriteFile(path, nil); err != nil {
		return err
	}
	path = filepath.Join(dir, IntervalsFile)
	if s.Interval > 0 {
		return intervals(curves, alphas, s.Radii, s.Interval).WriteFile(path, nil)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// curves are those of every method of the sets, in order, each with its α.
func (h held) curves(sets []Set) (curves []Curve, alphas []float64, err error) {
	of := map[string]float64{}
	var names []string
	for _, s := range sets {
		for _, name := range s.Methods {
			of[name], names = s.Alpha, append(names, name)
		}
	}
	for _, name := range inOrder(names) {
		c, err := h.curve(name)
		if err != nil {
			return nil, nil, err
		}
		curves, alphas = append(curves, c), append(alphas, of[name])
	}
	return curves, alphas, nil
}

// resultPath is where certificates by earlier settings lie.
func resultPath(dir, hash string, s Set) string {
	evidence := strings.TrimPrefix(hash, "sha256:")
	return filepath.Join(dir, ResultsFolder, fmt.Sprintf("%s-%.8s.tsv", s.key(), evidence))
}

// setAside adds a set's certificates to those by the same settings in results/.
func (r *Run) setAside(dir string, before Saved, s Set, h held) error {
	if len(s.Methods) == 0 {
		return nil
	}
	path := resultPath(dir, before.RunHash, s)
	there, saved, err := readHeld(path)
	if err != nil {
		return err
	}
	if there == nil {
		there = held{}
	}
	for _, name := range s.Methods {
		there[name] = h[name]
	}
	saved.Sets = add(saved.Sets, s)
	saved.Lipsmooth, saved.RunHash, saved.Images = before.Lipsmooth, before.RunHash, before.Images
	if saved.Caption, err = r.caption(saved.Sets, saved.Images); err != nil {
		return err
	}
	return there.table(saved.Sets).WriteFile(path, saved)
}

// takeBack drops methods of a set from results/, as they are certified anew with the same settings.
func takeBack(dir, hash string, s Set) error {
	path := resultPath(dir, hash, s)
	there, saved, err := readHeld(path)
	if there == nil || err != nil {
		return err
	}
	rest := s
	rest.Methods = nil
	for _, name := range saved.Sets[0].Methods {
		if !slices.Contains(s.Methods, name) {
			rest.Methods = append(rest.Methods, name)
		}
	}
	if len(rest.Methods) == 0 {
		return errors.Join(os.Remove(path), os.Remove(table.About(path)))
	}
	saved.Sets = []Set{rest}
	return there.table(saved.Sets).WriteFile(path, saved)
}

// moveOlder moves tables that a version without settings wrote to results/older.
func moveOlder(dir string) error {
	older := filepath.Join(dir, ResultsFolder, "older")
	if err := os.MkdirAll(older, 0o777); err != nil {
		return err
	}
	for _, name := range []string{CertificatesFile, AccuracyFile, IntervalsFile} {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(older, name)); err != nil &&
			!errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
