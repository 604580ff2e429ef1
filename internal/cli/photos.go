package cli

import (
	"errors"
	"fmt"

	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/pflag"
)

// bindPhotos binds the flags that give images of several sizes one.
func bindPhotos(f *pflag.FlagSet, o *data.Options) {
	f.IntVar(&o.Resize, "resize", 0, "before the noise, resize the shorter side of each image to so "+
		"many pixels, as torchvision's Resize does; without --crop, the middle that the model takes is "+
		"cropped then")
	f.IntVar(&o.Crop, "crop", 0, "before the noise, and after --resize, take the middle square of so "+
		"many pixels a side; default: images of several sizes are resized and cropped to the model's")
}

// loadFor opens a dataset for an ONNX file, whose size counts where images have several, or a
// larger one.
func loadFor(path string, file onnx.Options, ref string, o data.Options) (*data.Dataset, error) {
	var d *data.Dataset
	var err error
	if o.Resize == 0 || o.Crop > 0 {
		d, err = o.Load(ref)
		_, differ := errors.AsType[*data.SizesError](err)
		if !differ && (err != nil || o.Crop > 0) {
			return d, err
		}
	}
	m, free := serve(path, file, nil)
	if free == nil {
		size, _ := m.Shape()
		m.Close()
		o.Size = [2]int(size[:2])
	}
	if d != nil {
		return o.Smaller(d, ref), nil
	}
	d, err = o.Load(ref)
	if _, differ := errors.AsType[*data.SizesError](err); differ {
		err = fmt.Errorf("%w, such as by --resize 256 --crop 224", err)
	}
	return d, err
}
