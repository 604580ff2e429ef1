package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
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
	"classifier":       {"votes", "soft", "clean", certify.All},
	"reproduce preset": namesOf(presets, func(p preset) string { return p.name }),
	"train preset": namesOf(training.Presets,
		func(p training.Preset) string { return p.Name }),
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
				c.RegisterFlagCompletionFunc(f.Name, listed(known))
			}
		})
		switch {
		case c.ValidArgs != nil || c.ValidArgsFunction != nil:
		case c.Name() == "figures":
			c.ValidArgsFunction = arguments(namesOf(figures.List,
				func(e figures.Entry) string { return e.Name }))
		case strings.Contains(c.Use, " RUN"):
			c.ValidArgsFunction = arguments(nil)
		}
	}
}

// listed completes the last of values with commas between them, or else a path.
func listed(known []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		begun := typed[:strings.LastIndexByte(typed, ',')+1]
		var values []string
		for _, k := range known {
			values = append(values, begun+k)
		}
		if slices.Equal(known, flagValues["data"]) {
			return values, cobra.ShellCompDirectiveDefault
		}
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}

// arguments completes the folders of runs, the folders on the way to them, and names.
func arguments(names []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		found, directive := slices.Clone(names), cobra.ShellCompDirectiveNoFileComp
		paths, _ := filepath.Glob(typed + "*")
		for _, path := range paths {
			if info, err := os.Stat(path); err != nil || !info.IsDir() {
				continue
			}
			if !exists(filepath.Join(path, countlog.RunFile)) {
				path, directive = path+"/", directive|cobra.ShellCompDirectiveNoSpace
			}
			found = append(found, path)
		}
		return found, directive
	}
}
