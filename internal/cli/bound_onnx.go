package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training/prove"
)

// boundONNX prints what is proved from an ONNX file, and writes the table to a file where out isn't
// empty.
func boundONNX(w io.Writer, path, out string) error {
	start := time.Now()
	p, err := prove.File(path, prove.Options{})
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

// prove gives the ONNX file of a drawer the Λ of the run in OUT, if one is begun there, or else one
// that is proved from the file, and says what was found.
func (s *sampling) prove(ctx context.Context, d *sample.Drawer) (found string, err error) {
	c, ok := d.Classifier.(*onnx.Classifier)
	if !ok {
		return "", nil
	}
	if there, err := countlog.ReadBegun(s.out); err == nil {
		c.Resume(there.Model)
		return "", nil
	}
	start, claim := time.Now(), c.Identity().Lambda
	bound, unproved := prove.Classifier(ctx, c, prove.Options{})
	if unproved != nil {
		return oneline.Error(unproved).Error(), ctx.Err()
	}
	found = fmt.Sprintf("Λ = %.6g is proved from the file in %.1f s", bound.Value(),
		time.Since(start).Seconds())
	switch {
	case claim.Value() >= bound.Value():
		found += fmt.Sprintf(", so --lipschitz %g isn't needed", claim.Value())
	case claim.Known():
		found += fmt.Sprintf(", and the smaller --lipschitz %g stays a claim", claim.Value())
	}
	return found, nil
}
