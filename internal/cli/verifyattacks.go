package cli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training/attack"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// attacks checks those that lie in the run's folder, if any do: what was certified of each image, and that no attack succeeded inside
// a certificate, from the log; the table of the gap; and with the dataset that each perturbed image lies as far from its own as the
// table says. That an image is misclassified is the attack's word: its draws aren't made again.
func (v *verification) attacks(r *certify.Run, d *data.Dataset) error {
	path := filepath.Join(v.dir, attackFile)
	made, caption, err := loadAttacks(v.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(made) == 0 {
		fmt.Fprintf(v.w, "note: %s: no attack is made yet\n", path)
		return nil
	}
	found := alphaCaption.FindStringSubmatch(caption)
	if found == nil {
		return fmt.Errorf("%s:1: want a caption that says α", path)
	}
	alpha, err := strconv.ParseFloat(found[1], 64)
	if err != nil || checkAlpha(alpha) != nil {
		return fmt.Errorf("%s:1: α = %s: must lie between 0 and 1", path, found[1])
	}
	if err := v.attackLines(path, r, made, alpha); err != nil {
		return err
	}
	if err := v.gap(r, made, alpha); err != nil {
		return err
	}
	if d == nil {
		return nil
	}
	return v.attackImages(made, d)
}

// attackLines checks what a line says besides the attack's own findings.
func (v *verification) attackLines(path string, r *certify.Run, made []certify.Attack, alpha float64) error {
	beyond, _, err := r.Crossings(made, config(alpha, -1))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(beyond) > 0 {
		return fmt.Errorf("%s: beyond what α = %v lets fail: %s", path, alpha, beyond[0])
	}
	certified, err := r.Largest(made, config(alpha, -1))
	if err != nil {
		return err
	}
	t, _, err := table.ReadFile(path)
	if err != nil {
		return err
	}
	columns := map[string]int{}
	for _, name := range []string{"certified", "class"} {
		if columns[name] = slices.Index(t.Columns, name); columns[name] < 0 {
			return fmt.Errorf("%s:2: no column %q", path, name)
		}
	}
	for i, a := range made {
		if cell, want := t.Rows[i][columns["certified"]], fmt.Sprint(certified[certify.Aim{Index: a.Index, Classifier: a.Classifier}]); cell != want {
			return fmt.Errorf("%s:%d: certified: %s, but the log gives %s", path, i+3, cell, want)
		}
		class, err := strconv.Atoi(t.Rows[i][columns["class"]])
		if wrong := 0 <= class && class < r.Dataset.Classes && class != a.Label; err != nil || wrong == math.IsInf(a.Radius, 1) {
			return fmt.Errorf("%s:%d: class %s: want one other than %d where an attack succeeded, else -1", path, i+3, t.Rows[i][columns["class"]], a.Label)
		}
	}
	v.checked("%s: %d lines: what is certified computed again from the log, no attack inside a certificate beyond what α lets fail", path, len(made))
	return nil
}

// gap computes the table of the gap again, where there is one.
func (v *verification) gap(r *certify.Run, made []certify.Attack, alpha float64) error {
	path := filepath.Join(v.dir, gapFile)
	there, _, err := table.ReadFile(path)
	if err != nil {
		return err
	}
	if there == nil {
		fmt.Fprintf(v.w, "note: %s: not there: nothing to compare\n", path)
		return nil
	}
	gaps, err := r.Gaps(made, config(alpha, -1))
	if err != nil {
		return err
	}
	lines := func(t *table.Table) (lines []string) {
		for _, row := range append([][]string{t.Columns}, t.Rows...) {
			lines = append(lines, strings.Join(row, "\t"))
		}
		return lines
	}
	if at, want := firstDifference(lines(there), lines(certify.GapTable(gaps, radiiOf(there.Columns))), 0); at > 0 {
		return fmt.Errorf("%s:%d: differs from what %s and the log give: %s", path, at+1, attackFile, want)
	}
	v.checked("%s: computed again", path)
	return nil
}

// attackImages checks how far each perturbed image is from its own.
func (v *verification) attackImages(made []certify.Attack, d *data.Dataset) error {
	path := filepath.Join(v.dir, attackImagesFile)
	images, err := attack.OpenImages(path, [3]int{d.Height, d.Width, d.Channels}, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(v.w, "note: %s: not there: perturbed images aren't checked\n", path)
		return nil
	}
	if err != nil {
		return err
	}
	defer images.Close()
	clean := make([]float32, d.Size())
	checked := 0
	for line, a := range made {
		if math.IsInf(a.Radius, 1) {
			continue
		}
		if err := d.Images(clean, []int{a.Index}); err != nil {
			return err
		}
		if _, err := images.At(line, clean, a.Radius); err != nil {
			return err
		}
		checked++
	}
	v.checked("%s: %d perturbed images, at the distance that %s says from their own", path, checked, attackFile)
	if len(made) < images.Rows {
		fmt.Fprintf(v.w, "note: %d of %d attacks: attacking isn't finished\n", len(made), images.Rows)
	}
	return nil
}
