package training

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
)

// A line of training.tsv has the means over curveEvery steps.
const (
	curveName   = "training.tsv"
	curveEvery  = 10
	curveHeader = "step\tloss\taccuracy\n"
)

// openCurve opens training.tsv for appending, without the lines after step start.
func openCurve(path string, start int) (*os.File, error) {
	kept := curveHeader
	if old, err := os.ReadFile(path); err == nil && start > 0 {
		for line := range strings.Lines(strings.TrimPrefix(string(old), curveHeader)) {
			step, _, _ := strings.Cut(line, "\t")
			s, err := strconv.Atoi(step)
			if err != nil || s > start || !strings.HasSuffix(line, "\n") {
				break
			}
			kept += line
		}
	}
	if err := atomic.WriteBytes(path, []byte(kept)); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o666)
}

// lastLoss is the loss in the last line of a curve.
func lastLoss(path string) (float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	cells := strings.Split(lines[len(lines)-1], "\t")
	if len(cells) != 3 {
		return 0, fmt.Errorf("%s:%d: not a line of the training curve", path, len(lines))
	}
	return strconv.ParseFloat(cells[1], 64)
}
