package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/spf13/cobra"
	"gonum.org/v1/plot/vg"
)

// Tables that figures are drawn from, in a model's folder.
const (
	curveFile  = "training.tsv"
	boundsFile = "bounds.tsv"
)

// drawing gathers what figures are made from: the run, the runs at other noise levels in its folder
// sigma, the attacks, and the metrics and bounds of the model in it.
func drawing(r *certify.Run, alpha float64) (in figures.Input, notes []string, err error) {
	in = figures.Input{Runs: []*certify.Run{r}, Alpha: alpha}
	dir := r.Dir
	others, err := filepath.Glob(filepath.Join(escapeGlob(dir), sweepFolder, "*", countlog.RunFile))
	if err != nil {
		return in, notes, err
	}
	for _, other := range others {
		other = filepath.Dir(other)
		s, err := load(other, config(alpha, -1))
		if err != nil {
			return in, notes, err
		}
		if err := countlog.Alike(other, s.Run, dir, r.Run); err != nil {
			return in, notes, err
		}
		in.Runs = append(in.Runs, s)
		notes = append(notes, s.Notes()...)
	}
	if in.Attacks, _, err = certify.ReadAttacks(dir); err != nil && !errors.Is(err,
		os.ErrNotExist) {
		return in, notes, err
	}
	model := filepath.Join(dir, certify.ModelFolder)
	if err := tablesOf(&in, model); err != nil {
		return in, notes, err
	}
	if hash := r.Model.Hash; in.Bounds != nil && !strings.Contains(in.Bounded, fmt.Sprintf("%.12s", hash)) {
		notes = append(notes, fmt.Sprintf("%s isn't of model %.12s: lipsmooth bound %s --observe makes it anew", filepath.Join(model, boundsFile), hash, quoted(model)))
		in.Bounds = nil
	}
	return in, notes, nil
}

// tablesOf reads the tables that lie in a model's folder, or in that of a sweep.
func tablesOf(in *figures.Input, dir string) (err error) {
	if in.Metrics, _, err = table.ReadFile(filepath.Join(dir, curveFile)); err != nil {
		return err
	}
	if in.Bounds, in.Bounded, err = table.ReadFile(filepath.Join(dir, boundsFile)); err != nil {
		return err
	}
	if in.Sweep, in.Swept, err = table.ReadFile(filepath.Join(dir, sweepFile)); err != nil {
		return err
	}
	info, err := training.ReadInfo(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		c := info.Config
		in.Trained = fmt.Sprintf("%s, %s, σ = %g, %d epochs in batches of %d, seed %d",
			info.Dataset, c.Architecture, c.Sigma, c.Epochs, c.Batch, c.Seed)
	}
	return err
}

// gather is drawing of a folder: that of a run, a model or a sweep. No folder is nothing.
func gather(dir string, alpha, tau float64) (in figures.Input, notes []string, err error) {
	in.Alpha = alpha
	if err := checkAlpha(alpha); dir == "" || err != nil {
		return in, nil, err
	}
	r, err := load(dir, config(alpha, tau))
	if errors.Is(err, os.ErrNotExist) {
		if tables := tablesOf(&in, dir); tables != nil || in.Metrics != nil || in.Bounds != nil ||
			in.Sweep != nil {
			return in, nil, tables
		}
	}
	if err != nil {
		return in, nil, err
	}
	in, notes, err = drawing(r, alpha)
	return in, append(r.Notes(), notes...), err
}

// beside reads what is drawn beside a run: other runs, tables of certificates without votes, and
// folders of these.
func beside(paths []string, alpha float64) (others []figures.Other, notes []string, err error) {
	for _, path := range paths {
		if _, err := os.Stat(filepath.Join(path, countlog.RunFile)); err == nil {
			r, err := load(path, config(alpha, -1))
			if err != nil {
				return nil, nil, err
			}
			others, notes = append(others, figures.Other{Name: filepath.Base(filepath.Clean(path)),
				Run: r}), append(notes, r.Notes()...)
			continue
		}
		tables, _, err := countlog.FindSources(path, nil)
		if err != nil {
			return nil, nil, err
		}
		for i, name := range countlog.Titles(tables) {
			t, err := tables[i].Radii()
			if err != nil {
				return nil, nil, err
			}
			others = append(others, figures.Other{Name: strings.TrimSuffix(name, ".tsv"),
				Results: t.Results()})
		}
	}
	return others, notes, nil
}

// escapeGlob lets a path stand for itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// A drawer saves figures.
type drawer struct {
	style   figures.Style
	width   vg.Length // 0 is a column's
	formats []string  // none is all
}

// draw saves figures in the first style: the named ones, or every one that the input suffices for.
// It returns one path of each.
func draw(in figures.Input, names []string, out string) (paths, notes []string, err error) {
	return drawer{style: figures.Styles[0]}.draw(in, names, out)
}

// draw saves figures in this drawer's style, width and formats. Where a named figure can't be
// drawn, the others are, and the error says why.
func (d drawer) draw(in figures.Input, names []string, out string) (paths, notes []string,
	err error) {
	entries, err := figuresByName(names)
	if err != nil {
		return nil, nil, err
	}
	var failed, lacking []string
	for _, e := range entries {
		figure, err := e.Draw(in)
		if err != nil {
			var missing *figures.Lacking
			switch {
			case len(names) > 0:
				failed = append(failed, err.Error())
			case errors.As(err, &missing):
				lacking = append(lacking, fmt.Sprintf("%s (%s)", missing.Figure, missing.What))
			default:
				notes = append(notes, fmt.Sprintf("left out: %v", err))
			}
			continue
		}
		if figure, err = d.style.Apply(figure, d.width); err != nil {
			return nil, nil, err
		}
		files, err := figure.Save(out, "", d.formats...)
		if err != nil {
			return nil, nil, err
		}
		paths = append(paths, files[min(1, len(files)-3)]) // PNG, or what there is
	}
	if len(lacking) > 0 {
		notes = append(notes, "not drawn: "+strings.Join(lacking, ", "))
	}
	if len(failed) > 0 {
		err = errors.New(strings.Join(failed, "; "))
	}
	return paths, notes, err
}

// figuresByName finds entries of figures.List, all of them where no name is given.
func figuresByName(names []string) (entries []figures.Entry, err error) {
	if len(names) == 0 {
		return figures.List, nil
	}
	for i, name := range names {
		e, err := figures.ByName(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names[:i], name) {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

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
	if err := checkTau(changed, g.tau); err != nil {
		return err
	}
	for _, name := range g.only {
		if _, err := rs.MethodByName(name); err != nil {
			return fmt.Errorf("--method: %w", err)
		}
	}
	if _, err := figuresByName(names); err != nil {
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
			return fmt.Errorf("--format: no format %q; known: %s", format,
				strings.Join(figures.Formats, ", "))
		}
	}
	return nil
}

// draw draws the named figures and returns one path of each.
func (g *figuresAsked) draw(names []string) (paths, notes []string, err error) {
	d := drawer{width: vg.Length(g.width) * vg.Millimeter, formats: g.formats}
	if d.style, err = figures.StyleByName(g.style); err != nil {
		return nil, nil, err
	}
	in, notes, err := gather(g.run, g.alpha, g.tau)
	if err != nil {
		return nil, nil, err
	}
	in.Methods = g.only
	others, more, err := beside(g.with, g.alpha)
	if err != nil {
		return nil, nil, err
	}
	in.Beside, notes = others, append(notes, more...)
	paths, more, err = d.draw(in, names, cmp.Or(g.out,
		filepath.Join(cmp.Or(g.run, "."), "figures")))
	return paths, append(notes, more...), err
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
		Example: "  lipsmooth figures radius margins --run runs/mnist-0.25 --out figures " +
			"--format svg,pdf --style paper",
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
	f.StringArrayVar(&g.with, "beside", nil, "another run, or a table of certificates by "+
		"locuslab/smoothing, for figures draws and logs; may be repeated")
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
			t := &table.Table{Columns: []string{"figure", "needs", "shows"}}
			for _, e := range figures.List {
				t.Rows = append(t.Rows, []string{e.Name, e.Needs, e.Doc})
			}
			return t.WriteText(cmd.OutOrStdout())
		},
	}
}
