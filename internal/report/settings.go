package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Group is the settings of one file.
type Group struct {
	File     string
	Settings []Setting
}

// Setting is a field of a JSON file, its path joined by dots, and its value as it stands there.
type Setting struct{ Name, Value string }

// Model is what a model's folder says of it.
type Model struct {
	ClassNames []string `json:"class_names"`
	Layers     []struct {
		Layer string `json:"layer"`
		Bound bound  `json:"bound"`
	} `json:"layers"`
	Lambda bound `json:"lambda"`
}

type bound struct {
	Value float64 `json:"value"`
	Proof string  `json:"proof"`
}

// Above is the bound, rounded up to four decimals.
func (b bound) Above() string {
	if up := math.Ceil(b.Value*1e4) / 1e4; up >= b.Value {
		return strconv.FormatFloat(up, 'f', -1, 64)
	}
	return fmt.Sprint(b.Value) // too large for decimals
}

// apart are fields that are shown elsewhere.
var apart = []string{"layers", "class_names"}

func (p *Page) settings(dir string) error {
	for _, file := range []string{countlog.RunFile, filepath.Join("model", "model.json")} {
		path := filepath.Join(dir, file)
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			p.missing("the model and its proof: no %s", filepath.ToSlash(file))
			continue
		}
		if err != nil {
			return err
		}
		all, err := flatten(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		p.Settings = append(p.Settings, Group{filepath.ToSlash(file), all})
		if file == countlog.RunFile {
			continue
		}
		if err := json.Unmarshal(text, &p.Model); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	r := p.Run
	p.Facts = append(p.Facts, Fact{"noise σ", fmt.Sprint(r.Sigma), "in units of the image, [0, 1]"})
	if r.Model.Lambda.Known() {
		p.Facts = append(p.Facts, Fact{"Lipschitz bound Λ", fmt.Sprintf("%.4g", r.Model.Lambda.Value()),
			r.Model.Lambda.Source() + ", of every difference of two logits"})
	}
	return nil
}

// flatten lists the fields of a JSON object in their order. Numbers keep their digits, and the
// values of a list stand in one line.
func flatten(text []byte) (all []Setting, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	// value adds the value that is next.
	var value func(name string) error
	value = func(name string) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'):
			for d.More() {
				key, err := d.Token()
				if err != nil {
					return err
				}
				if err := value(strings.TrimPrefix(fmt.Sprintf("%s.%v", name, key),
					".")); err != nil {
					return err
				}
			}
			_, err = d.Token()
		case json.Delim('['):
			var list []string
			for d.More() {
				from := len(all)
				if err := value(name); err != nil {
					return err
				}
				for _, s := range all[from:] {
					list = append(list, s.Value)
				}
				all = all[:from]
			}
			all = append(all, Setting{name, strings.Join(list, ", ")})
			_, err = d.Token()
		default:
			all = append(all, Setting{name, fmt.Sprint(token)})
		}
		return err
	}
	if err := value(""); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	kept := all[:0]
	for _, s := range all {
		shown := true
		for _, a := range apart {
			shown = shown && s.Name != a
		}
		if shown {
			kept = append(kept, s)
		}
	}
	return kept, nil
}

// Claimed lists the methods of the tables that rest on a claimed Lipschitz constant. It is empty
// where the constant is proved.
func (p *Page) Claimed() string {
	var names []string
	for _, m := range p.Methods {
		if m.Lipschitz && !p.Run.Model.Lambda.Proved() {
			names = append(names, m.Name)
		}
	}
	return strings.Join(names, ", ")
}
