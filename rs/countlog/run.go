// Package countlog keeps the evidence of noisy sampling on disk. From it, every certificate, table
// and figure can be computed again without a device.
//
// A run is a folder of three files. run.json has the settings of the sampling ([Run]). seal.json
// has hashes of the settings and of every row ([Seal]). [CountsFile] is a table, tab separated,
// with a line of column names and then one line an example:
//
//	index               position in the dataset
//	label               true class, -1 where none is known
//	clean_class         prediction without noise, -1 where the run has none
//	clean_margin        its margin, in logits: the shortest decimal that reads back exactly
//	class               class selected: the most votes in selection
//	selection           votes of the selection draw, class:count pairs, classes rising, no zeros
//	estimation          votes of the estimation draw
//	selection_margins   histogram of class's margin over the selection draw, bin:count pairs
//	margins             the same over the estimation draw
//	clean_distance      where Run.Distances says so: how far images of other classes lie at least
//	scores sparsemax,t=1  for each map of Run.Scores: histograms of all classes' scores over the
//	                    estimation draw, one after the other, over the edges of [rs.ScoreEdges]
//
// Bins are those of [rs.Histogram] over [Run.Edges]; both cells are empty where the run logs no
// margins. A line holds no time and nothing else that differs between two runs of equal draws:
// equal draws give tables of equal bytes.
//
// A seal finds rows and settings that were changed, moved or deleted after they were written.
// Resume, [Merge] and [Log.CheckSeal] compare it. The seal is written at most once a second, after
// its rows are on disk. So the last rows of a killed writer have no seal until sampling goes on.
// Runs that an older version wrote have none. Whoever can write the folder can make a seal again,
// so [Sign] signs it, as ssh-keygen -Y sign does.
//
// The folder [TuningFolder] in a run is a run on other images. The temperature of soft votes is
// chosen on it. The command keeps more beside the log: model (the network that was sampled), sigma
// (runs at other noise levels), figures, attack.tsv with attack.npy (each attack and the image that
// it found) and gap.tsv. This package reads none of these.
package countlog

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"github.com/lipsmooth/lipsmooth/rs"
)

const (
	RunFile    = "run.json"
	CountsFile = "counts-00000-of-00001.tsv"

	// Format is the version of both files.
	Format = 1

	// DefaultMarginBins is the usual number of inner margin bins.
	DefaultMarginBins = 512
)

// Run has the settings of the sampling. α and the method are chosen for certification, so Run
// doesn't have them.
type Run struct {
	Format   int     `json:"format"`
	Model    Model   `json:"model"`
	Dataset  Dataset `json:"dataset"`
	Examples Plan    `json:"examples"`       // the examples to sample
	Shard    Shard   `json:"shard,omitzero"` // zero is a run of its own
	// Sigma is the standard deviation of the noise, in units of the image ([0, 1]).
	Sigma float64 `json:"sigma"`
	N0    int     `json:"n0"` // selection draws an example
	N     int     `json:"n"`  // estimation draws an example
	// Every draw is a function of Seed, the index, the phase and the block.
	Seed  uint64 `json:"seed"`
	Block int    `json:"block"` // draws a block
	// MarginMax is the last edge of the margin histograms, in logits, and MarginBins the number
	// of bins between the outermost edges; both 0 where margins are not logged.
	MarginMax  float64 `json:"margin_max"`
	MarginBins int     `json:"margin_bins"`
	// MarginError bounds the effect of float32 on every difference of two logits, in logits, for
	// all of the noise but a part of probability rs.BeyondReach. It is proved from the weights, as
	// Lambda is, for this sigma. It is 0 where no bound is known.
	MarginError float64 `json:"margin_error,omitempty"`
	// Scores are the maps of all logged scores, each as [rs.ScoreMap.String] writes it.
	Scores []string `json:"scores,omitempty"`
	// Distances says that rows have a [rs.Clean.Distance].
	Distances bool  `json:"distances,omitempty"`
	Noise     Noise `json:"noise,omitzero"` // zero is Gaussian, as float32 has it
	// The zero Until is N estimation draws for every example.
	Until Until `json:"until,omitzero"`
	// Backend drew the noise. Another backend may give other bits.
	Backend string `json:"backend"`
	// Versions are of lipsmooth, which Create adds, and of the libraries that draw.
	Versions map[string]string `json:"versions,omitempty"`
	Created  time.Time         `json:"created,omitzero"`
	// Sealed says that rows have a seal, which Create adds: a [SealFile] that isn't there is gone.
	Sealed bool `json:"sealed,omitempty"`
}

// Model names a classifier.
type Model struct {
	Name string `json:"name"`
	Hash string `json:"hash"` // of the weights
	// Precision is TF32 or BF16 where the device multiplies in less than float32, which is empty. The
	// classifier that is certified is the one that the device computes. It has no Lipschitz constant.
	Precision string `json:"precision,omitempty"`
	// Lambda is written as two fields, lambda and lambda_source (see modelFile).
	Lambda rs.Constant `json:"lambda"`
	// PairMargins says that a margin is min over j of (z_c - z_j)·Λ/Λ_cj, where Λ_cj bounds the
	// Lipschitz constant of z_c - z_j: Λ-Lipschitz as well, of the same sign, and never smaller.
	PairMargins bool `json:"pair_margins,omitempty"`
	// Reading is what is done between an image with its noise and the classifier's file: part of what
	// is certified.
	Reading Reading `json:"reading,omitzero"`
	// Random says that the model's answers are random. Votes certify its most frequent answer,
	// and no draw can be repeated.
	Random bool `json:"random,omitempty"`
}

// Precisions of matrix products and convolutions. Sums are float32 in each, as far as the device
// has them.
const (
	Float32 = "float32"
	TF32    = "tf32" // inputs have 10 bits of mantissa, on NVIDIA GPUs
	BF16    = "bf16" // inputs have 7 bits, and so may results of convolutions
)

// CheckPrecision is an error of a precision that isn't known. Empty is float32.
func CheckPrecision(name string) error {
	if !slices.Contains([]string{"", Float32, TF32, BF16}, name) {
		return fmt.Errorf("precision %s: known: %s, %s, %s", name, Float32, TF32, BF16)
	}
	return nil
}

// In is the model in a precision. In TF32 and BF16 nothing is proved of it.
func (m Model) In(precision string) Model {
	if precision == "" || precision == Float32 {
		return m
	}
	m.Precision, m.Lambda, m.PairMargins = precision, rs.Constant{}, false
	return m
}

// Reading says how an ONNX file is read, in the words of the flags of lipsmooth info.
type Reading struct {
	Mean string `json:"mean,omitempty"` // numbers separated by commas, as is Std
	Std  string `json:"std,omitempty"`
	// Resize is the short side after the noise. Older versions had a flag for it; today's --resize is
	// [Source.Resize], before the noise.
	Resize int `json:"resize,omitempty"`
	// Size is the height and width that the model gets, where its file leaves them open.
	Size     string `json:"size,omitempty"`
	Channels string `json:"channels,omitempty"`
	Layout   string `json:"layout,omitempty"`
	Output   string `json:"output,omitempty"`
	Scale    string `json:"scale,omitempty"`
	OneByOne bool   `json:"one_by_one,omitempty"`
	// Denoiser is the name of an ONNX file that comes first; Model.Hash is then of both.
	Denoiser string `json:"denoiser,omitempty"`
	Schedule string `json:"schedule,omitempty"`
	Predicts string `json:"predicts,omitempty"`
}

// Dataset names the examples.
type Dataset struct {
	Name    string `json:"name"`
	Hash    string `json:"hash"`
	Split   string `json:"split"`
	Classes int    `json:"classes"`
	Size    int    `json:"size"` // examples in the split
	// Dimension is the number of values of an image. It is 0 in logs that don't say.
	Dimension int `json:"dimension,omitempty"`
	// Source says how the examples are found again. It is nil where Name and Split say it all.
	Source *DatasetSource `json:"source,omitempty"`
}

// DatasetSource says how a dataset was read, in the words of the flags of lipsmooth sample. The
// hash of the dataset covers what came of it.
type DatasetSource struct {
	Classes string   `json:"classes,omitempty"`
	Labels  string   `json:"labels,omitempty"`
	Resize  int      `json:"resize,omitempty"`
	Crop    int      `json:"crop,omitempty"`
	Skipped []string `json:"skipped,omitempty"` // files that can't be read
}

// Discrete is the [Noise.Kind] of Gaussian noise rounded to a grid. The values of an image lie on
// the same grid.
const Discrete = "discrete"

// Noise is what was drawn in place of Gaussian noise.
type Noise struct {
	Kind  string `json:"kind"`
	Steps int    `json:"steps"` // of the grid, in [0, 1]
	// Rounding bounds ‖Z - Z'‖ (l2) of every draw, where Z is Gaussian noise and Z' is the noise
	// drawn.
	Rounding float64 `json:"rounding"`
}

// Plan is the Count indices ⌊(Start + i·Stride)/Over⌋, i = 0, 1, …: Start, Start+Stride, … where
// Over is 0, which stands for 1. Stride >= Over, so the indices differ.
type Plan struct {
	Start  int `json:"start"`
	Stride int `json:"stride"`
	Count  int `json:"count"`
	Over   int `json:"over,omitempty"` // 0, or from 2 on
}

// Every plans all of size examples.
func Every(size int) Plan { return Plan{Stride: 1, Count: size} }

// Spread plans count examples, evenly spread over a dataset of size, or all of a smaller one.
func Spread(size, count int) Plan {
	if count = min(size, count); count < 1 {
		return Plan{Stride: 1}
	}
	d := divisor(size, count)
	return Plan{Stride: size / d, Over: count / d, Count: count}.plain()
}

// plain is a plan in its one form where Over is 1.
func (p Plan) plain() Plan {
	if p.Over == 1 {
		p.Over = 0
	}
	return p
}

func (p Plan) over() int { return max(1, p.Over) }

// At returns the i-th index, 0 <= i < Count.
func (p Plan) At(i int) int { return (p.Start + i*p.Stride) / p.over() }

// Position returns i with At(i) = index, or -1 where the plan has no such index.
func (p Plan) Position(index int) int {
	i := 0 // the smallest with At(i) >= index
	if d := index*p.over() - p.Start; d > 0 && p.Stride > 0 {
		i = (d-1)/p.Stride + 1
	}
	if i >= p.Count || p.At(i) != index {
		return -1
	}
	return i
}

// Thin plans count of the plan's examples at an even distance, or all of fewer.
func (p Plan) Thin(count int) Plan {
	if count < p.Count {
		p.Stride *= max(1, (p.Count-1)/max(1, count-1))
		p.Count = count
	}
	return p
}

// Others plans all examples of a dataset of size that the plan Spread(size, count) leaves out.
func Others(size, count int) Plan {
	left := size - count
	if left < 1 {
		return Plan{Stride: 1}
	}
	// The complement of ⌊i·size/count⌋, i = 0, …, count-1, is ⌈(j+1)·size/left⌉-1, j = 0, ….
	return Plan{Start: size - 1, Stride: size, Over: left, Count: left}.plain()
}

// String says which indices the plan has.
func (p Plan) String() string {
	if p.Over > 0 {
		return fmt.Sprintf("%d, from %d on, %d/%d apart", p.Count, p.At(0), p.Stride, p.Over)
	}
	return fmt.Sprintf("%d, from %d on, %d apart", p.Count, p.Start, p.Stride)
}

// Indices yields the indices, rising.
func (p Plan) Indices() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range p.Count {
			if !yield(p.At(i)) {
				return
			}
		}
	}
}

// Shard returns part i of n, 0 <= i < n: every n-th index from the i-th on, none where Count <= i.
func (p Plan) Shard(i, n int) Plan {
	return Plan{Start: p.Start + i*p.Stride, Stride: p.Stride * n, Over: p.Over,
		Count: (p.Count - i + n - 1) / n}
}

// Shard names the part of a larger run that a run is: its plan is [Plan.Shard] of that run's.
type Shard struct {
	Index    int `json:"index"`    // from 0
	Of       int `json:"of"`       // shards
	Examples int `json:"examples"` // of all shards together
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// Part returns shard i of n of a run, 0 <= i < n.
func (r Run) Part(i, n int) Run {
	r.Shard, r.Examples = Shard{i, n, r.Examples.Count}, r.Examples.Shard(i, n)
	return r
}

// whole is the plan that a shard's is part of; a run's own where it is no shard.
func (r *Run) whole() Plan {
	p := r.Examples
	if r.Shard == (Shard{}) {
		return p
	}
	stride := p.Stride / r.Shard.Of
	return Plan{Start: p.Start - r.Shard.Index*stride, Stride: stride, Over: p.Over,
		Count: r.Shard.Examples}
}

// checkShard names what can't be of a shard of a valid plan.
func (r *Run) checkShard() error {
	s, size := r.Shard, r.Dataset.Size
	if s == (Shard{}) {
		return nil
	}
	if s.Of < 1 || s.Of > maxSize || s.Index < 0 || s.Index >= s.Of {
		return fmt.Errorf("shard: %d of %d, want one counted from 0", s.Index, s.Of)
	}
	w := r.whole()
	if w.Stride < w.over() || w.Start < 0 || w.Count-1 > (size*w.over()-1-w.Start)/w.Stride ||
		w.Shard(s.Index, s.Of) != r.Examples {
		return fmt.Errorf("shard: %d of %d of %d examples isn't the plan with start %d, stride "+
			"%d and count %d",
			s.Index, s.Of, s.Examples, r.Examples.Start, r.Examples.Stride, r.Examples.Count)
	}
	return nil
}

// Edges returns the edges of the run's margin histograms, in logits. It is nil where the run logs
// no margins.
func (r *Run) Edges() []float64 {
	if r.MarginBins == 0 {
		return nil
	}
	return Edges(r.MarginMax, r.MarginBins)
}

// Edges returns the bins+1 edges
//
//	e_j = maximum · sinh(4j/H)/sinh(4),  j = -H..H,  H = bins/2,
//
// in logits. They are symmetric and fine near zero, with e_0 = 0 and e_H = maximum. Each edge is a
// float32, so a device that compares in float32 puts a margin in the same bin as float64 does. bins
// is even and positive.
func Edges(maximum float64, bins int) []float64 {
	if bins < 2 || bins%2 != 0 {
		panic(fmt.Sprintf("countlog: %d margin bins, want an even number", bins))
	}
	h := bins / 2
	edges := make([]float64, bins+1)
	for j := 1; j <= h; j++ {
		e := float64(float32(maximum * (math.Sinh(4*float64(j)/float64(h)) / math.Sinh(4))))
		edges[h+j], edges[h-j] = e, -e
	}
	return edges
}

// Limits that keep a damaged run.json from asking for all the memory there is.
const (
	maxClasses    = 1 << 20
	maxSize       = 1 << 31
	maxDraws      = 1 << 40
	maxMarginBins = 1 << 16
	maxNumbers    = 1 << 26 // in a row
)

// Validate returns an error that names the first field that cannot be.
func (r *Run) Validate() error {
	finite := func(x float64) bool { return x >= 0 && !math.IsInf(x, 1) }
	between := func(x, lo, hi int) bool { return lo <= x && x <= hi }
	p, d := r.Examples, r.Dataset
	for _, c := range []struct {
		ok           bool
		field, wants string
		value        any
	}{
		{r.Format == Format, "format", fmt.Sprintf("%d, the one this version knows", Format),
			r.Format},
		{between(d.Classes, 2, maxClasses), "dataset.classes",
			fmt.Sprintf("from 2 to %d", maxClasses), d.Classes},
		{between(d.Size, 1, maxSize), "dataset.size", fmt.Sprintf("from 1 to %d", maxSize), d.Size},
		{between(d.Dimension, 0, maxSize), "dataset.dimension", fmt.Sprintf("from 0 to %d", maxSize),
			d.Dimension},
		{p.Over == 0 || between(p.Over, 2, d.Size), "examples.over",
			fmt.Sprintf("from 2 to %d, or none", d.Size), p.Over},
		{between(p.Start, 0, d.Size*p.over()-1), "examples.start",
			fmt.Sprintf("in a dataset of %d", d.Size), p.Start},
		{p.Stride >= p.over(), "examples.stride", fmt.Sprintf(">= %d", p.over()), p.Stride},
		{p.Count >= 1, "examples.count", ">= 1", p.Count},
		{p.Stride < 1 || p.Count-1 <= (d.Size*p.over()-1-p.Start)/p.Stride, "examples.count",
			fmt.Sprintf("such that start %d and stride %d stay in a dataset of %d", p.Start,
				p.Stride, d.Size), p.Count},
		{finite(r.MarginError), "margin_error", "finite and >= 0", r.MarginError},
		{slices.Contains([]string{"", TF32, BF16}, r.Model.Precision), "model.precision",
			TF32 + ", " + BF16 + ", or none", r.Model.Precision},
		{r.Model.In(r.Model.Precision) == r.Model, "model.precision",
			"none beside a lambda or pair_margins", r.Model.Precision},
		{r.Model.Precision == "" || r.MarginError == 0, "margin_error", "0 with a precision",
			r.MarginError},
		{finite(r.Sigma), "sigma", "finite and >= 0", r.Sigma},
		{between(r.N0, 1, maxDraws), "n0", fmt.Sprintf("from 1 to %d", maxDraws), r.N0},
		{between(r.N, 1, maxDraws), "n", fmt.Sprintf("from 1 to %d", maxDraws), r.N},
		{r.Block >= 1, "block", ">= 1", r.Block},
		{between(r.MarginBins, 0, maxMarginBins) && r.MarginBins%2 == 0, "margin_bins",
			fmt.Sprintf("even, from 0 to %d", maxMarginBins), r.MarginBins},
		{(r.MarginMax == 0) == (r.MarginBins == 0) && finite(r.MarginMax), "margin_max",
			"positive with margin_bins, 0 without", r.MarginMax},
	} {
		if !c.ok {
			return fmt.Errorf("%s: %v, want %s", c.field, c.value, c.wants)
		}
	}
	if err := r.checkShard(); err != nil {
		return err
	}
	if len(r.Scores) > maxMaps {
		return fmt.Errorf("scores: %d maps, want at most %d", len(r.Scores), maxMaps)
	}
	if n := d.Classes * (2 + len(r.Scores)*(len(rs.ScoreEdges())+1)); n > maxNumbers {
		return fmt.Errorf("scores: %d maps of %d classes are %d numbers a row, want at most %d",
			len(r.Scores), d.Classes, n, maxNumbers)
	}
	for i, text := range r.Scores {
		m, err := rs.ParseScoreMap(text)
		if err == nil && (m.String() != text || slices.Contains(r.Scores[:i], text)) {
			err = fmt.Errorf("%s: want each once, as %s", text, m)
		}
		if err != nil {
			return fmt.Errorf("scores: %w", err)
		}
	}
	if z := r.Noise; z != (Noise{}) && (z.Kind != Discrete || !between(z.Steps, 1, 1<<24) ||
		!finite(z.Rounding) || z.Rounding == 0) {
		return fmt.Errorf("noise: %+v, want kind %s with steps and rounding positive, or none", z,
			Discrete)
	}
	if err := r.Until.check(r); err != nil {
		return err
	}
	for j, edges := 1, r.Edges(); j < len(edges); j++ {
		if !(edges[j-1] < edges[j]) || math.IsInf(edges[j], 1) {
			return fmt.Errorf("margin_max: %g, want one at which %d bins have rising float32 edges",
				r.MarginMax, r.MarginBins)
		}
	}
	return nil
}

// difference names the first field in which two runs differ, with both values. It ignores created,
// versions, sealed, and the name and the source of a model or dataset that has a hash.
func difference(a, b Run) string {
	a.Created, a.Versions, b.Created, b.Versions = time.Time{}, nil, time.Time{}, nil
	return differ("", reflect.ValueOf(a.nameless()), reflect.ValueOf(b.nameless()))
}

// nameless is a run without the names of what a hash identifies, without their sources, and
// whether it is sealed or not.
func (r Run) nameless() Run {
	r.Sealed = false
	if r.Model.Hash != "" {
		r.Model.Name, r.Model.Reading.Denoiser = "", ""
	}
	if r.Dataset.Hash != "" {
		r.Dataset.Name, r.Dataset.Source, r.Dataset.Dimension = "", nil, 0
	}
	return r
}

// Renamed says in which names two runs of one model and dataset differ. It is empty where no name
// differs. Names are for people. A hash identifies a model or a dataset.
func Renamed(there, here Run) string {
	var names []string
	for _, n := range []struct{ field, there, here string }{
		{"model.name", there.Model.Name, here.Model.Name},
		{"model.reading.denoiser", there.Model.Reading.Denoiser, here.Model.Reading.Denoiser},
		{"dataset.name", there.Dataset.Name, here.Dataset.Name},
	} {
		if n.there != n.here {
			names = append(names, fmt.Sprintf("%s is %s there, %s here", n.field, n.there, n.here))
		}
	}
	return strings.Join(names, "; ")
}

func differ(path string, a, b reflect.Value) string {
	if a.Kind() == reflect.Struct && a.Type() != reflect.TypeFor[time.Time]() &&
		a.Type() != reflect.TypeFor[rs.Constant]() {

		for i := range a.NumField() {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			if d := differ(strings.TrimPrefix(path+"."+name, "."), a.Field(i),
				b.Field(i)); d != "" {
				return d
			}
		}
		return ""
	}
	if x, y := a.Interface(), b.Interface(); !reflect.DeepEqual(x, y) {
		word := func(v any) string { return cmp.Or(fmt.Sprint(v), "none") }
		return fmt.Sprintf("%s is %s there, %s here", path, word(x), word(y))
	}
	return ""
}

// ReadRun reads and validates the run.json of a run's folder.
func ReadRun(dir string) (Run, error) {
	path := filepath.Join(dir, RunFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return Run{}, fmt.Errorf("no run to read: %w", err)
	}
	r, err := parseRun(data)
	if err != nil {
		return Run{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

func parseRun(data []byte) (Run, error) {
	// The format goes first: a later one may have fields that this version does not know.
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return Run{}, jsonError(data, err)
	}
	if version.Format != Format {
		return Run{}, fmt.Errorf("format: %d, this version reads %d", version.Format, Format)
	}
	var file runFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return Run{}, jsonError(data, err)
	}
	r, err := file.run()
	if err != nil {
		return Run{}, err
	}
	if len(r.Scores) == 0 {
		r.Scores = nil // as a run without has them
	}
	return r, r.Validate()
}

// jsonError says what is wrong in the file's words, not in Go's.
func jsonError(data []byte, err error) error {
	line := func(offset int64) int {
		return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
	}
	if typ, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := strings.NewReplacer("Run.", "", "plainModel.", "").Replace(typ.Field) // embedded
		return fmt.Errorf("line %d: %s: a JSON %s, want %s", line(typ.Offset), field, typ.Value,
			typ.Type)
	}
	if syn, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("line %d: %w", line(syn.Offset), err)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("unknown field %s, which format %d does not have", name, Format)
	}
	return err
}

// write puts run.json in dir, whole or not at all.
func (r *Run) write(dir string) error { return atomic.WriteJSON(filepath.Join(dir, RunFile), r) }

// HashFile returns "sha256:" and the hexadecimal digest of a file's bytes.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
