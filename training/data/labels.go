package data

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// labelledFormat is the format of images whose labels are in the table [Options.Labels].
var labelledFormat = format{
	name: "images and a table of labels", layout: "<path of an image> <label>, a line each",
	load: loadLabelled,
}

// looseFormat is the format of images without folders of classes and without labels.
var looseFormat = format{
	name: "images without labels", layout: "<image>; " + imageFormats,
	match: func(f files) bool {
		return slices.ContainsFunc(f.names, func(name string) bool {
			return isImage(name) && !strings.Contains(name, "/")
		})
	},
	load: loadLoose,
}

func loadLoose(f files, split string) (*Dataset, error) {
	if split != "" && split != All {
		return nil, fmt.Errorf("images without class folders have no %s split: "+
			"want <class>/<image>, or a table of labels (--labels)", split)
	}
	var names []string
	for _, name := range f.names {
		if isImage(name) {
			names = append(names, name)
		}
	}
	labels := slices.Repeat([]int32{Unlabelled}, len(names))
	d, err := f.images(names, labels, nil, names)
	if err != nil {
		return nil, err
	}
	d.Split = All
	d.note("images without labels: they get classes and radii, but no accuracy; --labels takes a " +
		"table of paths and labels")
	return d, nil
}

func loadLabelled(f files, split string) (*Dataset, error) {
	if split != "" && split != All {
		return nil, fmt.Errorf("%s lists the images: it has no %s split", f.options.Labels, split)
	}
	text, err := os.ReadFile(f.options.Labels)
	if err != nil {
		return nil, fmt.Errorf("the table of labels: %w", err)
	}
	rows, err := labelRows(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.options.Labels, err)
	}
	byBase := map[string][]string{} // images by the last part of their paths
	images := 0
	for _, name := range f.names {
		if isImage(name) {
			images++
			byBase[path.Base(name)] = append(byBase[path.Base(name)], name)
		}
	}
	label := map[string]string{}
	var missing []string
	for _, row := range rows {
		name := inside(strings.ReplaceAll(row.path, `\`, "/"))
		if at := byBase[path.Base(name)]; !f.has(name) && len(at) == 1 {
			name = at[0]
		}
		if !f.has(name) {
			missing = append(missing, row.path)
			continue
		}
		if old, twice := label[name]; twice && old != row.label {
			return nil, fmt.Errorf("%s: line %d: %s has labels %s and %s", f.options.Labels, row.line,
				row.path, old, row.label)
		}
		label[name] = row.label
	}
	if len(missing) > 0 && !f.options.SkipBad || len(label) == 0 {
		return nil, fmt.Errorf("%s lists %d images that are not there (--skip-bad goes on without "+
			"them): %s", f.options.Labels, len(missing), some(missing))
	}
	byClass := map[string][]string{}
	for name, class := range label {
		byClass[class] = append(byClass[class], name)
	}
	d, err := f.labelled(byClass)
	if err != nil {
		return nil, err
	}
	d.Split = All
	d.Skipped = append(missing, d.Skipped...)
	if len(missing) > 0 {
		d.note("%d images of %s are not there: %s", len(missing), f.options.Labels, some(missing))
	}
	if left := images - len(label); left > 0 {
		d.note("%d of %d images: the other %d are not in %s", len(label), images, left, f.options.Labels)
	}
	return d, nil
}

// labelled is the split of images by the labels of a table, in order of their names. Those of the
// empty label have none.
func (f files) labelled(byClass map[string][]string) (*Dataset, error) {
	var classes []string
	at := map[string]int32{}
	for class := range byClass {
		if class != "" {
			classes = append(classes, class)
		}
	}
	sortNames(classes)
	for c, class := range classes {
		for _, name := range byClass[class] {
			at[name] = int32(c)
		}
	}
	names := sorted(byClass)
	labels := make([]int32, len(names))
	for i, name := range names {
		c, ok := at[name]
		if !ok {
			c = Unlabelled
		}
		labels[i] = c
	}
	return f.images(names, labels, classes, names)
}

// A labelRow is a line of a table of labels. The label is empty where the image has none.
type labelRow struct {
	path, label string
	line        int
}

// labelColumns are the names of columns that tables of labels have.
var labelColumns = struct{ path, label []string }{
	[]string{"path", "file", "filename", "file_name", "image", "img", "name", "image_path"},
	[]string{"label", "class", "target", "label_id", "class_id", "category", "y"},
}

// labelRows reads a table of paths and labels: separated by tabs or commas, or by the last space of
// each line. Its first line may name the columns.
func labelRows(text []byte) (rows []labelRow, err error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	head, _, _ := bytes.Cut(text, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = -1, true, true
	spaces := !bytes.ContainsAny(head, "\t,")
	if bytes.Contains(head, []byte("\t")) {
		r.Comma = '\t'
	}
	at := [2]int{0, 1}
	for {
		cells, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if spaces {
			if k := strings.LastIndexAny(strings.TrimSpace(cells[0]), " "); k > 0 {
				cells = []string{cells[0][:k], cells[0][k+1:]}
			}
		}
		if line == 1 && !slices.ContainsFunc(cells, isImage) {
			if at, err = labelHeader(cells); err != nil {
				return nil, err
			}
			continue
		}
		if len(cells) <= max(at[0], at[1]) {
			return nil, fmt.Errorf("line %d: %d columns, want a path and a label", line, len(cells))
		}
		row := labelRow{strings.TrimSpace(cells[at[0]]), strings.TrimSpace(cells[at[1]]), line}
		if row.label == "-1" {
			row.label = ""
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no lines: want the path of an image and its label in each")
	}
	return rows, nil
}

// labelHeader finds the columns of paths and labels by their names: the first two where the names
// say nothing.
func labelHeader(cells []string) (at [2]int, err error) {
	at = [2]int{-1, -1}
	for i, cell := range cells {
		cell = strings.ToLower(strings.TrimSpace(cell))
		for k, known := range [][]string{labelColumns.path, labelColumns.label} {
			if at[k] < 0 && slices.Contains(known, cell) {
				at[k] = i
			}
		}
	}
	switch {
	case at[0] < 0 && at[1] < 0:
		return [2]int{0, 1}, nil
	case at[0] < 0 || at[1] < 0:
		return at, fmt.Errorf("line 1 names the columns %s: want path and label among them",
			strings.Join(cells, ", "))
	}
	return at, nil
}
