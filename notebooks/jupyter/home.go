package jupyter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/version"
)

// module is the path of this one.
const module = "github.com/lipsmooth/lipsmooth"

// Home is where notebooks compile and lie: a checkout of lipsmooth, a release in the module cache,
// or a folder that [Copy] made.
type Home struct {
	Module    string // folder of the go.mod that names the packages
	Notebooks string // folder

	version, sums string // of a release, else empty
}

// requires matches a go.mod that requires this module.
var requires = regexp.MustCompile(`(?m)^(require |\t)` + regexp.QuoteMeta(module) + ` v`)

// own reports whether a go.mod is this module's.
func own(text []byte) bool {
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(first) == "module "+module
}

// checkout is the Home of a folder with this module's files.
func checkout(dir string) Home {
	return Home{Module: dir, Notebooks: filepath.Join(dir, "notebooks")}
}

// Here returns the Home that holds the folder dir.
func Here(dir string) (Home, error) {
	begin, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, err
	}
	for at := begin; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		switch {
		case err == nil && own(text):
			return checkout(at), nil
		case err == nil && requires.Match(text):
			return Home{Module: at, Notebooks: at}, nil
		case at == filepath.Dir(at):
			return Home{}, fmt.Errorf("%s is in no checkout of lipsmooth and no copy of its "+
				"notebooks: make one with `lipsmooth notebooks --copy DIR`", begin)
		}
	}
}

// Source returns the Home that this program was built from: a checkout that is still there, or the
// release, downloaded if need be.
func Source(ctx context.Context) (Home, error) {
	_, file, _, _ := runtime.Caller(0)
	return source(ctx, filepath.Dir(filepath.Dir(filepath.Dir(file))), version.String())
}

// source is Source of a program that was built from the folder dir, at this version.
func source(ctx context.Context, dir, version string) (Home, error) {
	if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && own(text) &&
		!strings.Contains(dir, "@") {
		return checkout(dir), nil
	}
	if !strings.HasPrefix(version, "v") {
		return Home{}, fmt.Errorf("the notebooks of this lipsmooth are gone with its checkout: "+
			"install a release with `go install %s@latest`, or run in a checkout", module)
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module+"@"+version)
	cmd.Dir = os.TempDir()
	text, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return Home{}, errors.New("no go on PATH: install Go")
	}
	var got struct{ Dir, Sum, GoModSum, Error string }
	if json.Unmarshal(text, &got) != nil || got.Dir == "" {
		return Home{}, fmt.Errorf("downloading %s@%s for its notebooks: %v: %s", module, version,
			err, strings.ReplaceAll(got.Error, "\n", " "))
	}
	h := checkout(got.Dir)
	h.version = version
	h.sums = fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", module, version, got.Sum, module, version,
		got.GoModSum)
	return h, nil
}

// Copy copies notebooks into the folder dir and makes dir a module whose packages they import. The
// module requires the release of h, or replaces it by the checkout of h. What is already in dir
// stays unchanged. The result is the Home of dir, and the paths of the copies.
func Copy(h Home, dir string, paths []string) (Home, []string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, nil, err
	}
	mod, sum, err := h.module()
	if err != nil {
		return Home{}, nil, err
	}
	files := map[string][]byte{"go.mod": mod, "go.sum": sum}
	var copies []string
	for _, path := range paths {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			return Home{}, nil, err
		}
		copies = append(copies, filepath.Join(dir, filepath.Base(path)))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Home{}, nil, err
	}
	there, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err == nil && !requires.Match(there) {
		return Home{}, nil, fmt.Errorf("%s is of a module that doesn't require lipsmooth: copy "+
			"into another folder", filepath.Join(dir, "go.mod"))
	}
	for name, text := range files {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			_, err = f.Write(text)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return Home{}, nil, err
		}
	}
	return Home{Module: dir, Notebooks: dir}, copies, nil
}

// module returns go.mod and go.sum of a copy. All requirements of h are in them, so that nothing
// has to be looked up.
func (h Home) module() (mod, sum []byte, err error) {
	mod, err = os.ReadFile(filepath.Join(h.Module, "go.mod"))
	if err != nil {
		return nil, nil, err
	}
	sum, err = os.ReadFile(filepath.Join(h.Module, "go.sum"))
	if err != nil || !own(mod) {
		return mod, sum, err
	}
	line := fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %[1]s => %q\n", module, h.Module)
	if h.version != "" {
		line = fmt.Sprintf("\nrequire %s %s\n", module, h.version)
	}
	_, rest, _ := strings.Cut(string(mod), "\n")
	return []byte("module own\n" + rest + line), append(sum, h.sums...), nil
}
