package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/pflag"
)

// setNames are the flags that say how a dataset is read.
var setNames = []string{"split", "classes", "labels", "skip-bad", "resize", "crop"}

// bindSet binds these flags.
func bindSet(f *pflag.FlagSet, o *data.Options) {
	f.StringVar(&o.Split, "split", "", strings.Join([]string{data.Train, data.Test, data.Val,
		data.All}, ", ")+"; default: test of a model that was trained here; of an ONNX file, test or "+
		"val where the dataset has it, else all images")
	bindFiles(f, o)
	f.BoolVar(&o.SkipBad, "skip-bad", false, "leave out images that can't be read, and log which")
	bindPhotos(f, o)
}

// bindFiles binds the flags of files that say what the images are.
func bindFiles(f *pflag.FlagSet, o *data.Options) {
	f.StringVar(&o.Classes, "classes", "", "names of the model's outputs in order, which folders and "+
		"labels map to: a file of one name a line, or "+data.ImageNet)
	f.StringVar(&o.Labels, "labels", "", "labels of images that lie in no class folders: a file of "+
		"paths and labels, by tabs or commas")
}

// loadOf opens the dataset of a run again: the files that say what the images are may be elsewhere.
func loadOf(run countlog.Dataset, ref string, files data.Options) (*data.Dataset, error) {
	o := data.OptionsOf(run)
	o.Classes, o.Labels = cmp.Or(files.Classes, o.Classes), cmp.Or(files.Labels, o.Labels)
	d, err := o.Load(ref)
	if err == nil {
		err = d.Fit(run.Classes)
	}
	return d, err
}

// printSet says what the images of a command are.
func printSet(log io.Writer, d *data.Dataset) {
	printNotes(log, d.Notes)
	if line := d.Mapping(); line != "" {
		fmt.Fprintln(log, "classes:", line)
	}
}

// printAccuracy says how often a run's answers are the label, and what may be wrong where they
// aren't more often than by chance.
func printAccuracy(w, log io.Writer, dir string) error {
	run, err := countlog.Open(dir)
	if err != nil {
		return err
	}
	a, err := run.Accuracy()
	if err != nil {
		return err
	}
	fmt.Fprintln(w, a)
	if a.Guessed() {
		fmt.Fprintf(log, "note: the clean accuracy is that of guessing among %d classes; likely causes: "+
			"the classes stand in another order (--classes), --mean and --std aren't those of the "+
			"training, channels are BGR and not RGB, or the model takes images in 0 to 255\n", a.Classes)
	}
	return nil
}
