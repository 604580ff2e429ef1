package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/spf13/cobra"
	"gonum.org/v1/plot/vg"
)

// figuresAsked is what the command is asked for.
type figuresAsked struct {
	alpha, tau, width   float64
	run, out, style     string
	formats, with, only []string
}

// names takes the run's folder out of the arguments, where it stands before the names of figures.
// Nil names stand for every figure of the run.
func (g *figuresAsked) names(args []string) []string {
	if g.run == "" && len(args) > 0 {
		info, err := os.Stat(args[0]) // a folder may have a figure's name
		if _, unknown := figures.ByName(args[0]); unknown != nil || err == nil && info.IsDir() {
			g.run, args = args[0], args[1:]
		}
	}
	switch {
	case len(args) > 0:
		return args
	case g.run == "" && len(g.with) > 0:
		return []string{"logs"}
	}
	return nil
}

// check checks the flags.
func (g *figuresAsked) check(names []string, changed func(string) bool) error {
	if err := cmp.Or(checkTau(changed, g.tau), checkAlpha(g.alpha)); err != nil {
		return err
	}
	for _, name := range g.only {
		if _, err := rs.MethodByName(name); err != nil {
			return fmt.Errorf("--method: %w", err)
		}
	}
	if _, err := figures.ByNames(names...); err != nil {
		return err
	}
	if _, err := figures.StyleByName(g.style); err != nil {
		return fmt.Errorf("--style: %w", err)
	}
	if column := float64(figures.Column / vg.Millimeter); changed("width") &&
		!(g.width >= column-1e-6 && g.width <= 1000) {
		return fmt.Errorf("--width %v: must lie between %.4g and 1000 mm", g.width, column)
	}
	for _, format := range g.formats {
		if !slices.Contains(figures.Formats, format) {
			return fmt.Errorf("--format: %w", named.Unknown("format", format, figures.Formats))
		}
	}
	return nil
}

// draw draws the named figures and returns one path of each.
func (g *figuresAsked) draw(names []string) (paths, notes []string, err error) {
	look := figures.Look{Width: vg.Length(g.width) * vg.Millimeter, Formats: g.formats}
	if look.Style, err = figures.StyleByName(g.style); err != nil {
		return nil, nil, err
	}
	in := figures.Input{Alpha: g.alpha}
	if g.run != "" {
		if in, notes, err = figures.Read(g.run, config(g.alpha, g.tau)); err != nil {
			return nil, nil, err
		}
	}
	in.Methods = g.only
	others, more, err := readOthers(g.with, g.alpha)
	if err != nil {
		return nil, nil, err
	}
	in.Beside, notes = others, append(notes, more...)
	paths, more, err = look.Save(in, cmp.Or(g.out, filepath.Join(cmp.Or(g.run, "."), "figures")),
		names...)
	return paths, append(notes, more...), err
}

// besideDoc documents --beside.
const besideDoc = "another run, a table of certificates by locuslab/smoothing, published-mnist, " +
	"or published-cifar10, for figures draws and logs; may be repeated"

// readOthers reads the runs and logs of --beside.
func readOthers(paths []string, alpha float64) (all []figures.Other, notes []string, err error) {
	for _, path := range paths {
		others, more, err := figures.ReadOther(path, alpha)
		if err != nil {
			return nil, nil, err
		}
		all, notes = append(all, others...), append(notes, more...)
	}
	return all, notes, nil
}

func figuresCommand() *cobra.Command {
	var g figuresAsked
	var styles strings.Builder
	var known []string
	for _, s := range figures.Styles {
		fmt.Fprintf(&styles, "  %-7s %s\n", s.Name, s.Doc)
		known = append(known, s.Name)
	}
	c := &cobra.Command{
		Use:   "figures [RUN] [NAME…]",
		Short: "Draw figures of a run as SVG, PNG and PDF, each with its numbers as TSV",
		Long: `Draw figures without a device: the named ones, or every one that the run suffices
for. RUN is the folder of a run, a model or a sweep. Some figures need no RUN.
lipsmooth figures list names all figures. The JSON beside each TSV has a caption: dataset, model,
σ, n, α, images, seed.

Styles:
` + styles.String(),
		Example: `  lipsmooth figures runs/mnist-0.25
  lipsmooth figures radius margins --run runs/mnist-0.25 --format svg,pdf --style paper
  lipsmooth figures exact local --width 170
  lipsmooth figures logs --run runs/mnist-0.25 --beside runs/mnist-0.5`,
		RunE: func(cmd *cobra.Command, args []string) error {
			names := g.names(args)
			if names == nil && g.run == "" {
				return one("run's folder")(cmd, nil)
			}
			if err := g.check(names, cmd.Flags().Changed); err != nil {
				return err
			}
			paths, notes, err := g.draw(names)
			for _, n := range notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "note:", n)
			}
			for _, p := range paths {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
			return err
		},
	}
	f := c.Flags()
	f.Float64Var(&g.alpha, "alpha", certify.Default().Alpha,
		"error probability of each certificate")
	f.Float64Var(&g.tau, "tau", -1, "temperature of soft votes, in logits; default: chosen on "+
		"RUN/tuning")
	f.StringSliceVar(&g.only, "method", nil, "methods that a figure of several methods draws; "+
		"default: every one that the run suffices for")
	f.StringVar(&g.run, "run", "",
		"folder of the run, model or sweep; then all arguments are names")
	f.StringVar(&g.out, "out", "", "folder for the files; default: RUN/figures")
	f.StringSliceVar(&g.formats, "format", nil, "formats of the pictures: "+
		strings.Join(figures.Formats, ", ")+"; default: all")
	f.StringVar(&g.style, "style", figures.Styles[0].Name, "look: "+strings.Join(known, ", "))
	f.Float64Var(&g.width, "width", 0, fmt.Sprintf("width on paper in millimetres, before a "+
		"style's zoom; default and least: a column, %.4g", float64(figures.Column/vg.Millimeter)))
	f.StringArrayVar(&g.with, "beside", nil, besideDoc)
	c.AddCommand(figuresListCommand())
	return c
}

// figuresListCommand names every figure.
func figuresListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Name every figure, with the command that makes what it is drawn from",
		Example: "  lipsmooth figures list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := &table.Table{Columns: []string{"figure", "needs", "answers"}}
			for _, e := range figures.List {
				t.Rows = append(t.Rows, []string{e.Name, e.Needs, e.Doc})
			}
			return printer(cmd).Table("figures", t, nil)
		},
	}
}
