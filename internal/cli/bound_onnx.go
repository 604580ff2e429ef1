package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/lipsmooth/lipsmooth/training/prove"
)

// boundONNX prints what is proved from an ONNX file for images of a size, and writes the table to a
// file where out isn't empty.
func boundONNX(w io.Writer, path, out string, size []int) error {
	start := time.Now()
	p, err := prove.File(path, prove.Options{Size: size})
	if err != nil {
		return err
	}
	caption := fmt.Sprintf("%s, images %v: Λ = %.6g, proved from the file in %.1f s", path, p.Image,
		p.Lambda.Value(), time.Since(start).Seconds())
	fmt.Fprintln(w, caption)
	t := p.Table()
	if err := t.WriteText(w); err != nil || out == "" {
		return err
	}
	return t.WriteFile(out, caption)
}
