package figures

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"


	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

var update = flag.Bool("update", false, "write the golden images anew")

// sampled makes evidence up: margins Gaussian around a clean margin, as an almost linear classifier gives them.
func sampled(sigma float64, images, n int) Sampled {
	run := countlog.Run{
		Format:   countlog.Format,
		Model:    countlog.Model{Name: "dense4", Lambda: math.Sqrt2, LambdaSource: countlog.Proved},
		Dataset:  countlog.Dataset{Name: "MNIST", Split: "test", Classes: 10, Size: 10000},
		Examples: countlog.Spread(10000, images),
		Sigma:    sigma, N0: 100, N: n, Seed: 1, Block: 100, MarginMax: 8, MarginBins: countlog.DefaultMarginBins,
	}
	edges := run.Edges()
	rnd := rand.New(rand.NewPCG(7, 7))
	s := Sampled{Run: run, Tau: 0.5}
	for i := range images {
		label := rnd.IntN(10)
		margin := 1.4 + 0.9*rnd.NormFloat64() // of the true class
		draw := func(n int) (rs.Votes, rs.Histogram) {
			votes, counts := make(rs.Votes, 10), make([]int, len(edges)+1)
			for range n {
				m := margin + 0.7*run.Model.Lambda*sigma*rnd.NormFloat64()
				bin, exact := slices.BinarySearch(edges, m)
				if exact {
					bin++
				}
				counts[bin]++
				if m >= 0 {
					votes[label]++
				} else {
					votes[(label+1+rnd.IntN(3)*rnd.IntN(3))%10]++
				}
			}
			return votes, rs.Histogram{Edges: edges, Counts: counts}
		}
		e := rs.Evidence{Index: run.Examples.At(i), Label: label, Sigma: sigma, Clean: rs.Clean{Class: label, Margin: margin}}
		if margin < 0 {
			e.Clean = rs.Clean{Class: (label + 1) % 10, Margin: -margin}
		}
		e.Selection, e.SelectionMargins = draw(run.N0)
		e.Estimation, e.Margins = draw(run.N)
		if e.Class = e.Selection.Top(); e.Class != label { // margins are those of the class
			slices.Reverse(e.Margins.Counts)
			slices.Reverse(e.SelectionMargins.Counts)
		}
		s.Rows = append(s.Rows, e)
	}
	return s
}

// metrics makes a table of training up.
func metrics() *Table {
	t := &Table{Columns: []string{"step", "loss", "test_loss", "accuracy", "test_accuracy", "images_per_second"}}
	rnd := rand.New(rand.NewPCG(3, 3))
	for step := 0; step <= 2000; step += 20 {
		x := math.Exp(-float64(step) / 400)
		row := []string{strconv.Itoa(step), fmt.Sprintf("%.4f", 0.2+2*x+0.03*rnd.NormFloat64()), "", fmt.Sprintf("%.4f", 0.97-0.8*x+0.01*rnd.NormFloat64()), "", "6800"}
		if step%200 == 0 {
			row[2], row[4] = fmt.Sprintf("%.4f", 0.26+2*x), fmt.Sprintf("%.4f", 0.95-0.8*x)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func input() Input {
	in := Input{Alpha: 0.001, Metrics: metrics()}
	for _, sigma := range []float64{0.25, 0.12, 0.5, 0.75, 1} {
		in.Runs = append(in.Runs, sampled(sigma, 100, 200))
	}
	return in
}
