package lab

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
)

// thousand is the number of ImageNet's classes, and side that of the made-up photos.
const thousand, side = 1000, 16

// ImageNet puts a classifier of 1,000 classes into the folder dir, as model.onnx, with a folder
// photos and their classes in labels.tsv. LIPSMOOTH_IMAGENET_MODEL names the file of the classifier
// and LIPSMOOTH_IMAGENET_PHOTOS the folder. Their links go into dir. The name of a photo ends with
// the number of its class: cat_281.jpg. Without the two, classifier and photos are made up. The
// note says which.
func ImageNet(dir string) (note string) {
	model, photos := os.Getenv("LIPSMOOTH_IMAGENET_MODEL"), os.Getenv("LIPSMOOTH_IMAGENET_PHOTOS")
	if model == "" || photos == "" {
		madeUp(dir)
		return "classifier and photos: made up; set LIPSMOOTH_IMAGENET_MODEL to an ONNX file and " +
			"LIPSMOOTH_IMAGENET_PHOTOS to a folder for real ones"
	}
	link(model, filepath.Join(dir, "model.onnx"))
	link(photos, filepath.Join(dir, "photos"))
	var labels []string
	class := regexp.MustCompile(`[^0-9]([0-9]+)\.[^.]+$`)
	for _, file := range Must(os.ReadDir(photos)) {
		found := class.FindStringSubmatch(file.Name())
		if found == nil {
			panic(fmt.Sprintf("lab: %s: no number of a class at the end of the name",
				filepath.Join(photos, file.Name())))
		}
		labels = append(labels, file.Name()+"\t"+found[1]+"\n")
	}
	write(filepath.Join(dir, "labels.tsv"), []byte(strings.Join(labels, "")))
	return fmt.Sprintf("classifier and %d photos: your own", len(labels))
}

// link makes path a link to a file or a folder.
func link(to, path string) {
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if gone := os.Remove(path); err == nil && !errors.Is(gone, fs.ErrNotExist) {
		err = gone
	}
	if err == nil {
		err = os.Symlink(Must(filepath.Abs(to)), path)
	}
	if err != nil {
		panic(err)
	}
}

// madeUp writes a linear classifier of 1,000 classes and 20 photos. The weights of a class are a
// random pattern, and a photo shows the pattern of its class, some more clearly than others.
func madeUp(dir string) {
	r := rand.New(rand.NewPCG(9, 9))
	const entries = 3 * side * side
	weights := make([]float32, thousand*entries) // [class, channel, row, column]
	for i := range weights {
		weights[i] = float32(r.NormFloat64() / math.Sqrt(entries))
	}
	write(filepath.Join(dir, "model.onnx"), linearONNX(weights, 3, side, side))
	labels := ""
	for i := range 20 {
		class := i * 49
		photo := image.NewNRGBA(image.Rect(0, 0, side, side))
		strength := 0.45 + 0.02*float64(i)
		value := func(channel, y, x int) uint8 {
			w := weights[class*entries+(channel*side+y)*side+x]
			return uint8(math.Round(255 * min(max(0.5+strength*float64(w), 0), 1)))
		}
		for y := range side {
			for x := range side {
				photo.SetNRGBA(x, y, color.NRGBA{R: value(0, y, x), G: value(1, y, x),
					B: value(2, y, x), A: 255})
			}
		}
		var text bytes.Buffer
		if err := png.Encode(&text, photo); err != nil {
			panic(err)
		}
		name := fmt.Sprintf("pattern_%d.png", class)
		write(filepath.Join(dir, "photos", name), text.Bytes())
		labels += fmt.Sprintf("%s\t%d\n", name, class)
	}
	write(filepath.Join(dir, "labels.tsv"), []byte(labels))
}

// linearONNX is the ONNX file of a linear classifier of images [N, size…]. The weights are
// [classes, entries of an image]. Numbers of fields are those of onnx.proto.
func linearONNX(weights []float32, size ...int) []byte {
	number := func(field protowire.Number, v int) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType),
			uint64(v))
	}
	part := func(field protowire.Number, parts ...[]byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType),
			slices.Concat(parts...))
	}
	text := func(field protowire.Number, s string) []byte { return part(field, []byte(s)) }
	value := func(field protowire.Number, name string, size ...int) []byte {
		shape := part(1, text(2, "N"))
		for _, d := range size {
			shape = append(shape, part(1, number(1, d))...)
		}
		return part(field, text(1, name), part(2, part(1, number(1, 1), part(2, shape))))
	}
	entries := 1
	for _, d := range size {
		entries *= d
	}
	classes := len(weights) / entries
	var raw []byte
	for _, w := range weights {
		raw = protowire.AppendFixed32(raw, math.Float32bits(w))
	}
	graph := part(7, text(2, "linear"),
		part(1, text(1, "images"), text(2, "flat"), text(3, "flatten"), text(4, "Flatten")),
		part(1, text(1, "flat"), text(1, "weights"), text(2, "logits"), text(3, "linear"),
			text(4, "Gemm"), part(5, text(1, "transB"), number(3, 1), number(20, 2))),
		part(5, number(1, classes), number(1, entries), number(2, 1), text(8, "weights"),
			part(9, raw)),
		value(11, "images", size...), value(12, "logits", classes))
	return slices.Concat(number(1, 8), graph, part(8, number(2, 17)))
}

// Sampled reads a run's folder as [Run] does. It needs no tuning images, since votes need no
// temperature.
func Sampled(dir string, alpha float64) *certify.Run {
	return Must(certify.Load(dir, certify.Default().At(alpha)))
}

// Top returns the rows of a table: the classes with the most votes of an image, this many, and the
// other classes with votes together.
func Top(e *rs.Evidence, most int) (rows [][]any) {
	all := Votes(e)
	slices.SortStableFunc(all, func(a, b []any) int { return b[2].(int) - a[2].(int) })
	rest := []any{"", 0, 0}
	for i, row := range all {
		if i < most {
			rows = append(rows, []any{fmt.Sprint(row[0]), row[1], row[2]})
			continue
		}
		rest[0] = fmt.Sprintf("%d others", i+1-most)
		rest[1], rest[2] = rest[1].(int)+row[1].(int), rest[2].(int)+row[2].(int)
	}
	return append(rows, rest)
}

// ByImage draws the radius that each method certifies for each image. The images are in the order
// of the last method's radii.
func ByImage(c *certify.Result) *figures.Figure {
	last := c.Curves[len(c.Curves)-1].Results
	order, ranks := make([]int, len(last)), make([]float64, len(last))
	for i := range order {
		order[i], ranks[i] = i, float64(i+1)
	}
	radius := func(r rs.Result) float64 {
		if r.Class == rs.Abstain {
			return 0
		}
		return r.Radius
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(radius(last[i]), radius(last[j]))
	})
	f := figures.NewLines("by-image", "image, by its radius", "certified ℓ_{2} radius", ranks...)
	for _, curve := range c.Curves {
		f.Add(curve.Method, func(rank float64) float64 {
			return radius(curve.Results[order[int(rank)-1]])
		})
	}
	return &f.Figure
}

// Never reports whether no image has a larger radius by a method than by the last method.
func Never(c *certify.Result) bool {
	last := c.Curves[len(c.Curves)-1].Results
	for _, curve := range c.Curves {
		for i, r := range curve.Results {
			if r.Class != rs.Abstain && r.Radius > last[i].Radius {
				return false
			}
		}
	}
	return true
}
