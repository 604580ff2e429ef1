package cli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/attack"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// attacks checks those that lie in the run's folder, if any do, and with the dataset that each
// perturbed image lies as far from its own as the table says.
func (v *verification) attacks(r *certify.Run, d *data.Dataset) error {
	found, made, err := r.VerifyAttacks(v.dir)
	if v.verified(found); err != nil || len(made) == 0 || d == nil {
		return err
	}
	return v.attackImages(made, d)
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
	v.checked("%s: %d perturbed images, at the distance that %s says from their own", path, checked,
		certify.AttackFile)
	if len(made) < images.Rows {
		fmt.Fprintf(v.w, "note: %d of %d attacks: attacking isn't finished\n", len(made), images.Rows)
	}
	return nil
}
