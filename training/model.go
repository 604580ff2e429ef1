package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// Format is the version of model.json.
const Format = 1

// Info is model.json, which lies beside the folder "weights" in a model's folder.
type Info struct {
	Format     int              `json:"format"`
	Config     Config           `json:"config"`
	Dataset    string           `json:"dataset"`
	DataHash   string           `json:"dataset_hash"`
	ClassNames []string         `json:"class_names"`
	Input      lip.Size         `json:"input"` // [h, w, c]
	Hash       string           `json:"hash"`  // of the effective weights
	Layers     []net.LayerBound `json:"layers"`
	// Lambda bounds every difference of two logits. It is zero, which proves nothing, of a plain
	// network.
	Lambda   lip.Bound         `json:"lambda,omitzero"`
	Metrics  Metrics           `json:"metrics"`
	Backend  string            `json:"backend"`
	Versions map[string]string `json:"versions"`
}

// Metrics are taken on the test split, without noise.
type Metrics struct {
	Loss     float64 `json:"train_loss"` // mean over the last steps
	Accuracy float64 `json:"accuracy"`
	// Verified is the fraction of images, by radius, whose prediction is right with margin/Λ at
	// least the radius.
	Verified map[string]float64 `json:"verified"`
	// AverageRadius is the mean of margin/Λ where the prediction is right, 0 elsewhere.
	AverageRadius float64 `json:"average_radius"`
	// Slope is the largest gradient of a difference of two logits that ascent found. It estimates
	// from below what Lambda bounds from above.
	Slope float64 `json:"observed_slope"`
}

// VerifiedRadii are the radii of Metrics.Verified by name. Published tables have 36/255 for
// CIFAR-10 and 1.58 for MNIST.
var VerifiedRadii = []struct {
	Name   string
	Radius float64
}{
	{"36/255", 36. / 255}, {"0.25", 0.25}, {"0.5", 0.5}, {"1", 1}, {"1.5", 1.5}, {"1.58", 1.58},
	{"2", 2},
}

// Model is a trained classifier: effective weights and their proof, if there is one. It is a
// classifier to sample from.
type Model struct {
	Info
	Network *net.Network
	Store   *model.Store // effective weights
	proof   *lip.Proof   // of MarginError, once it was needed
}

// weightsPath is the scope of the effective weights.
const weightsPath = "/model/"

// effective is where a layer's effective weights lie.
func effective(layer, weight int) string {
	return fmt.Sprintf("%slayer_%02d/%d", weightsPath, layer, weight)
}

// weights returns the variables of the effective weights of every layer.
func (m *Model) weights() [][]*model.Variable {
	weights := make([][]*model.Variable, len(m.Network.Layers))
	for i := range weights {
		for {
			v := m.Store.GetVariable(effective(i, len(weights[i])))
			if v == nil {
				break
			}
			weights[i] = append(weights[i], v)
		}
	}
	return weights
}

// Logits is the classifier as a graph: images, [batch, h, w, c] in [0, 1], to [batch, classes].
func (m *Model) Logits(_ *model.Scope, images *Node) *Node {
	nodes := make([][]*Node, len(m.Network.Layers))
	for i, layer := range m.weights() {
		for _, v := range layer {
			nodes[i] = append(nodes[i], v.NodeValue(images))
		}
	}
	return m.Network.Logits(images, nodes)
}

// Classes returns the number of classes.
func (m *Model) Classes() int { return len(m.ClassNames) }

// freeze computes the effective weights of every layer from the variables of training. It returns
// them in a store, too.
func freeze(backend compute.Backend, trained *model.Store, n *net.Network,
) (store *model.Store, weights [][]*tensors.Tensor, err error) {
	var counts []int
	exec, err := model.NewExec(backend, trained, func(scope *model.Scope, g *Graph) []*Node {
		var flat []*Node
		counts = counts[:0]
		for _, w := range n.Effective(scope.In("model"), g) {
			counts = append(counts, len(w))
			flat = append(flat, w...)
		}
		return flat
	})
	if err != nil {
		return nil, nil, err
	}
	flat, err := exec.Call()
	if err != nil {
		return nil, nil, err
	}
	exec.Finalize()
	store = model.NewStore()
	for i, c := range counts {
		for j, t := range flat[:c] {
			if err := t.ToLocal(); err != nil { // so that any backend can take it
				return nil, nil, err
			}
			if bad := nonFinite(t); bad {
				return nil, nil,
					fmt.Errorf("training: layer %d, %v, has weights that aren't finite",
						i, n.Layers[i])
			}
			store.VariableWithValue(effective(i, j), t).SetTrainable(false)
		}
		weights = append(weights, flat[:c])
		flat = flat[c:]
	}
	return store, weights, nil
}

func nonFinite(t *tensors.Tensor) bool {
	for _, v := range tensors.MustCopyFlatData[float32](t) {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return true
		}
	}
	return false
}

// Save writes m as the folder dir: weights first, then model.json.
func (m *Model) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := saveStore(m.Store, filepath.Join(dir, "weights")); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	text, err := json.MarshalIndent(m.Info, "", "  ")
	if err != nil {
		return err
	}
	return atomic.WriteBytes(filepath.Join(dir, "model.json"), append(text, '\n'))
}

// ReadInfo reads model.json alone: the proof without the weights.
func ReadInfo(dir string) (*Info, error) {
	path := filepath.Join(dir, "model.json")
	text, err := os.ReadFile(path) // its errors name path
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: no model here: train one, or finish its training: %w", path,
			err)
	}
	if err != nil {
		return nil, err
	}
	info := new(Info)
	if err := json.Unmarshal(text, info); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case info.Format != Format:
		return nil, fmt.Errorf("%s: format %d; this version reads %d", path, info.Format, Format)
	case info.Lambda.Proof() == "" && info.Unproved() == nil:
		return nil, fmt.Errorf("%s: lambda isn't there", path)
	case info.Lambda.Proof() != "" && info.Unproved() != nil:
		return nil, fmt.Errorf("%s: lambda is there, but %w", path, info.Unproved())
	}
	return info, nil
}

// Load reads a model, checks its weights against the hash in model.json, and proves its Λ again.
func Load(dir string) (*Model, error) {
	info, err := ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "model.json")
	n, err := net.New(info.Input, len(info.ClassNames), info.Config.Network())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	same := func(l lip.Layer, b net.LayerBound) bool { return l.String() == b.Layer }
	if !slices.EqualFunc(n.Layers, info.Layers, same) {
		return nil, fmt.Errorf("%s: the layers aren't those of its config", path)
	}
	weights := filepath.Join(dir, "weights")
	store, err := loadStore(weights)
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	got, err := hash(store, weightsPath)
	if err != nil {
		return nil, err
	}
	if got != info.Hash {
		return nil, fmt.Errorf("%s: the weights' hash is %.12s…, model.json says %.12s…: "+
			"they don't belong together; restore the folder or train again", weights, got,
			info.Hash)
	}
	m := &Model{Info: *info, Network: n, Store: store}
	if m.Unproved() != nil {
		return m, nil
	}
	p, err := m.proved()
	if err != nil {
		return nil, err
	}
	// The hash is of the weights alone, so Λ is proved again. Another processor's last bits may
	// differ.
	if lambda := p.Composed; lambda.Value() > m.Lambda.Value()*(1+1e-9) {
		return nil, fmt.Errorf("%s: lambda is %v, but the weights prove no less than %v: "+
			"restore the file or train again", path, m.Lambda.Value(), lambda.Value())
	}
	return m, nil
}

// Fits says why images of d can't be given to the model, or nil.
func (m *Model) Fits(d *data.Dataset) error {
	in := lip.Size{d.Height, d.Width, d.Channels}
	if !slices.Equal(in, m.Input) || d.Classes() != m.Classes() {
		return fmt.Errorf("%s has images %v of %d classes; the model takes %v and knows %d",
			d.Name, in, d.Classes(), m.Input, m.Classes())
	}
	return nil
}
