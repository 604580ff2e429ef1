// Package jupyter runs the notebooks of a checkout. It installs GoNB, the Go kernel of Jupyter, and
// a Python environment in the user's cache. It executes notebooks headless, and opens JupyterLab.
//
// GoNB calls a cell that panics a success. [Tools.Execute] doesn't: its error says which cell
// failed, and why.
package jupyter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// module is this one, whose go.mod marks a checkout.
const module = "module github.com/lipsmooth/lipsmooth"

// folder of the notebooks in a checkout.
const folder = "notebooks"

// Checkout returns the checkout of lipsmooth that holds the folder dir. Notebooks compile against
// the packages of a checkout.
func Checkout(dir string) (string, error) {
	begin, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := begin; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if line, _, _ := strings.Cut(string(text), "\n"); err == nil &&
			strings.TrimSpace(line) == module {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is in no checkout of lipsmooth, and notebooks need one: "+
				"they compile against its packages", begin)
		}
	}
}

// Find returns the paths of a checkout's notebooks by their names, with or without .ipynb. Without
// names, it returns all, in their order. A name may also be the path of another file.
func Find(checkout string, names ...string) (paths []string, err error) {
	all, err := filepath.Glob(filepath.Join(checkout, folder, "*.ipynb"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if len(all) == 0 {
			return nil, fmt.Errorf("%s has no notebooks", filepath.Join(checkout, folder))
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

// Copy copies notebooks into the folder dir, to be opened there. It makes dir where there is none.
// The copies, whose paths it returns, name the checkout that they compile against. A notebook that
// is already in dir stays unchanged.
func Copy(checkout, dir string, paths []string) (copies []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	place, err := json.Marshal(checkout)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		copies = append(copies, filepath.Join(dir, filepath.Base(path)))
		f, err := os.OpenFile(copies[len(copies)-1], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		_, err = f.WriteString(strings.ReplaceAll(string(text), "$GONB_DIR/..",
			strings.Trim(string(place), `"`)))
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	return copies, nil
}
