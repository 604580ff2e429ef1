package figures

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
)

// A Look is how figures are saved.
type Look struct {
	Style   Style
	Width   vg.Length // before the style's zoom; 0 is a figure's own
	Formats []string  // of Formats; none is all
}

// Save draws the named figures of List into the folder dir, or with no name every figure that the
// input suffices for. It returns one path of each. Where a named figure can't be drawn, the others
// are, and the error says why. The notes say which figures weren't drawn.
func (l Look) Save(in Input, dir string, names ...string) (paths, notes []string, err error) {
	entries, err := ByNames(names...)
	if err != nil {
		return nil, nil, err
	}
	var failed, lacking []string
	for _, e := range entries {
		figure, err := e.Draw(in)
		if err != nil {
			missing, absent := errors.AsType[*Lacking](err)
			switch {
			case len(names) > 0:
				failed = append(failed, err.Error())
			case absent:
				lacking = append(lacking, fmt.Sprintf("%s (%s)", missing.Figure, missing.What))
			default:
				notes = append(notes, fmt.Sprintf("left out: %v", err))
			}
			continue
		}
		if figure, err = l.Style.Apply(figure, l.Width); err != nil {
			return nil, nil, err
		}
		files, err := figure.Save(dir, "", l.Formats...)
		if err != nil {
			return nil, nil, err
		}
		paths = append(paths, files[min(1, len(files)-3)]) // PNG, or what there is
	}
	if len(lacking) > 0 {
		notes = append(notes, "not drawn: "+strings.Join(lacking, ", "))
	}
	if len(failed) > 0 {
		err = errors.New(strings.Join(failed, "; "))
	}
	return paths, notes, err
}

// ByNames finds entries of List, each once; all of them where no name is given.
func ByNames(names ...string) (entries []Entry, err error) {
	if len(names) == 0 {
		return List, nil
	}
	for i, name := range names {
		e, err := ByName(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names[:i], name) {
			entries = append(entries, e)
		}
	}
	return entries, nil
}
