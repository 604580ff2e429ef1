package training

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
)

// A line of training.tsv has the means over curveEvery steps. Its last cell is the accuracy on some
// test images without noise after the step. It is empty in most lines.
const (
	curveName   = "training.tsv"
	curveEvery  = 10
	curveHeader = "step\tloss\taccuracy"
)

// openCurve opens training.tsv for appending, without the lines after step start. The last column
// has the name test. Lines of older versions, which lack it, get an empty cell.
func openCurve(path, test string, start int) (*os.File, error) {
	kept := curveHeader + "\t" + test + "\n"
	columns := strings.Count(kept, "\t")
	if old, err := os.ReadFile(path); err == nil && start > 0 {
		_, lines, _ := strings.Cut(string(old), "\n")
		for line := range strings.Lines(lines) {
			step, _, _ := strings.Cut(line, "\t")
			s, err := strconv.Atoi(step)
			line, whole := strings.CutSuffix(line, "\n")
			if err != nil || s > start || !whole {
				break
			}
			kept += line + strings.Repeat("\t", max(0, columns-strings.Count(line, "\t"))) + "\n"
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
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	cells := strings.Split(lines[len(lines)-1], "\t")
	if len(cells) < 3 {
		return 0, fmt.Errorf("%s:%d: not a line of the training curve", path, len(lines))
	}
	return strconv.ParseFloat(cells[1], 64)
}
