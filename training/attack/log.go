package attack

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// columns are the columns of the table of attacks.
var columns = append(slices.Clone(certify.AttackColumns), "certified", "attack", "class", "draws",
	"score", "lower")

// line is what was found of an image under a classifier: a line of the table.
type line struct {
	certify.Aim
	label          int
	tau, certified float64
	Finding
}

func (x line) append(to []byte) []byte {
	radius := ""
	if !math.IsInf(x.Radius, 1) {
		radius = strconv.FormatFloat(x.Radius, 'g', -1, 64)
	}
	return fmt.Appendf(to, "%d\t%d\t%s\t%v\t%s\t%v\t%s\t%d\t%d\t%.6f\t%.6f\n", x.Index, x.label,
		x.Classifier, x.tau, radius, x.certified, x.Attack, x.Class, x.Draws, x.Score, x.Lower)
}

// OtherSettingsError is the error of a folder whose attacks were made with other settings.
type OtherSettingsError struct{ Path string } // of the table of attacks

func (e *OtherSettingsError) Error() string {
	return e.Path + ": holds attacks with other settings"
}

// kept is what a folder has of attacks.
type kept struct {
	attacks     []certify.Attack
	size, whole int64 // bytes of the table, and those of its whole lines; 0 where there is none
}

// readKept reads what a folder has of attacks. A table of other settings is refused.
func readKept(dir string, settings certify.AttackSettings) (k kept, err error) {
	path := filepath.Join(dir, certify.AttackFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	t, err := table.Read(bytes.NewReader(whole), path)
	if err != nil {
		return k, err
	}
	if k.attacks, err = certify.Attacks(t); err != nil {
		return k, fmt.Errorf("%s: %w", path, err)
	}
	var there certify.AttackSettings
	err = table.ReadAbout(path, &there)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return k, err
	case err == nil && there.Same(settings):
		k.size, k.whole = int64(len(text)), int64(len(whole))
		return k, nil
	case len(k.attacks) == 0: // begun, and nothing found yet
		return k, nil
	}
	return k, &OtherSettingsError{path} // without a file beside it: of an older version
}

// there are the images and classifiers that are attacked.
func (k kept) there() map[certify.Aim]bool {
	there := map[certify.Aim]bool{}
	for _, x := range k.attacks {
		there[certify.Aim{Index: x.Index, Classifier: x.Classifier}] = true
	}
	return there
}

// removeOthers removes the attacks of a folder where they were made with other settings.
func removeOthers(dir string, settings certify.AttackSettings) error {
	_, err := readKept(dir, settings)
	if _, ok := errors.AsType[*OtherSettingsError](err); !ok {
		return err
	}
	for _, name := range []string{certify.GapFile, certify.AttackImagesFile, certify.AttackFile} {
		path := filepath.Join(dir, name)
		for _, path := range []string{path, table.About(path)} {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// log is a table of attacks to append to, and the images of its lines.
type log struct {
	table  *os.File
	images *certify.Images
	there  map[certify.Aim]bool // what the table has
	size   int64                // of the table
}

// openLog opens the attacks of a folder, with this many lines in the end. It cuts off a torn last
// line. A table of other settings is refused, and one whose images aren't there.
func openLog(dir string, settings certify.AttackSettings, lines int, size [3]int) (a *log,
	err error) {

	path := filepath.Join(dir, certify.AttackFile)
	k, err := readKept(dir, settings)
	if err == nil && k.size == 0 {
		if err = (&table.Table{Columns: columns}).WriteFile(path, settings); err == nil {
			k, err = readKept(dir, settings)
		}
	}
	if err != nil {
		return nil, err
	}
	a = &log{there: k.there(), size: k.whole}
	if a.images, err = openImages(dir, len(k.attacks), lines, size); err != nil {
		return nil, err
	}
	if k.whole < k.size {
		err = os.Truncate(path, k.whole)
	}
	if err == nil {
		a.table, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		a.images.Close()
		return nil, err
	}
	return a, nil
}

// openImages opens or makes the images of a table that has this many lines.
func openImages(dir string, there, lines int, size [3]int) (m *certify.Images, err error) {
	path := filepath.Join(dir, certify.AttackImagesFile)
	if there == 0 {
		return certify.CreateImages(path, lines, size)
	}
	m, err = certify.OpenImages(path, size, os.O_RDWR)
	if err == nil && m.Rows != lines {
		m.Close()
		err = fmt.Errorf("%s: %d images, where %s has %d lines when all are made", path, m.Rows,
			certify.AttackFile, lines)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: move %s away to attack anew", err,
			filepath.Join(dir, certify.AttackFile))
	}
	return m, nil
}

// append adds what was found: first the images, so that no line is without. Where another process
// has added lines, none is.
func (a *log) append(found []line) error {
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
		lines = x.append(lines)
	}
	if err := a.images.Sync(); err != nil {
		return err
	}
	if _, err := a.table.Write(lines); err != nil {
		return fmt.Errorf("%w (its complete lines are kept; a second run goes on from there)", err)
	}
	for _, x := range found {
		a.there[x.Aim] = true
	}
	a.size += int64(len(lines))
	return a.table.Sync()
}

func (a *log) close() error { return errors.Join(a.images.Close(), a.table.Close()) }
