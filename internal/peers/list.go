package peers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// Peer is another library's way to run the net. It has a name that peer.py knows, the module that
// peer.py imports, and pip's requirements, pinned to the versions that were measured. Where pip's
// index has a CPU build of the same version, as PyTorch's own index does, pip prefers it.
type Peer struct {
	Name, Module string
	Requirements []string
}

const numpy = "numpy==2.4.6"

var torch = []string{numpy, "torch==2.15.0"}

// List is every peer; a new one is a line here and one in peer.py, with its function.
var List = []Peer{
	{"jax", "jax", []string{numpy, "jax==0.10.2", "jaxlib==0.10.2"}},
	{"onnxruntime", "onnxruntime", []string{numpy, "onnx==1.23.2", "onnxruntime==1.32.0"}},
	{"torch-eager", "torch", torch},
	{"torch-channels-last", "torch", torch},
	{"torch-compile", "torch", torch},
}

// Names of the List.
func Names() (names []string) {
	for _, p := range List {
		names = append(names, p.Name)
	}
	return names
}

// ByNames finds peers; "torch" is torch-channels-last, the error lists what is known.
func ByNames(names []string) (found []Peer, err error) {
	for _, name := range names {
		full := name
		if name == "torch" {
			full = "torch-channels-last"
		}
		i := slices.IndexFunc(List, func(p Peer) bool { return p.Name == full })
		if i < 0 {
			return nil, named.Unknown("peer", name, Names())
		}
		if slices.ContainsFunc(found, func(p Peer) bool { return p.Name == full }) {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		found = append(found, List[i])
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no peer given; known: %s", strings.Join(Names(), ", "))
	}
	return found, nil
}
