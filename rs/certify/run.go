// Package certify makes certificates of a run: evidence on disk in, certificates, tables and the
// gap to attacks out. It needs no device and no model. It checks that the temperature of soft votes
// comes from images that aren't certified, and that the evidence is of the model in its folder. It
// refuses unsound methods, unless Config.Unsound allows them.
//
//	run, err := certify.Open("run")
//	result, err := run.Certify(certify.Default())
//	result.Accuracy().WriteText(os.Stdout)
package certify

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// ModelFolder is the place of the model in a run's folder.
const ModelFolder = "model"

// Run is evidence to certify: a run's folder, or rows in memory.
type Run struct {
	countlog.Run
	Dir string // empty for rows in memory
	// Rows is nil until Load. Without Load, Certify reads each row when it needs it.
	Rows []rs.Evidence
	// Tau is the temperature of soft votes, in logits. It is negative before one is chosen.
	Tau float64
	// File names the file of an image. Where it isn't nil, Verify compares the names in tables.
	File func(index int) string

	log          *countlog.Log
	hash         string                  // of the log, once it was needed
	unsealed     string                  // a seal that lacks rows, once VerifyLog found one
	contradicted *countlog.Contradiction // what the rows show against a claimed Lipschitz constant
}

// Open reads the settings of a run's folder. A model in the folder, RUN/model, must be the one that
// was sampled. A claimed Lipschitz constant that the rows contradict is dropped: nothing rests on
// it.
func Open(dir string) (*Run, error) {
	r, err := open(dir)
	if err == nil {
		r.contradict()
	}
	return r, err
}

// Read is Open, and Load: it reads the rows once.
func Read(dir string) (*Run, error) {
	r, err := open(dir)
	if err == nil {
		err = r.Load()
	}
	if err == nil {
		r.contradict()
	}
	return r, err
}

func open(dir string) (*Run, error) {
	log, err := countlog.Open(dir)
	if err != nil {
		return nil, err
	}
	r := &Run{Run: log.Run, Dir: dir, Tau: -1, log: log}
	if u := log.Run.Until; u.Method == "lipschitz" {
		r.Tau = u.Tau // which the draws ended for
	}
	return r, ofModel(dir, log.Run)
}

// contradict drops a claimed constant that the rows contradict.
func (r *Run) contradict() {
	if r.Model.Lambda.Proved() || !r.Model.Lambda.Known() {
		return
	}
	if c, ok := errors.AsType[*countlog.Contradiction](r.Contradicted(r.each())); ok {
		r.contradicted, r.Model.Lambda = c, rs.Constant{}
	}
}

// Load opens a run's folder, reads the rows, and chooses the temperature of soft votes as c says.
func Load(dir string, c Config) (*Run, error) {
	r, err := Read(dir)
	if err != nil {
		return nil, err
	}
	r.Tau, err = r.ChooseTau(c)
	return r, err
}

// Load reads the rows, once.
func (r *Run) Load() (err error) {
	if r.Rows != nil {
		return nil
	}
	if r.Rows, err = r.log.All(); err == nil && len(r.Rows) == 0 {
		err = r.empty()
	}
	return err
}

func (r *Run) empty() error { return fmt.Errorf("%s: no example is sampled yet", r.Dir) }

// Hash identifies the evidence, as [countlog.Log.Hash] does. It is empty for rows in memory.
func (r *Run) Hash() (hash string, err error) {
	if r.log != nil && r.hash == "" {
		r.hash, err = r.log.Hash()
	}
	return r.hash, err
}

// each yields the rows, read as they are needed where they aren't loaded.
func (r *Run) each() iter.Seq2[*rs.Evidence, error] {
	if r.log != nil && r.Rows == nil {
		return r.log.Rows()
	}
	return func(yield func(*rs.Evidence, error) bool) {
		for i := range r.Rows {
			if !yield(&r.Rows[i], nil) {
				return
			}
		}
	}
}

// ChooseTau returns the temperature of soft votes: that of c, or the run's, or the best one for the
// tuning images. Its error says whether the choice would be unsound. It is negative where there are
// no tuning images.
func (r *Run) ChooseTau(c Config) (float64, error) {
	switch {
	case c.Tau >= 0:
		return c.Tau, nil
	case r.Tau >= 0 || r.Dir == "":
		return r.Tau, nil
	}
	tuning, err := countlog.Tuning(r.Dir, r.Run)
	if errors.Is(err, os.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	return rs.ChooseTau(tuning, rs.Lipschitz{Lambda: r.Model.Lambda, Bound: c.Bound,
		Float32: c.Float32}, c.Alpha)
}

// Notes are what a reader of the rows that are loaded must know.
func (r *Run) Notes() []string { return r.notes(len(r.Rows)) }

func (r *Run) notes(rows int) (notes []string) {
	if r.log != nil && rows < r.log.Planned() && r.Backend != countlog.Imported {
		notes = append(notes, fmt.Sprintf("%s: %d of %d examples: sampling isn't finished",
			r.Dir, rows, r.log.Planned()))
	}
	if r.contradicted != nil {
		notes = append(notes, fmt.Sprintf("%v: no certificate rests on it", r.contradicted))
	}
	return notes
}

// ofModel checks a run against the model that lies in its folder, if one does.
func ofModel(dir string, run countlog.Run) error {
	folder := filepath.Join(dir, ModelFolder)
	path := filepath.Join(folder, "model.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var model struct {
		Hash string `json:"hash"`
	}
	if err == nil {
		if err = json.Unmarshal(text, &model); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	if err == nil && model.Hash != run.Model.Hash {
		err = fmt.Errorf("%s: sampled from model %.12s, but %s holds %.12s: this evidence is of "+
			"another model",
			filepath.Join(dir, countlog.RunFile), run.Model.Hash, folder, model.Hash)
	}
	return err
}
