package training

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/loss"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// A Field is a field of Config that is set by name, from text.
type Field struct {
	Name, Doc string
	Known     []string          // the names that its value is one of; nil where it isn't a name
	in        string            // its name in Config
	takes     func(Method) bool // nil is every method
}

// Fields are those that a sweep can vary. Numbers come last, because the figure of a sweep draws
// lines along the last axis.
var Fields = []Field{
	{"arch", "architecture", net.Names(), "Architecture", nil},
	{"conv", "convolution", lip.Convolutions(), "Convolution", nil},
	{"dense", "dense layers, by default bjorck", lip.Denses(), "Dense", nil},
	{"residual", "residual steps, by default sll", lip.Residuals(), "Residual", nil},
	{"activation", "activation, by default maxmin", lip.Activations(), "Activation", nil},
	{"padding", "padding of convolutions, by default circular", []string{lip.Circular, lip.Zero},
		"Padding", nil},
	{"last", "dense layer that gives the logits, by default bjorck; normalised is LLN", lip.Denses(),
		"Last", nil},
	{"loss", "loss, by default offset", loss.Names(), "Loss", nil},
	{"method", "method of training through noise, by default gaussian",
		methodNames(func(Method) bool { return true }), "Method", nil},
	{"optimizer", "optimiser, by default adam", optimizerNames(), "Optimizer", nil},
	{"width", "channels of the first convolution, or prototypes a class, or a size: xs (8), " +
		"s (16), m (32)", nil, "Width", nil},
	{"epochs", "number of epochs", nil, "Epochs", nil},
	{"epoch-images", "images of an epoch; 0 is all", nil, "Images", nil},
	{"batch", "images of a step", nil, "Batch", nil},
	{"lr", "peak learning rate", nil, "LearningRate", nil},
	{"sigma", "noise level σ of training, for images in [0, 1]", nil, "Sigma", nil},
	{"offset", "margin that the loss asks for, in units of radius", nil, "Offset", nil},
	{"temperature", "temperature of the loss, in units of radius", nil, "Temperature", nil},
	{"draws", "noisy copies of an image in a step; 0 is the method's default", nil, "Draws",
		func(m Method) bool { return m.Draws != 0 }},
	{"weight", "weight of the term that the method adds to the loss; 0 is the method's default",
		nil, "Weight", func(m Method) bool { return m.Weight != 0 }},
	{"attack-radius", "l2 radius of smoothadv's attack, or length of smoothmix's path; " +
		"0 is the method's default", nil, "AttackRadius",
		func(m Method) bool { return m.AttackRadius != 0 }},
	{"centring", "subtract each channel's mean of the batch before each activation", nil, "Centring",
		nil},
	{"flip", "mirror images at random", nil, "Flip", nil},
	{"crop", "shift images at random by up to this many pixels", nil, "Crop", nil},
	{"warp", "turn, stretch and move most images a little at random", nil, "Warp", nil},
	{"seed", "seed of weights, order and noise", nil, "Seed", nil},
}

func (f Field) of(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().FieldByName(f.in) }

// Kind names the type of the field: string, int, uint64, float64 or bool.
func (f Field) Kind() string { return f.of(new(Config)).Kind().String() }

// Text returns the field's value as Set takes it.
func (f Field) Text(c *Config) string { return fmt.Sprint(f.of(c)) }

// Set reads the field's value from text.
func (f Field) Set(c *Config, text string) (err error) {
	switch at := f.of(c).Addr().Interface().(type) {
	case *string:
		*at = text
	case *int:
		if size, ok := net.Sizes[strings.ToLower(text)]; ok && f.in == "Width" {
			*at = size
			return nil
		}
		var x int64
		x, err = strconv.ParseInt(text, 0, strconv.IntSize)
		*at = int(x)
	case *uint64:
		*at, err = strconv.ParseUint(text, 0, 64)
	case *float64:
		*at, err = strconv.ParseFloat(text, 64)
	case *bool:
		*at, err = strconv.ParseBool(text)
	}
	return err
}

// clear sets the field to 0.
func (f Field) clear(c *Config) { f.of(c).SetZero() }
