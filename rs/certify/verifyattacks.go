package certify

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Pixels are the images of the split that was sampled.
type Pixels interface {
	// Images fills dst, [len(indices), h, w, c], with images in [0, 1].
	Images(dst []float32, indices []int) error
	// Shape is the size of an image, h, w, c, and the number of classes.
	Shape() (size [3]int, classes int)
}

// VerifyAttacks checks the attacks in a folder, if there are any. It checks the certified radius of
// each image, the table of the gap, and that no attack succeeded inside a certificate. If images
// isn't nil, it checks the distance of each perturbed image too. That an image is misclassified is
// the attack's word: its draws aren't made again. The run's rows must be loaded.
func (r *Run) VerifyAttacks(dir string, images Pixels) (v *Verification, err error) {
	v = &Verification{}
	path := filepath.Join(dir, AttackFile)
	made, settings, err := ReadAttacks(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return v, nil
	case err != nil:
		return v, err
	case settings == nil:
		v.older(path, "run attack --anew")
		return v, nil
	case len(made) == 0:
		v.note("%s: no attack is made yet", path)
		return v, nil
	}
	if hash, err := r.Hash(); err != nil {
		return v, err
	} else if settings.RunHash != "" && hash != settings.RunHash {
		v.note("%s: run_hash: made on other evidence: the run had other rows then", table.About(path))
	}
	c := settings.Certify()
	c.Tau = -1 // each line has its own
	if err := c.Check(); err != nil {
		return v, fmt.Errorf("%s: %w", table.About(path), err)
	}
	if err := r.verifyLines(path, made, c, settings.Caption); err != nil {
		return v, err
	}
	err = v.caption(table.About(path), settings.Caption, r.attackCaption(settings.AttackConfig),
		settings.Lipsmooth)
	if err != nil {
		return v, err
	}
	v.checked("%s: %d lines: what is certified computed again from the log, no attack inside a "+
		"certificate beyond what α lets fail", path, len(made))
	path = filepath.Join(dir, GapFile)
	var gap AttackSettings
	if err := table.ReadAbout(path, &gap); err != nil && !errors.Is(err, os.ErrNotExist) {
		return v, err
	}
	if gap.Caption != "" {
		err := v.caption(table.About(path), gap.Caption, r.attackCaption(gap.AttackConfig), gap.Lipsmooth)
		if err != nil {
			return v, err
		}
	}
	gaps, err := r.Gaps(made, c)
	if err != nil {
		return v, err
	}
	if err := v.compare(path, GapTable(gaps, gap.Radii), gap.Caption); err != nil {
		return v, err
	}
	return v, v.perturbed(filepath.Join(dir, AttackImagesFile), made, images)
}

// perturbed checks that there is no perturbed image where no attack succeeded. Unless of is nil, it
// checks how far each one lies from its own image.
func (v *Verification) perturbed(path string, made []Attack, of Pixels) error {
	var size [3]int // as the file says
	if of != nil {
		size, _ = of.Shape()
	}
	images, err := OpenImages(path, size, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		v.note("%s: not there: perturbed images aren't checked", path)
		return nil
	}
	if err != nil {
		return err
	}
	defer images.Close()
	clean := make([]float32, images.values())
	checked := 0
	for line, a := range made {
		if math.IsInf(a.Radius, 1) {
			row, err := images.Row(line)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(row, func(x float32) bool { return x != 0 }) {
				return fmt.Errorf("%s: row %d holds a perturbed image, but %s says that no attack "+
					"succeeded", path, line, AttackFile)
			}
			continue
		}
		if of == nil {
			continue
		}
		if err := of.Images(clean, []int{a.Index}); err != nil {
			return err
		}
		if _, err := images.At(line, clean, a.Radius); err != nil {
			return err
		}
		checked++
	}
	if of != nil {
		v.checked("%s: %d perturbed images, at the distance that %s says from their own", path, checked,
			AttackFile)
	}
	if len(made) < images.Rows {
		v.note("%d of %d attacks: attacking isn't finished", len(made), images.Rows)
	}
	return nil
}

// verifyLines checks what lines of attacks say besides the attacks' own findings.
func (r *Run) verifyLines(path string, made []Attack, c Config, caption string) error {
	beyond, _, err := r.Crossings(made, c)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(beyond) > 0 {
		return fmt.Errorf("%s: beyond what α = %.3g lets fail: %s", path, c.Alpha, beyond[0])
	}
	certified, err := r.Largest(made, c)
	if err != nil {
		return err
	}
	t, line, err := table.ReadFile(path)
	if err != nil {
		return err
	}
	if err := oneCaption(path, line, caption); err != nil {
		return err
	}
	columns := map[string]int{}
	for _, name := range []string{"certified", "class", "score", "lower"} {
		if columns[name] = slices.Index(t.Columns, name); columns[name] < 0 {
			return fmt.Errorf("%s:1: no column %q", path, name)
		}
	}
	for i, a := range made {
		cell, want := t.Rows[i][columns["certified"]], fmt.Sprint(certified[Aim{a.Index, a.Classifier}])
		if cell != want {
			return fmt.Errorf("%s:%d: certified: %s, but the log gives %s", path, i+2, cell, want)
		}
		cell = t.Rows[i][columns["class"]]
		class, err := strconv.Atoi(cell)
		wrong := 0 <= class && class < r.Dataset.Classes && class != a.Label
		score, bad := strconv.ParseFloat(t.Rows[i][columns["score"]], 64)
		lower, worse := strconv.ParseFloat(t.Rows[i][columns["lower"]], 64)
		if bad != nil || worse != nil || wrong && !(0.5 <= lower && lower <= score) {
			return fmt.Errorf("%s:%d: score %v, lower %v: want 0.5 <= lower <= score where an attack "+
				"succeeded", path, i+2, score, lower)
		}
		if err != nil || wrong == math.IsInf(a.Radius, 1) {
			return fmt.Errorf("%s:%d: class %s: want one other than %d where an attack succeeded, "+
				"else -1", path, i+2, cell, a.Label)
		}
	}
	return nil
}
