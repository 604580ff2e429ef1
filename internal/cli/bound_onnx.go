package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/prove"
	"github.com/spf13/cobra"
)

// ofFile prints what is proved from an ONNX file, and the steepest slope that XLA finds. It writes
// the table to a file where --out says so.
func (q boundFlags) ofFile(cmd *cobra.Command, path string) error {
	start := time.Now()
	p, err := prove.File(path, prove.Options{Size: q.size})
	if err != nil {
		return err
	}
	caption := fmt.Sprintf("%s, images %v: Λ = %.6g, proved from the file in %.1f s", path, p.Image,
		p.Lambda.Value(), time.Since(start).Seconds())
	t := p.Table()
	if q.looking {
		slope, err := steepest(cmd, path, q.size)
		if err != nil {
			return fmt.Errorf("--observe: %w", err)
		}
		t.Columns = append(t.Columns, "observed_through")
		for i, row := range t.Rows {
			t.Rows[i] = append(row, "")
		}
		last := t.Rows[len(t.Rows)-1]
		last[len(last)-1] = strconv.FormatFloat(slope, 'f', 5, 64)
		caption += fmt.Sprintf(", observed in %d steps", training.ObserveSteps)
	}
	w := printer(cmd)
	fmt.Fprintln(w, caption)
	if err := w.Table("bounds", t, nil); err != nil || q.out == "" {
		return err
	}
	return t.WriteFile(q.out, caption)
}

// steepest is the steepest slope of a file's logits that a search finds, for images of a size where
// the file leaves it open.
func steepest(cmd *cobra.Command, path string, size []int) (float64, error) {
	file, err := onnx.Load(path, onnx.Options{Input: size})
	if err != nil {
		return 0, err
	}
	defer file.Close()
	on := &opened{log: cmd.ErrOrStderr()}
	n, err := on.network(cmd.Context(), file)
	if err != nil {
		return 0, err
	}
	return n.Slope(on.backend, training.ObserveSteps)
}

// prove gives the ONNX file of a drawer the Λ of the run in OUT, if one is begun there, or else one
// that is proved from the file, and says what was found.
func (s *sampling) prove(ctx context.Context, d *sample.Drawer, log io.Writer) (found string,
	err error) {

	c, ok := d.Classifier.(*onnx.Classifier)
	if !ok || s.which.precision != countlog.Float32 {
		return "", nil
	}
	if there, err := countlog.ReadBegun(s.out); err == nil {
		c.Resume(there.Model)
		return "", nil
	}
	start, claim := time.Now(), c.Identity().Lambda
	end := waiting(log, "proving a Lipschitz constant from "+s.which.ref)
	bound, unproved := prove.Classifier(ctx, c, prove.Options{})
	end()
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
