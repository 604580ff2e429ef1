package cli

import (
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/internal/help"
	"github.com/lipsmooth/lipsmooth/internal/peers"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/coverage"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagValues are the values that a shell completes, by the name of a flag, or of its command and
// it.
var flagValues = map[string][]string{
	"data":             data.Names(),
	"split":            {data.Train, data.Test, data.Val, data.All},
	"runtime":          {byONNXRuntime, byXLA, byFastest},
	"precision":        {countlog.Float32, countlog.TF32, countlog.BF16},
	"method":           append(rs.MethodNames(), certify.All),
	"sample method":    countlog.Rangers(),
	"bound":            rs.BoundNames(),
	"scores":           rs.ScoreMapNames(),
	"noise":            {sample.Gaussian, countlog.Discrete},
	"format":           figures.Formats,
	"certify format":   {locuslab},
	"style":            namesOf(figures.Styles, func(s figures.Style) string { return s.Name }),
	"shapes":           namesOf(coverage.Shapes, func(s coverage.Shape) string { return s.Name }),
	"peers":            peers.Names(),
	"classifier":       append(attackedNames(), certify.All),
	"reproduce preset": namesOf(presets, func(p preset) string { return p.name }),
	"train preset": namesOf(training.Presets,
		func(p training.Preset) string { return p.Name }),
}

func attackedNames() (names []string) {
	for _, c := range certify.Attacked {
		names = append(names, c.Name)
	}
	return names
}

func namesOf[T any](list []T, of func(T) string) (names []string) {
	for _, e := range list {
		names = append(names, of(e))
	}
	return names
}

// complete lets a shell complete the values of every flag, and the folders of runs.
func complete(root *cobra.Command) {
	for _, c := range root.Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			known := flagValues[f.Name]
			if own, ok := flagValues[c.Name()+" "+f.Name]; ok {
				known = own
			} else if l, ok := f.Value.(*list); ok {
				known = l.Known
			}
			if known != nil {
				c.RegisterFlagCompletionFunc(f.Name, help.Values(known, f.Name == "data"))
			}
		})
		switch {
		case c.ValidArgs != nil || c.ValidArgsFunction != nil:
		case c.Name() == "figures":
			c.ValidArgsFunction = help.Folders(countlog.RunFile, namesOf(figures.List,
				func(e figures.Entry) string { return e.Name }))
		case strings.Contains(c.Use, " RUN"):
			c.ValidArgsFunction = help.Folders(countlog.RunFile, nil)
		}
	}
}
