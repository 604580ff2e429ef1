package lab

import (
	"fmt"
	"path/filepath"
)

// Preset is the size of a notebook's work.
type Preset struct {
	Name string
	// Settings of training: epochs, images an epoch (0 is all), channels of the first convolution.
	Epochs, Images, Width int
	// These are numbers of images to certify, of images to choose a temperature on, of selection
	// draws and of estimation draws.
	Tested, Tuning, N0, N    int
	Attacked, Steps, Samples int // of attacks: images, steps, draws a gradient
	Trials, Grid             int // of a simulation, and points a side of a grid
}

// Quick is for a first look: with XLA on two cores, training and sampling take half a minute. Full
// is the size of the README's numbers.
var (
	Quick = Preset{Name: "quick", Epochs: 2, Images: 30000, Width: 8, Tested: 50, Tuning: 25,
		N0: 100, N: 1000, Attacked: 20, Steps: 10, Samples: 16, Trials: 500, Grid: 50}
	Full = Preset{Name: "full", Epochs: 6, Width: 12, Tested: 200, Tuning: 50, N0: 100, N: 10000,
		Attacked: 100, Steps: 20, Samples: 32, Trials: 20000, Grid: 500}
)

// Folder is where a notebook keeps its run: runs/<notebook>-<preset>, beside the notebook.
func (p Preset) Folder(notebook string) string {
	return filepath.Join("runs", notebook+"-"+p.Name)
}

// Train is `lipsmooth train` of this size into the folder out.
func (p Preset) Train(out string, flags ...string) {
	Lipsmooth(append([]string{"train", fmt.Sprint("--epochs=", p.Epochs),
		fmt.Sprint("--epoch-images=", p.Images),
		fmt.Sprint("--width=", p.Width), "--out=" + out}, flags...)...)
}

// Sample is `lipsmooth sample` of this size, of a model's folder into the folder out.
func (p Preset) Sample(model, out string, flags ...string) {
	Lipsmooth(append([]string{"sample", model, fmt.Sprint("--images=", p.Tested),
		fmt.Sprint("--tuning=", p.Tuning),
		fmt.Sprint("--n0=", p.N0), fmt.Sprint("--n=", p.N), "--out=" + out}, flags...)...)
}

// Short is p with less training, for where several classifiers are compared.
func (p Preset) Short() Preset {
	p.Epochs, p.Images = max(1, p.Epochs/2), p.Images/3
	return p
}
