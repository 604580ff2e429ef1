package countlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Holds is what a source holds, by its column names.
type Holds struct {
	Draws    int     // whose votes it has, 0 to 2
	Radii    bool    // certificates
	Labels   bool    // the true classes alone
	Labelled bool    // true classes, beside votes or radii
	Sigma    float64 // the noise level of the first row, 0 where the table doesn't say it
}

// Holds reads the column names, and the first row where the table says σ. The error says what the
// source is where it is of no use.
func (s Source) Holds() (h Holds, err error) {
	file, err := s.open()
	if err != nil {
		return h, err
	}
	defer file.Close()
	lines, array, err := newForeign(file, s.Path)
	if err != nil {
		return h, err
	}
	if array != nil {
		switch len(array.Shape) {
		case 1:
			return Holds{Labels: true}, nil
		case 2:
			return Holds{Draws: 1}, nil
		}
		return h, fmt.Errorf("%s: %w: an array of shape %v, want votes [examples, classes] or "+
			"labels [examples]", s.Path, errNoTable, array.Shape)
	}
	c := lines.columns
	h = Holds{Draws: c.draws(), Labelled: c.at[labelRole] >= 0}
	if h.Draws == 0 {
		h.Radii, err = true, lines.needRadii()
	}
	if c.at[sigmaRole] < 0 || err != nil {
		return h, err
	}
	cells, err := lines.next()
	if err == nil {
		h.Sigma, err = lines.decimal(sigmaRole, cells)
	} else if err == io.EOF {
		err = nil
	}
	return h, err
}

// FindSources returns the sources that a path names: a table, standard input ("-"), or the tables
// of a folder and of the folders in it. skipped are files of the folder that may be tables by their
// extension, and aren't by their first line.
func FindSources(path string, standard io.Reader) (found []Source, skipped []string, err error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		s, err := OpenSource(path, standard)
		return []Source{s}, nil, err
	}
	if _, err := os.Stat(filepath.Join(path, RunFile)); err == nil {
		return nil, nil, fmt.Errorf("%s: a run, which lipsmooth certify takes as it is", path)
	}
	root := path + string(filepath.Separator) // of what a link points to
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(d.Name(), ".") && p != root:
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir() || !mayBeTable(p):
			return nil
		}
		s := Source{Path: p}
		if _, err := s.Holds(); errors.Is(err, errNoTable) {
			skipped = append(skipped, p)
			return nil
		} else if err != nil {
			return err
		}
		found = append(found, s)
		return nil
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s: no table of votes or certificates in this folder", path)
	}
	return found, skipped, err
}

// extensions are those of tables. Public logs have none, or that of a number: sigma_0.50.
var extensions = []string{"", ".tsv", ".csv", ".txt", ".log", ".dat", ".out", ".npy"}

var numbered = regexp.MustCompile(`^\.\d+$`)

func mayBeTable(path string) bool {
	ext := filepath.Ext(strings.TrimSuffix(path, ".gz"))
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() &&
		(slices.Contains(extensions, strings.ToLower(ext)) || numbered.MatchString(ext))
}

// Name is the source's name: without folders, and without the extension of a table.
func (s Source) Name() string {
	name := strings.TrimSuffix(filepath.Base(s.Path), ".gz")
	if ext := filepath.Ext(name); slices.Contains(extensions, strings.ToLower(ext)) {
		name = strings.TrimSuffix(name, ext)
	}
	return name
}

// Titles are names that tell sources apart: those of the files, or else the paths.
func Titles(sources []Source) []string {
	names, paths := make([]string, len(sources)), make([]string, len(sources))
	for i, s := range sources {
		names[i], paths[i] = filepath.Base(s.Path), s.Path
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(names))); len(unique) < len(names) {
		return paths
	}
	return names
}

// sigmaNames give σ in the name of a file or folder. The noise is that of training, unless the name
// says nothing else. A number from 10 may count 255ths or hundredths, so it doesn't say σ.
var sigmaNames = []*regexp.Regexp{
	regexp.MustCompile(`(?i)(?:sigma|σ)[_=-]?(\d?\.\d+|\d)(?:[^\d.]|\.\D|\.?$)`),
	regexp.MustCompile(`(?i)noise(?:_sd|_std)?[_=-]?(\d?\.\d+|\d)(?:[^\d.]|\.\D|\.?$)`),
}

// Sigma is the noise level that the file's name says, or else a folder's in the path: sigma_0.50,
// or else noise_0.50. It is 0 where none does, or where a name says two.
func (s Source) Sigma() float64 {
	parts := strings.Split(filepath.ToSlash(s.Path), "/")
	for _, part := range slices.Backward(parts) {
		for _, name := range sigmaNames {
			var said float64
			for i, m := range name.FindAllStringSubmatch(part, -1) {
				v, _ := strconv.ParseFloat(m[1], 64)
				if i > 0 && v != said {
					return 0
				}
				said = v
			}
			if said > 0 {
				return said
			}
		}
	}
	return 0
}

// The authors of Delattre et al. 2025 name the two draws of an image by their sizes, others by what
// they are for.
var (
	selectionName  = regexp.MustCompile(`(_N0_\d+|selection.*)$`)
	estimationName = regexp.MustCompile(`(_N0_\d+_N_\d+|estimation.*)$`)
)

// Tables makes an import of sources: one of two draws or one draw; or the selection draw's and the
// estimation draw's; and an array of labels beside either. The names tell the draws apart, or else
// the order, if ordered.
func Tables(sources []Source, ordered bool) (m Import, err error) {
	var votes []Source
	for _, s := range sources {
		h, err := s.Holds()
		switch {
		case err != nil:
			return m, err
		case h.Draws > 0:
			votes = append(votes, s)
		case h.Labels && m.Labels.Path == "":
			m.Labels = s
		case h.Labels:
			return m, fmt.Errorf("%s, %s: two arrays of labels: name one", m.Labels.Path, s.Path)
		default:
			return m, fmt.Errorf("%s: certificates without votes, beside votes: name one kind",
				s.Path)
		}
	}
	switch len(votes) {
	case 0:
		err = fmt.Errorf("%s: labels alone: name the votes too", m.Labels.Path)
	case 1:
		m.Estimation = votes[0]
	case 2:
		a, b := votes[0], votes[1]
		m.Selection, m.Estimation = a, b
		switch {
		case estimationName.MatchString(a.Name()) && selectionName.MatchString(b.Name()):
			m.Selection, m.Estimation = b, a
		case !ordered && !(selectionName.MatchString(a.Name()) &&
			estimationName.MatchString(b.Name())):
			err = fmt.Errorf("%s: names don't tell %s from %s: name the selection draw's table, "+
				"then the estimation draw's", filepath.Dir(a.Path), filepath.Base(a.Path),
				filepath.Base(b.Path))
		}
	default:
		err = fmt.Errorf("%s: %d tables of votes: name the one, or the selection draw's and the "+
			"estimation draw's", filepath.Dir(votes[0].Path), len(votes))
	}
	m.Name = m.Estimation.Name()
	return m, err
}

// StatedFile has the settings of the authors' logs, beside them.
const StatedFile = "certify_args.json"

// Stated is what such a file says, 0 where it doesn't.
type Stated struct {
	Sigma float64 `json:"sigma"`
	N0    int     `json:"N0"`
	N     int     `json:"N"`
	Alpha float64 `json:"alpha"`
}

// Stated reads the settings beside a table; all 0 where there are none. A pipe has none.
func (s Source) Stated() (out Stated, err error) {
	if s.Content != nil {
		return out, nil
	}
	path := filepath.Join(filepath.Dir(s.Path), StatedFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%s: %w", path, err)
	case out.N0 < 0 || out.N < 0 || out.Alpha < 0 || out.Alpha >= 1:
		err = fmt.Errorf("%s: N0 %d, N %d, alpha %v: out of range", path, out.N0, out.N, out.Alpha)
	case out.Sigma != 0 && !(out.Sigma >= 1e-6 && out.Sigma <= 1e6):
		err = fmt.Errorf("%s: sigma %v: must be positive, from 1e-6 to 1e6", path, out.Sigma)
	}
	return out, err
}
