package cli

import (
	"fmt"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/training/prove"
)

// boundONNX prints what is proved from an ONNX file, and writes the table to a file where out isn't
// empty.
func boundONNX(w *terminal.Printer, path, out string) error {
	start := time.Now()
	p, err := prove.File(path, prove.Options{})
	if err != nil {
		return err
	}
	caption := fmt.Sprintf("%s, images %v: Λ = %.6g, proved from the file in %.1f s", path, p.Image,
		p.Lambda.Value(), time.Since(start).Seconds())
	fmt.Fprintln(w, caption)
	t := p.Table()
	if err := w.Table("bounds", t, nil); err != nil || out == "" {
		return err
	}
	return t.WriteFile(out, caption)
}
