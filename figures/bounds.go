package figures

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// BoundColumns are the columns that a table of bounds must have. The table has a row for each
// layer, in order. A cell of a column _through is of the network from its input through that layer.
// Rows of the whole network follow: their names begin with WholeRow, and only bound and observed
// have cells. A cell of an observed column may be empty.
var BoundColumns = []string{"layer", "bound", "observed", "bound_through", "observed_through"}

// WholeRow begins the names of the rows of the whole network: of every difference of two logits.
const WholeRow = "two logits: "

func drawBounds(in Input) (*Figure, error) {
	if in.Bounds == nil {
		return nil, lacks("bounds", "no table of bounds", needsBound)
	}
	return Bounds(in.Bounds, in.Bounded)
}

// Bounds answers the question: how tight are the proved Lipschitz constants? It draws the proved
// bound and the observed slope of each layer, and the same of the network through each depth. The
// bound through a depth is the product of the layers' bounds. The last place is the difference of
// two logits. It also shows the bound with linear layers composed.
func Bounds(t *table.Table, settings string) (*Figure, error) {
	labels, curves, err := depths(t)
	if err != nil {
		return nil, fmt.Errorf("figure bounds: %w", err)
	}
	if len(labels) == 0 || len(curves["layer"]) < len(labels) || len(curves["product"]) == 0 {
		return nil, fmt.Errorf("figure bounds: a layer without a bound, or no layer")
	}
	top, bottom := newPlot("", "constant of the layer"),
		newPlot("layer", "constant up to the layer")
	var legendNames []string
	var thumbs [][]plot.Thumbnailer
	put := func(p *plot.Plot, curve, name string, style int) {
		xy := curves[curve]
		if len(xy) == 0 {
			return
		}
		marks := &plotter.Scatter{XYs: xy, GlyphStyle: draw.GlyphStyle{Color: colorAt(style),
			Radius: 2.2, Shape: glyphs[style]}}
		p.Add(marks)
		if name != "" {
			legendNames = append(legendNames, name)
			thumbs = append(thumbs, []plot.Thumbnailer{marks})
		}
	}
	put(top, "layer", "", 0)
	put(top, "layer observed", "", 3)
	put(bottom, "product", "proved (below: product of layers)", 0)
	put(bottom, "through observed", "observed, from below", 3)
	put(bottom, "composed", "proved, linear layers composed", 5)
	rows := addLegend(top, legendNames, thumbs, 0)
	scale(top, bottom, curves, layerTicks(len(labels)))
	depth := make([]string, len(labels))
	for i, label := range labels {
		depth[i] = fmt.Sprintf("%d %s", i+1, label)
	}
	caption := strings.Join(depth, ", ")
	if settings != "" {
		caption = settings + "; layers: " + caption
	}
	return &Figure{Name: "bounds", Title: "Lipschitz constants by depth, proved and observed",
		Caption: caption,
		Plot:    top, Lower: bottom, Table: t, Width: width, Height: 1.7*height + rows}, nil
}

// depths returns the names of the layers and the curves through their depths.
func depths(t *table.Table) (labels []string, curves map[string]plotter.XYs, err error) {
	columns := map[string][]float64{}
	there := map[string][]bool{}
	for _, name := range BoundColumns[1:] {
		x, ok, err := t.Numbers(name)
		if err != nil {
			return nil, nil, err
		}
		columns[name], there[name] = x, ok
	}
	curves = map[string]plotter.XYs{}
	add := func(curve string, x int, column string, row int) {
		if there[column][row] {
			curves[curve] = append(curves[curve],
				plotter.XY{X: float64(x), Y: columns[column][row]})
		}
	}
	names := 0
	for i, name := range t.Columns {
		if name == "layer" {
			names = i
		}
	}
	for i, row := range t.Rows {
		name, whole := strings.CutPrefix(row[names], WholeRow)
		if !whole {
			labels = append(labels, row[names])
			add("layer", len(labels), "bound", i)
			add("layer observed", len(labels), "observed", i)
			add("product", len(labels), "bound_through", i)
			add("through observed", len(labels), "observed_through", i)
			continue
		}
		at := len(labels) + 1
		switch {
		case strings.HasPrefix(name, "product"):
			add("product", at, "bound", i)
		case strings.HasPrefix(name, "composed"):
			add("composed", at, "bound", i)
		}
		add("through observed", at, "observed", i)
	}
	return labels, curves, nil
}

// layerTicks label layers where their labels have room, and the logits behind them.
func layerTicks(layers int) (places plot.ConstantTicks) {
	every := layers/13 + 1 // labels that have room
	for i := range layers + 1 {
		label := ""
		if i == layers {
			label = "logits"
		} else if (layers-1-i)%every == 0 && (every == 1 || i < layers-1) {
			label = fmt.Sprint(i + 1)
		}
		places = append(places, plot.Tick{Value: float64(i + 1), Label: label})
	}
	return places
}

// scale puts all curves of each panel in sight.
func scale(top, bottom *plot.Plot, curves map[string]plotter.XYs, places plot.ConstantTicks) {
	for k, p := range []*plot.Plot{top, bottom} {
		low, high := math.Inf(1), math.Inf(-1)
		for curve, xy := range curves {
			if (curve == "layer" || curve == "layer observed") != (k == 0) {
				continue
			}
			for _, at := range xy {
				low, high = min(low, at.Y), max(high, at.Y)
			}
		}
		span := max(high-low, 0.002*high)
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0.6, float64(len(places)-1)+1.4, max(0, low-0.1*span),
			high+0.1*span
		p.X.Tick.Marker = places
	}
}
