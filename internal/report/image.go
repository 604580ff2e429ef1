package report

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// Bounds of what images add to the page.
const (
	mostRows     = 500 // of the table of images
	mostOfAKind  = 4   // images of the gallery, of each kind
	mostAttacked = 24  // of the kind that is attacked, and no other
	largestSide  = 128 // of a picture, in pixels
)

// Image is one that was certified.
type Image struct {
	Index, Label int
	True         string // name of its class
	// Predicted names the class that the first method certifies. It is empty where all abstain.
	Predicted    string
	By           string // that method, where it isn't the first of all
	Right        bool   // that class is the label's
	Certificates []Certificate
	Attacks      []Attack
	Kind         string // why it is in the gallery, empty where it isn't
	PNG          template.URL
	Scale        string // the end of the scale of its attacks' maps
}

// Certificate is what a method says of an image.
type Certificate struct {
	Method string
	Class  int
	Name   string // of the class
	Right  bool   // it is the label's, or there is none
	Radius float64
	Bar    string // the radius, as a part of the gallery's longest
}

// Abstained reports whether no class is certified.
func (c Certificate) Abstained() bool { return c.Class == rs.Abstain }

// Text is the radius for a reader: rounded down, as what is certified.
func (c Certificate) Text() string { return fmt.Sprintf("%.3f", math.Floor(c.Radius*1000)/1000) }

// Attack is the smallest perturbation found that makes a classifier wrong.
type Attack struct {
	Classifier, Class string
	Radius            float64 // +Inf where none was found
	Certified         float64 // the largest radius certified of that classifier
	Bar               string
	PNG               template.URL // of the perturbed image, empty where it isn't shown
	Map               template.URL // of what it changes, pixel by pixel
	line              int          // of the table, from 0
}

// Found reports whether a perturbation was found.
func (a Attack) Found() bool { return !math.IsInf(a.Radius, 1) }

// Moved reports whether the image had to be changed.
func (a Attack) Moved() bool { return a.Found() && a.Radius > 0 }

// Text is the radius for a reader.
func (a Attack) Text() string { return fmt.Sprintf("%.3f", a.Radius) }

// Inside reports whether the attack lies inside a certificate: one of them is wrong.
func (a Attack) Inside() bool { return certify.Inside(a.Radius, a.Certified) }

// Labelled reports whether the true class is known.
func (m *Image) Labelled() bool { return m.Label != data.Unlabelled }

// Largest is the largest radius certified of the true class.
func (m *Image) Largest() (r float64) {
	for _, c := range m.Certificates {
		if c.Right {
			r = max(r, c.Radius)
		}
	}
	return r
}

// Nearest is the radius of the smallest attack that succeeded, +Inf where none did.
func (m *Image) Nearest() float64 {
	r := math.Inf(1)
	for _, a := range m.Attacks {
		r = min(r, a.Radius)
	}
	return r
}

// Pictured reports whether a perturbed image is shown.
func (m *Image) Pictured() bool {
	return slices.ContainsFunc(m.Attacks, func(a Attack) bool { return a.PNG != "" })
}

// Alt describes the picture.
func (m *Image) Alt() string {
	return fmt.Sprintf("image %d, of class %s, predicted %s", m.Index, m.True,
		cmp.Or(m.Predicted, "nothing"))
}

// images reads what was certified and attacked of each image, lists it, and chooses the gallery.
func (p *Page) images(dir string, d *data.Dataset) error {
	all, methods, err := p.certificates(dir, d)
	if err != nil || all == nil {
		return err
	}
	if err := p.attacks(dir, all, d); err != nil {
		return err
	}
	if d == nil && p.Run.Dataset.Name == "" {
		p.missing("gallery of images: the run was imported, and its log names no dataset")
	} else if d == nil {
		ref := "PATH"
		if slices.Contains(data.Names(), p.Run.Dataset.Name) {
			ref = p.Run.Dataset.Name
		}
		p.missing("gallery of images: needs the dataset (lipsmooth report RUN --data %s)", ref)
	} else if err := p.gallery(dir, all, d); err != nil {
		return err
	}
	p.Images = p.everyImage(all, methods)
	p.Images.Caption = p.certified
	return nil
}

// of says what the images are of.
func (p *Page) of() string {
	if p.Run.Dataset.Split == "" {
		return ""
	}
	return fmt.Sprintf("of %d of the %s split", p.Run.Dataset.Size, p.Run.Dataset.Split)
}

// gallery chooses the images of the gallery and draws them.
func (p *Page) gallery(dir string, all []*Image, d *data.Dataset) (err error) {
	p.Gallery = choose(all)
	longest := 0.0
	for _, m := range p.Gallery {
		for _, c := range m.Certificates {
			longest = max(longest, c.Radius)
		}
		for _, a := range m.Attacks {
			if a.Found() {
				longest = max(longest, a.Radius)
			}
		}
	}
	bar := func(radius float64) string {
		return strconv.FormatFloat(radius/max(longest, 1e-9), 'f', 3, 64)
	}
	for _, m := range p.Gallery {
		for i := range m.Certificates {
			m.Certificates[i].Bar = bar(m.Certificates[i].Radius)
		}
		for i := range m.Attacks {
			if m.Attacks[i].Found() {
				m.Attacks[i].Bar = bar(m.Attacks[i].Radius)
			}
		}
		if m.Index < 0 || m.Index >= d.Len() || d.Label(m.Index) != m.Label {
			return fmt.Errorf("certificates.tsv: image %d, of class %d: is none of %s", m.Index,
				m.Label, d)
		}
		pixels, err := d.Pixels(m.Index)
		if err != nil {
			return err
		}
		if m.PNG, err = picture(pixels, d.Height, d.Width, d.Channels); err != nil {
			return err
		}
	}
	return p.perturbed(dir, d)
}

// perturbed draws the images that the attacks of the gallery found. It checks that each lies at the
// distance that the table gives.
func (p *Page) perturbed(dir string, d *data.Dataset) error {
	const file = "attack.npy"
	if !slices.ContainsFunc(p.Gallery, func(m *Image) bool {
		return slices.ContainsFunc(m.Attacks, Attack.Moved)
	}) {
		return nil
	}
	from, err := certify.OpenImages(filepath.Join(dir, file), [3]int{d.Height, d.Width, d.Channels},
		os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		p.missing("perturbed images: no %s (lipsmooth attack RUN)", file)
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	p.Coloured = d.Channels > 1
	clean := make([]float32, d.Size())
	for _, m := range p.Gallery {
		if err := d.Images(clean, []int{m.Index}); err != nil {
			return err
		}
		changes, scale := make([][]float64, len(m.Attacks)), 0.0
		for i := range m.Attacks {
			a := &m.Attacks[i]
			if !a.Moved() {
				continue
			}
			found, err := from.At(a.line, clean, a.Radius)
			if err != nil {
				return err
			}
			pixels := make([]byte, len(found))
			for k, v := range found {
				pixels[k] = byte(math.Round(255 * float64(min(max(v, 0), 1))))
			}
			if a.PNG, err = picture(pixels, d.Height, d.Width, d.Channels); err != nil {
				return err
			}
			changes[i] = change(found, clean, d.Channels)
			scale = max(scale, slices.Max(changes[i]), -slices.Min(changes[i]))
		}
		m.Scale = fmt.Sprintf("%.3g", scale)
		for i, values := range changes {
			if values == nil {
				continue
			}
			if m.Attacks[i].Map, err = differenceMap(values, d.Height, d.Width, scale); err != nil {
				return err
			}
		}
	}
	return nil
}

// class names a class.
func (p *Page) class(i int, d *data.Dataset) string {
	var names []string
	switch {
	case d != nil:
		names = d.ClassNames
	case p.Model != nil:
		names = p.Model.ClassNames
	}
	if i == data.Unlabelled {
		return "unknown"
	}
	if 0 <= i && i < len(names) {
		return names[i]
	}
	return strconv.Itoa(i)
}

// certificates reads those of each image, in the order of the file; nil where there are none.
func (p *Page) certificates(dir string, d *data.Dataset) (all []*Image, methods []string,
	err error) {
	const file = "certificates.tsv"
	t, caption, err := table.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, nil, err
	}
	p.certified = caption
	if t == nil {
		p.missing("images: no %s (lipsmooth certify RUN)", file)
		return nil, nil, nil
	}
	path := filepath.Join(dir, file)
	rows, err := cells(t, path, "index", "label", "class", "radius", "method")
	if err != nil {
		return nil, nil, err
	}
	byIndex := map[int]*Image{}
	for r, row := range rows {
		var whole [3]int
		var bad [4]error
		for i := range whole {
			whole[i], bad[i] = strconv.Atoi(row[i])
		}
		c := Certificate{Method: row[4], Class: whole[2]}
		if c.Radius, bad[3] = strconv.ParseFloat(row[3], 64); bad[3] == nil &&
			!(0 <= c.Radius && c.Radius <= math.MaxFloat64) {
			bad[3] = fmt.Errorf("radius %s: must be at least 0 and finite", row[3])
		}
		for _, err := range bad {
			if err != nil {
				return nil, nil, fmt.Errorf("%s: row %d: %w", path, r+1, err)
			}
		}
		m := byIndex[whole[0]]
		if m == nil {
			m = &Image{Index: whole[0], Label: whole[1], True: p.class(whole[1], d)}
			byIndex[m.Index], all = m, append(all, m)
		}
		if !c.Abstained() {
			c.Name, c.Right = p.class(c.Class, d), c.Class == m.Label || !m.Labelled()
			if m.Predicted == "" {
				m.Predicted, m.Right = c.Name, c.Right
				if m.Certificates != nil {
					m.By = c.Method
				}
			}
		}
		m.Certificates = append(m.Certificates, c)
		if !slices.Contains(methods, c.Method) {
			methods = append(methods, c.Method)
		}
	}
	p.Facts = slices.Insert(p.Facts, 0, Fact{"images", strconv.Itoa(len(all)), p.of()})
	return all, methods, nil
}

// attacks adds what was found to each image.
func (p *Page) attacks(dir string, all []*Image, d *data.Dataset) error {
	const file = "attack.tsv"
	t, _, err := table.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return err
	}
	if t == nil {
		p.missing("attacks: no %s (lipsmooth attack RUN)", file)
		return nil
	}
	path := filepath.Join(dir, file)
	found, err := certify.Attacks(t)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	rows, err := cells(t, path, "class", "certified")
	if err != nil {
		return err
	}
	byIndex := map[int]*Image{}
	for _, m := range all {
		byIndex[m.Index] = m
	}
	within := 0
	for r, a := range found {
		class, err := strconv.Atoi(rows[r][0])
		if err != nil {
			return fmt.Errorf("%s: row %d: %w", path, r+1, err)
		}
		certified, err := strconv.ParseFloat(rows[r][1], 64)
		if err != nil {
			return fmt.Errorf("%s: row %d: %w", path, r+1, err)
		}
		shown := Attack{Classifier: a.Classifier, Class: p.class(class, d), Radius: a.Radius,
			Certified: certified, line: r}
		if shown.Inside() {
			within++
		}
		if m := byIndex[a.Index]; m != nil {
			m.Attacks = append(m.Attacks, shown)
		}
	}
	p.Attacks = true
	p.Facts = append(p.Facts, Fact{"attacks inside a certificate", strconv.Itoa(within),
		fmt.Sprintf("of %d made", len(found))})
	return nil
}

// everyImage is the table of all images.
func (p *Page) everyImage(all []*Image, methods []string) *Table {
	t := &Table{ID: "every", Title: "Every image",
		Columns: []Column{{"image", true}, {"true", false}, {"predicted", false}}}
	for _, name := range methods {
		t.Columns = append(t.Columns, Column{name, true})
	}
	var classifiers []string
	for _, c := range certify.Attacked {
		if slices.ContainsFunc(all, func(m *Image) bool { return m.attack(c.Name) != nil }) {
			classifiers = append(classifiers, c.Name)
			t.Columns = append(t.Columns, Column{"attack on " + c.Name, true})
		}
	}
	if len(all) > mostRows {
		p.missing("%d images: the table holds the first %d; certificates.tsv has all", len(all),
			mostRows)
		all = all[:mostRows]
	}
	for _, m := range all {
		first := Cell{Text: strconv.Itoa(m.Index)}
		if m.Kind != "" {
			first.Link = "image-" + first.Text
		}
		row := []Cell{first, {Text: m.True}, {Text: cmp.Or(m.Predicted, "–"),
			Wrong: m.Predicted != "" && !m.Right}}
		for _, name := range methods {
			cell := Cell{Text: ""}
			if i := slices.IndexFunc(m.Certificates, func(c Certificate) bool {
				return c.Method == name
			}); i >= 0 {
				switch c := m.Certificates[i]; {
				case c.Abstained():
					cell = Cell{Text: "–", Sort: "-1"}
				case !c.Right: // below all that are right: the larger the worse
					cell = Cell{Text: c.Text() + " as " + c.Name,
						Sort: strconv.FormatFloat(-2-c.Radius, 'g', -1, 64), Wrong: true}
				default:
					cell = Cell{Text: c.Text()}
				}
			}
			row = append(row, cell)
		}
		for _, name := range classifiers {
			cell := Cell{}
			switch a := m.attack(name); {
			case a == nil:
			case a.Found():
				cell.Text = a.Text()
			default:
				cell = Cell{Text: "none found", Sort: "1e9"}
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// attack is that on a classifier, or nil.
func (m *Image) attack(classifier string) *Attack {
	for i := range m.Attacks {
		if m.Attacks[i].Classifier == classifier {
			return &m.Attacks[i]
		}
	}
	return nil
}

// A kind is a reason to show an image: those with the largest scores, score 0 being none.
type kind struct {
	name  string
	most  int
	score func(*Image) float64
}

// kinds are what a gallery shows, in its order.
var kinds = []kind{
	{"wrong", mostOfAKind, func(m *Image) float64 {
		x := 0.0
		for _, c := range m.Certificates {
			if !c.Abstained() && !c.Right {
				x = max(x, 1e-9, c.Radius)
			}
		}
		return x
	}},
	{"abstained", mostOfAKind, func(m *Image) float64 {
		x := 0.0
		for _, c := range m.Certificates {
			if c.Abstained() {
				x++
			}
		}
		return x
	}},
	{"attack near its certificate", mostOfAKind, func(m *Image) float64 {
		x := 0.0
		for _, a := range m.Attacks {
			if a.Found() && a.Radius > 0 {
				x = max(x, a.Certified/a.Radius)
			}
		}
		return x
	}},
	{"smallest radius", mostOfAKind, func(m *Image) float64 {
		if r := m.Largest(); r > 0 {
			return 1 / r
		}
		return 0
	}},
	{"largest radius", mostOfAKind, (*Image).Largest},
	{"methods differ", mostOfAKind, func(m *Image) float64 {
		least, most := math.Inf(1), 0.0
		for _, c := range m.Certificates {
			if c.Right && c.Radius > 0 {
				least, most = min(least, c.Radius), max(most, c.Radius)
			}
		}
		return max(0, most-least)
	}},
	{"attacked", mostAttacked, func(m *Image) float64 { return min(1, float64(len(m.Attacks))) }},
}

// choose takes the most telling images of each kind, among those that no kind before has taken.
func choose(all []*Image) (chosen []*Image) {
	for _, k := range kinds {
		order := slices.SortedStableFunc(slices.Values(all),
			func(a, b *Image) int { return cmp.Compare(k.score(b), k.score(a)) })
		taken := 0
		for _, m := range order {
			if taken == k.most || k.score(m) == 0 {
				break
			}
			if m.Kind == "" {
				m.Kind, chosen, taken = k.name, append(chosen, m), taken+1
			}
		}
	}
	return chosen
}
