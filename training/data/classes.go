package data

import (
	_ "embed"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ImageNet, as [Options.Classes], are the 1,000 classes of ILSVRC 2012 in the order of their
// WordNet ids, n01440764 to n15075141.
const ImageNet = "imagenet"

// imageNetClasses has a line a class: its WordNet id and its words.
//
//go:embed imagenet.txt
var imageNetClasses string

// classList are the names of a model's outputs, in order.
type classList struct {
	from  string // for errors
	names []string
	known map[string][]int // outputs by every name that they go by
}

var synset = regexp.MustCompile(`^n\d{8}\b`)

// plain is a name without what spellings of it differ in.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(strings.TrimSpace(name)))
}

// readClasses returns the list that [Options.Classes] names, nil where ref is empty.
func readClasses(ref string) (*classList, error) {
	switch ref {
	case "":
		return nil, nil
	case ImageNet:
		return newClassList(ref, imageNetClasses)
	}
	text, err := os.ReadFile(ref)
	if err != nil {
		return nil, fmt.Errorf("the list of classes: %w; --classes takes a file, or %s", err, ImageNet)
	}
	return newClassList(ref, string(text))
}

// newClassList reads a name a line. A WordNet id that stands before the words, and each of several
// words behind an id, are names too.
func newClassList(from, text string) (*classList, error) {
	c := &classList{from: from, known: map[string][]int{}}
	text = strings.TrimRight(strings.TrimPrefix(text, "\ufeff"), "\r\n\t ")
	for line := range strings.Lines(text) {
		i, line := len(c.names), strings.TrimSpace(line)
		if line == "" {
			return nil, fmt.Errorf("%s: line %d is empty: want one class a line, in the order of the "+
				"model's outputs", from, i+1)
		}
		name, all := line, []string{line}
		if id := synset.FindString(line); id != "" {
			words := strings.Split(strings.TrimLeft(line[len(id):], " \t,:"), ",")
			name, all = strings.TrimSpace(words[0]), append(all, id)
			all = append(all, words...)
			if name == "" {
				name = id
			}
		}
		for _, one := range all {
			if key := plain(one); key != "" && !slices.Contains(c.known[key], i) {
				c.known[key] = append(c.known[key], i)
			}
		}
		c.names = append(c.names, name)
	}
	if len(c.names) < 2 {
		return nil, fmt.Errorf("%s: %d classes, want at least 2, one a line", from, len(c.names))
	}
	return c, nil
}

// output returns the output that a name, a WordNet id or a number stands for.
func (c *classList) output(name string) (int, error) {
	at := c.known[plain(name)]
	if id := synset.FindString(name); len(at) == 0 && id != "" {
		at = c.known[id]
	}
	if i, ok := number(name); len(at) == 0 && ok && i < len(c.names) {
		return i, nil
	}
	switch len(at) {
	case 0:
		return 0, fmt.Errorf("%q is none of the %d classes of %s", name, len(c.names), c.from)
	case 1:
		return at[0], nil
	}
	return 0, fmt.Errorf("%q is the name of outputs %d and %d of %s: name it by its number", name,
		at[0], at[1], c.from)
}

// number is a name that is a whole number, from 0 on.
func number(name string) (int, bool) {
	i, err := strconv.ParseUint(name, 10, 31)
	return int(i), err == nil
}

// sortNames sorts the names of classes: by value where all are whole numbers, else by letters.
func sortNames(names []string) {
	slices.Sort(names)
	for _, name := range names {
		if _, ok := number(name); !ok {
			return
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		x, _ := number(a)
		y, _ := number(b)
		return x - y
	})
}

// Fit makes the split one of a model with so many classes. Where the split doesn't say how many
// classes there are, it takes the model's number. Folders and labels that are numbers below that
// number are then the model's outputs.
func (d *Dataset) Fit(classes int) error {
	n := d.Classes()
	if n == classes {
		return nil
	}
	if named[d.Name] != nil {
		return fmt.Errorf("data: %s: %d classes, and the model has %d", d.Name, n, classes)
	}
	to := make([]int32, n)
	for c, name := range d.ClassNames {
		i, ok := number(name)
		if !ok || i >= classes {
			return fmt.Errorf("data: %s: %d classes, and the model has %d; %q isn't a number below "+
				"that: say what the model's outputs are, with --classes and a file of one name a "+
				"line, or --classes %s", d.Name, n, classes, name, ImageNet)
		}
		to[c] = int32(i)
	}
	names := make([]string, classes)
	for c := range names {
		names[c] = strconv.Itoa(c)
	}
	d.relabel(to, names)
	return nil
}

// listed makes the classes those of a list.
func (d *Dataset) listed(list *classList) error {
	to := make([]int32, d.Classes())
	var unknown []string
	for c, name := range d.ClassNames {
		i, err := list.output(name)
		if err != nil {
			unknown = append(unknown, err.Error())
		}
		to[c] = int32(i)
	}
	if len(unknown) > 0 {
		return fmt.Errorf("%d of %d classes are unknown: %s", len(unknown), len(to), some(unknown))
	}
	d.relabel(to, list.names)
	return nil
}

// relabel makes class c class to[c] of names.
func (d *Dataset) relabel(to []int32, names []string) {
	for i, c := range d.labels {
		if c != Unlabelled {
			d.labels[i] = to[c]
		}
	}
	d.ClassNames = names
	d.hashing.Lock()
	d.hash = ""
	d.hashing.Unlock()
}

// Mapping says which outputs the first and last classes are, for a person.
func (d *Dataset) Mapping() string {
	last := d.Classes() - 1
	if last < 1 {
		return ""
	}
	parts := []string{"0 = " + d.ClassNames[0], "1 = " + d.ClassNames[1]}
	if last > 2 {
		parts = append(parts, "…")
	}
	if last > 1 {
		parts = append(parts, fmt.Sprintf("%d = %s", last, d.ClassNames[last]))
	}
	return strings.Join(parts, ", ")
}
