package figures

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// batches names the columns loss and accuracy.
const batches = "training batches"

func drawTraining(in Input) (*Figure, error) {
	if in.Metrics == nil {
		return nil, lacks("training", "no table of training metrics", needsJob)
	}
	subject := ""
	if len(in.Runs) > 0 {
		subject = in.Runs[0].Settings(certify.Config{}).Place()
	}
	f, err := Training(in.Metrics, subject)
	if err == nil {
		f.Caption = in.Trained + "; loss: of training batches"
	}
	return f, err
}

// Training answers the question: has the training settled, and does it overfit? It draws the curves
// of a table with a column step. Columns whose name contains loss are in the upper panel, columns
// whose name contains accuracy or certified in the lower. An empty cell is no point. Other columns
// are not drawn. The columns loss and accuracy are of the training batches.
func Training(metrics *table.Table, subject string) (*Figure, error) {
	steps, given, err := metrics.Numbers("step")
	if err != nil {
		return nil, fmt.Errorf("figure training: %w", err)
	}
	panel := func(label string, words ...string) (*plot.Plot, error) {
		p := newPlot("step", label)
		var names []string
		var thumbs [][]plot.Thumbnailer
		for _, column := range metrics.Columns {
			if column == "step" || !containsAny(strings.ToLower(column), words) {
				continue
			}
			ys, there, err := metrics.Numbers(column)
			if err != nil {
				return nil, fmt.Errorf("figure training: %w", err)
			}
			var xy plotter.XYs
			for i, y := range ys {
				if there[i] && given[i] && finite(y) {
					xy = append(xy, plotter.XY{X: steps[i], Y: y})
				}
			}
			if len(xy) == 0 {
				continue
			}
			line := newLine(xy, lineAt(len(names)), false)
			p.Add(line)
			name := batches
			if column != label {
				name = strings.TrimPrefix(strings.ReplaceAll(column, "_", " "), label+" ")
			}
			names, thumbs = append(names, name), append(thumbs, []plot.Thumbnailer{line})
		}
		if len(names) == 0 {
			return nil, nil
		}
		if len(names) > 1 || names[0] != batches {
			addLegend(p, names, thumbs, 0)
		}
		return p, nil
	}
	loss, err := panel("loss", "loss")
	if err != nil {
		return nil, err
	}
	accuracy, err := panel("accuracy", "accuracy", "certified")
	if err != nil {
		return nil, err
	}
	f := &Figure{Name: "training", Title: "Training", Table: metrics, Width: width, Height: height}
	if subject != "" {
		f.Title += ": " + subject
	}
	switch {
	case loss != nil && accuracy != nil:
		f.Plot, f.Lower, f.Height = loss, accuracy, 1.4*height
		loss.X.Label.Text = ""
		low, high := min(loss.X.Min, accuracy.X.Min), max(loss.X.Max, accuracy.X.Max)
		for _, p := range []*plot.Plot{loss, accuracy} {
			p.X.Min, p.X.Max = low, high
		}
	case loss != nil:
		f.Plot = loss
	case accuracy != nil:
		f.Plot = accuracy
	default:
		return nil, fmt.Errorf("figure training: no number under a column of loss or accuracy; "+
			"there are %s", strings.Join(metrics.Columns, ", "))
	}
	if loss != nil {
		widen(&loss.Y, math.Inf(1))
	}
	if accuracy != nil {
		widen(&accuracy.Y, 1)
	}
	return f, nil
}

// widen gives an axis some room around its data, not beyond most.
func widen(a *plot.Axis, most float64) {
	room := 0.04 * (a.Max - a.Min)
	if room == 0 {
		room = 0.5
	}
	low := a.Min
	if a.Min -= room; low >= 0 {
		a.Min = max(0, a.Min)
	}
	if a.Max <= most {
		a.Max = min(most, a.Max+room)
	}
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
