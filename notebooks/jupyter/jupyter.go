// Package jupyter runs the notebooks of lipsmooth, and copies of them. It installs GoNB, the Go
// kernel of Jupyter, and a Python environment in the user's cache. It executes notebooks headless,
// and opens JupyterLab.
//
// GoNB calls a cell that panics a success. [Tools.Execute] doesn't: its error says which cell
// failed, and why.
package jupyter

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// Find returns the paths of notebooks by their names, with or without .ipynb. Without names, it
// returns all, in their order. A name may also be the path of another file.
func Find(h Home, names ...string) (paths []string, err error) {
	all, err := filepath.Glob(filepath.Join(h.Notebooks, "*.ipynb"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if len(all) == 0 {
			return nil, fmt.Errorf("%s has no notebooks", h.Notebooks)
		}
		return all, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(all, func(path string) bool {
			return Name(path) == strings.TrimSuffix(name, ".ipynb")
		})
		switch _, err := os.Stat(name); {
		case i >= 0:
			paths = append(paths, all[i])
		case err == nil && filepath.Ext(name) == ".ipynb":
			paths = append(paths, name)
		default:
			var known []string
			for _, path := range all {
				known = append(known, Name(path))
			}
			return nil, named.Unknown("notebook", name, known)
		}
	}
	return paths, nil
}

// Name is that of a notebook by its path, without .ipynb.
func Name(path string) string { return strings.TrimSuffix(filepath.Base(path), ".ipynb") }

// InPython reports whether one of the notebooks is in Python.
func InPython(paths []string) (bool, error) {
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return false, err
		}
		var n struct {
			Metadata struct {
				Kernel struct{ Language string } `json:"kernelspec"`
			}
		}
		if err := json.Unmarshal(text, &n); err != nil {
			return false, fmt.Errorf("%s is no notebook: %w", path, err)
		}
		if n.Metadata.Kernel.Language == "python" {
			return true, nil
		}
	}
	return false, nil
}
