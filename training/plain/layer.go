// Package plain has networks without a Lipschitz bound: the baselines of papers on randomized
// smoothing. Nothing is proved of them, so only methods that need votes alone certify them.
package plain

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// A Layer is a layer of which nothing is proved: its Bound is the zero lip.Bound. Layers with batch
// normalisation train otherwise than they classify (lip.Train).
type Layer interface {
	lip.Layer
	plain()
}

// unproved is in every Layer.
type unproved struct{}

func (unproved) plain() {}

// Bound proves nothing.
func (unproved) Bound([]*tensors.Tensor, lip.Size) lip.Bound { return lip.Bound{} }

// variable makes or finds a variable in scope, whose first value init draws.
func variable(scope *model.Scope, name string, init model.VariableInitializer,
	dimensions ...int) *model.Variable {
	return scope.WithInitializer(init).VariableWithShape(name,
		shapes.Make(dtypes.Float32, dimensions...))
}

// normal draws from a normal distribution of mean 0.
func normal(scope *model.Scope, std float64) model.VariableInitializer {
	return initializer.RandomNormalFn(scope, std)
}
