package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training/attack"
)

// attackImagesFile has the perturbed image of each line of the table of attacks.
const attackImagesFile = "attack.npy"

// attackColumns are those of the table of attacks.
var attackColumns = append(slices.Clone(certify.AttackColumns), "certified", "attack", "class",
	"draws", "score", "lower")

// finding is what was found of an image under a classifier: a line of the table.
type finding struct {
	certify.Aim
	label          int
	tau, certified float64
	attack.Found
}

func (x finding) line(to []byte) []byte {
	radius := ""
	if !math.IsInf(x.Radius, 1) {
		radius = strconv.FormatFloat(x.Radius, 'g', -1, 64)
	}
	return fmt.Appendf(to, "%d\t%d\t%s\t%v\t%s\t%v\t%s\t%d\t%d\t%.6f\t%.6f\n", x.Index, x.label,
		x.Classifier, x.tau, radius, x.certified, x.Attack, x.Class,
		x.Draws, x.Score, x.Lower)
}

// attacks are a table of attacks to append to, and the images of its lines.
type attacks struct {
	table  *os.File
	images *attack.Images
	there  map[certify.Aim]bool // what the table has
	size   int64                // of the table
}

// otherAttacks is the error of a table whose attacks are of other settings.
type otherAttacks struct{ path string }

func (e *otherAttacks) Error() string {
	return e.path +
		": holds attacks with other settings: --anew replaces them, or choose another --out"
}

// madeAlike reports whether a folder has attacks, and whether they are of these settings.
func madeAlike(dir string, settings certify.AttackSettings) (there, alike bool, err error) {
	path := filepath.Join(dir, certify.AttackFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return false, false, nil
	}
	var made certify.AttackSettings
	err = table.ReadAbout(path, &made)
	if errors.Is(err, os.ErrNotExist) { // of an older version
		return true, false, nil
	}
	return true, made.Same(settings), err
}

// openAttacks opens the attacks of a folder, of so many lines when all are made, and cuts off a
// last line that was torn. A table of other settings is refused, and one whose images aren't there.
func openAttacks(dir string, settings certify.AttackSettings, lines int, size [3]int) (a *attacks,
	err error) {
	path := filepath.Join(dir, certify.AttackFile)
	there, alike, err := madeAlike(dir, settings)
	switch {
	case err != nil:
		return nil, err
	case !there:
		if err := (&table.Table{Columns: attackColumns}).WriteFile(path, settings); err != nil {
			return nil, err
		}
	case !alike:
		return nil, &otherAttacks{path}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	made, err := readAttacks(bytes.NewReader(whole), path)
	if err != nil {
		return nil, err
	}
	a = &attacks{there: map[certify.Aim]bool{}, size: int64(len(whole))}
	for _, x := range made {
		a.there[certify.Aim{Index: x.Index, Classifier: x.Classifier}] = true
	}
	images := filepath.Join(dir, attackImagesFile)
	if len(made) == 0 {
		a.images, err = attack.CreateImages(images, lines, size)
	} else if a.images, err = attack.OpenImages(images, size, os.O_RDWR); err == nil &&
		a.images.Rows != lines {
		a.images.Close()
		err = fmt.Errorf("%s: %d images, where %s has %d lines when all are made", images, a.images.Rows,
			certify.AttackFile, lines)
	}
	if err != nil {
		if len(made) > 0 {
			err = fmt.Errorf("%w: move %s away to attack anew", err, path)
		}
		return nil, err
	}
	if len(whole) < len(text) {
		if err := os.Truncate(path, int64(len(whole))); err != nil {
			a.images.Close()
			return nil, err
		}
	}
	if a.table, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		a.images.Close()
		return nil, err
	}
	return a, nil
}

// append adds what was found: first the images, so that no line is without. Where another process
// has added lines, none is.
func (a *attacks) append(found []finding) error {
	if len(found) == 0 {
		return nil
	}
	if info, err := a.table.Stat(); err != nil {
		return err
	} else if info.Size() != a.size {
		return fmt.Errorf("%s: another process is writing these attacks", a.table.Name())
	}
	var lines []byte
	for i, x := range found {
		if err := a.images.Put(len(a.there)+i, x.Image); err != nil {
			return err
		}
		lines = x.line(lines)
	}
	if err := a.images.Sync(); err != nil {
		return err
	}
	if _, err := a.table.Write(lines); err != nil {
		return fmt.Errorf("%w (its complete lines are kept; the same command goes on from there)", err)
	}
	for _, x := range found {
		a.there[x.Aim] = true
	}
	a.size += int64(len(lines))
	return a.table.Sync()
}

func (a *attacks) close() error { return errors.Join(a.images.Close(), a.table.Close()) }

// removeOtherAttacks removes the attacks of a folder where they are of other settings.
func removeOtherAttacks(dir string, settings certify.AttackSettings) error {
	there, alike, err := madeAlike(dir, settings)
	if !there || alike || err != nil {
		return err
	}
	for _, name := range []string{certify.GapFile, attackImagesFile, certify.AttackFile} {
		path := filepath.Join(dir, name)
		for _, path := range []string{path, table.About(path)} {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func readAttacks(r io.Reader, path string) ([]certify.Attack, error) {
	t, err := table.Read(r, path)
	if err != nil {
		return nil, err
	}
	made, err := certify.Attacks(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return made, nil
}
