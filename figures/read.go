package figures

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// SigmaFolder, in the folder of a run, holds runs of the same model at other noise levels.
const SigmaFolder = "sigma"

// Tables that figures are drawn from, in a model's folder or in that of a sweep.
const (
	curveFile  = "training.tsv"
	boundsFile = "bounds.tsv"
	sweepFile  = "sweep.tsv"
)

// Read gathers what figures are made from: the folder of a run with the runs in its SigmaFolder,
// its attacks and the tables of its model, or the folder of a model or of a sweep. Runs are
// certified at the alpha and the temperature of c. The notes are for a person.
func Read(dir string, c certify.Config) (in Input, notes []string, err error) {
	in.Alpha = c.Alpha
	r, err := certify.Load(dir, c)
	if errors.Is(err, os.ErrNotExist) {
		if tables := in.tables(dir); tables != nil || in.Metrics != nil || in.Bounds != nil ||
			in.Sweep != nil {
			return in, nil, tables
		}
	}
	if err != nil {
		return in, nil, err
	}
	in.Runs, notes = []*certify.Run{r}, r.Notes()
	others, err := fs.Glob(os.DirFS(dir), SigmaFolder+"/*/"+countlog.RunFile)
	if err != nil {
		return in, notes, err
	}
	for _, other := range others {
		other = filepath.Join(dir, filepath.Dir(filepath.FromSlash(other)))
		s, err := certify.Load(other, certify.Default().At(c.Alpha))
		if err == nil {
			err = countlog.Alike(other, s.Run, dir, r.Run)
		}
		if err != nil {
			return in, notes, err
		}
		in.Runs, notes = append(in.Runs, s), append(notes, s.Notes()...)
	}
	made, settings, err := certify.ReadAttacks(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return in, notes, err
	}
	in.Attacks, in.Box = made, settings != nil && settings.Box
	model := filepath.Join(dir, certify.ModelFolder)
	if err := in.tables(model); err != nil {
		return in, notes, err
	}
	if hash := fmt.Sprintf("%.12s", r.Model.Hash); in.Bounds != nil &&
		!strings.Contains(in.Bounded, hash) {
		notes = append(notes, fmt.Sprintf("%s isn't of model %s: lipsmooth bound %s --observe "+
			"makes it anew", filepath.Join(model, boundsFile), hash, oneline.Quoted(model)))
		in.Bounds = nil
	}
	return in, notes, nil
}

// tables reads the tables that lie in a model's folder, or in that of a sweep.
func (in *Input) tables(dir string) (err error) {
	if in.Metrics, _, err = table.ReadFile(filepath.Join(dir, curveFile)); err != nil {
		return err
	}
	if in.Bounds, in.Bounded, err = table.ReadFile(filepath.Join(dir, boundsFile)); err != nil {
		return err
	}
	if in.Sweep, in.Swept, err = table.ReadFile(filepath.Join(dir, sweepFile)); err != nil {
		return err
	}
	path := filepath.Join(dir, "model.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var model struct {
		Dataset string
		Config  struct {
			Architecture  string
			Sigma         float64
			Epochs, Batch int
			Seed          uint64
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &model)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	c := model.Config
	in.Trained = fmt.Sprintf("%s, %s, σ = %g, %d epochs in batches of %d, seed %d",
		model.Dataset, c.Architecture, c.Sigma, c.Epochs, c.Batch, c.Seed)
	return nil
}

// ReadOther reads what is drawn beside a run: another run, a table of certificates without votes,
// or a folder of such tables. A run is certified at alpha. A path that begins with [Published]
// names curves that this package holds.
func ReadOther(path string, alpha float64) (others []Other, notes []string, err error) {
	if dataset, ok := strings.CutPrefix(path, Published); ok {
		others, err = published(dataset)
		return others, nil, err
	}
	if _, err := os.Stat(filepath.Join(path, countlog.RunFile)); err == nil {
		r, err := certify.Load(path, certify.Default().At(alpha))
		if err != nil {
			return nil, nil, err
		}
		return []Other{{Name: filepath.Base(filepath.Clean(path)), Run: r}}, r.Notes(), nil
	}
	tables, _, err := countlog.FindSources(path, nil)
	if err != nil {
		return nil, nil, err
	}
	for i, name := range countlog.Titles(tables) {
		t, err := tables[i].Radii()
		if err != nil {
			return nil, nil, err
		}
		others = append(others, Other{Name: strings.TrimSuffix(name, ".tsv"), Results: t.Results()})
	}
	return others, nil, nil
}
