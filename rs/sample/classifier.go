package sample

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A Classifier is what a run is sampled from. It is also a [Network] or a [Host], which say how its
// logits are computed. The logits of an image may not depend on the other images of a batch.
type Classifier interface {
	// Shape is the size of an image, h, w, c, and the number of classes.
	Shape() (size [3]int, classes int)
	// Identity is what run.json says of the classifier: its hash, and its Lipschitz constant where
	// one is known.
	Identity() countlog.Model
	// MarginError bounds what float32 does to every difference of two logits, in logits, on images
	// within reach (l2) of the grey one, all 1/2 ([Reach]). It is 0 where no bound is known.
	MarginError(reach float64) (float64, error)
}

// Pairs is a Classifier that knows the Lipschitz constant of each pair of logits.
type Pairs interface {
	// PairWeights returns Λ/Λ_cj, [classes][classes], each a float32 number of at least 1; nil is 1
	// everywhere. See [countlog.Model.PairMargins].
	PairWeights() [][]float64
}

// A Distancer is a Classifier that may know how far an image lies from other classes.
type Distancer interface {
	// Distance returns a function to prove the distance (l2) within which all images in [0, 1] have
	// the class of an image, [h, w, c]. It is nil where the classifier knows no such distance.
	// Several goroutines may call the function.
	Distance() func(image []float32, class int) float64
}

// A Network is a function on a GoMLX backend.
type Network interface {
	// Shape is the size of an image, h, w, c, and the number of classes.
	Shape() (size [3]int, classes int)
	// Logits takes images, [batch, h, w, c] in [0, 1], to logits, [batch, classes].
	Logits(scope *model.Scope, images *Node) *Node
	// Variables holds the weights.
	Variables() *model.Store
}

// A Host is a classifier that runs elsewhere than on a GoMLX backend.
type Host interface {
	Classifier
	// Runtime names what computes the logits, for run.json.
	Runtime() (name string, versions map[string]string)
	// At returns the classifier of images with noise of standard deviation sigma, images being in
	// [0, 1]. It is an error where the classifier takes no such noise.
	At(sigma float64) (Predictor, error)
}

// A Predictor computes logits on the host.
type Predictor = interface {
	// Logits takes n images, [n, h, w, c], noisy, in units of [0, 1], to logits, [n, classes].
	// Several goroutines call it.
	Logits(images []float32, n int) ([]float32, error)
}

// Images are one split of a dataset.
type Images interface {
	// Images fills dst, [len(indices), h, w, c], with images in [0, 1].
	Images(dst []float32, indices []int) error
	// Label is the class of image i, -1 where it isn't known.
	Label(i int) int
	// Shape is the size of an image, h, w, c, and the number of classes.
	Shape() (size [3]int, classes int)
	// Identity is what run.json says of the split: its hash and the number of its images.
	Identity() (countlog.Dataset, error)
}

// A Checker is Images that can be looked at before a long run.
type Checker interface {
	// Check is an error that lists those of the images of these indices that can't be read.
	Check(indices []int) error
}

// fits is an error where a classifier can't take the images of a dataset.
func fits(c Classifier, d Images, name string) error {
	takes, known := c.Shape()
	has, classes := d.Shape()
	if takes == has && known == classes {
		return nil
	}
	size := func(s [3]int) string { return fmt.Sprintf("%d×%d×%d", s[0], s[1], s[2]) }
	return fmt.Errorf("%s has images %s of %d classes; the model takes %s and knows %d",
		name, size(has), classes, size(takes), known)
}
