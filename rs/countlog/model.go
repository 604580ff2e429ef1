package countlog

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/lipsmooth/lipsmooth/internal/proof"
	"github.com/lipsmooth/lipsmooth/rs"
)

// modelFile is a Model as run.json has it. A field here goes before the one of the same name in
// the struct that it embeds.
type modelFile struct {
	Name         string  `json:"name"`
	Hash         string  `json:"hash"`
	Lambda       float64 `json:"lambda"`
	LambdaSource string  `json:"lambda_source"` // that of rs.Constant
	plainModel
}

type plainModel Model // without methods

// MarshalJSON writes the model as run.json has it. [ReadRun] reads it back.
func (m Model) MarshalJSON() ([]byte, error) {
	return json.Marshal(modelFile{m.Name, m.Hash, m.Lambda.Value(), m.Lambda.Source(),
		plainModel(m)})
}

// runFile is a Run as run.json has it.
type runFile struct {
	Model modelFile `json:"model"`
	Run
}

// run returns the Run, with the constant that the file's two fields make.
func (f runFile) run() (Run, error) {
	m, r := f.Model, f.Run
	r.Model = Model(m.plainModel)
	r.Model.Name, r.Model.Hash = m.Name, m.Hash
	if !(m.Lambda >= 0) || math.IsInf(m.Lambda, 1) {
		return r, fmt.Errorf("model.lambda: %v, want finite and >= 0", m.Lambda)
	}
	switch known := m.Lambda > 0; {
	case known && m.LambdaSource == proof.Trained:
		r.Model.Lambda = rs.Proved(proof.Of(m.Lambda))
	case known && m.LambdaSource == proof.File:
		r.Model.Lambda = rs.Proved(proof.FromFile(m.Lambda))
	case known && m.LambdaSource == "claimed":
		r.Model.Lambda = rs.Claim(m.Lambda)
	case known || m.LambdaSource != "":
		return r, fmt.Errorf("model.lambda_source: %q, want %q, %q or \"claimed\" with a "+
			"lambda, empty without", m.LambdaSource, proof.Trained, proof.File)
	}
	return r, nil
}
