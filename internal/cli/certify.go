package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/help"
	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
)

// config certifies at alpha; a tau that is negative is chosen.
func config(alpha, tau float64) certify.Config {
	c := certify.Default()
	c.Alpha, c.Tau = alpha, tau
	return c
}

// report prints what was certified of a run, and saves it in a folder.
func report(w *terminal.Printer, x *certify.Result, dir string) error {
	fmt.Fprintln(w, x.Settings().Caption())
	t, shown := x.Summary()
	if err := w.Table("accuracy", t, shown); err != nil {
		return err
	}
	labelled := len(x.Curves) > 0 && len(rs.Labelled(x.Curves[0].Results)) > 0
	if labelled {
		fmt.Fprintln(w, "note: ± is half of a 95% confidence interval over images")
	}
	for _, note := range x.Notes {
		fmt.Fprintln(w, "note:", note)
	}
	if level := x.Config.Interval; level > 0 && labelled {
		fmt.Fprintf(w, "%g%% confidence intervals of certified accuracy, over images\n", 100*level)
		if err := w.Table("intervals", x.Intervals(), nil); err != nil {
			return err
		}
	}
	return x.Save(dir)
}

// conclude ends what a command prints.
func conclude(w *terminal.Printer, lines []string) {
	w.Set("conclusion", lines)
	if !w.JSON && len(lines) > 0 {
		fmt.Fprintln(w, "\n"+strings.Join(lines, "\n"))
	}
}

// certifying is what the command is asked for.
type certifying struct {
	certify.Config
	dir, bound, out, data, format string
	methods                       []string
	files                         data.Options // as those of verification
}

// methodsAndBounds lists what is known, for the help.
func methodsAndBounds() string {
	var list strings.Builder
	for _, m := range rs.Methods {
		fmt.Fprintf(&list, "  %-16s  %s\n", m.Name, m.Doc)
	}
	list.WriteString("\nBounds:\n")
	for _, b := range rs.Bounds {
		fmt.Fprintf(&list, "  %-16s  %s\n", b.Name, b.Doc)
	}
	return list.String()
}

// check checks the flags, and reads the names among them.
func (c *certifying) check(changed func(string) bool) (err error) {
	if err := cmp.Or(checkTau(changed, c.Tau), checkAlpha(c.Alpha)); err != nil {
		return err
	}
	for _, name := range c.methods {
		if name = strings.TrimSpace(name); name == certify.All {
			c.Methods = []string{certify.All}
			break
		}
		if !slices.Contains(c.Methods, name) {
			c.Methods = append(c.Methods, name)
		}
	}
	if c.bound != "" {
		if c.Bound, err = rs.BoundByName(c.bound); err != nil {
			return fmt.Errorf("--bound: %w", err)
		}
	}
	if c.Scores != "" {
		m, err := rs.ParseScoreMap(c.Scores)
		if err != nil {
			return fmt.Errorf("--scores: %w", err)
		}
		c.Scores = m.String()
	}
	if err := c.Check(); err != nil {
		return flagged(nil, err)
	}
	switch {
	case c.format != "" && c.format != locuslab:
		return fmt.Errorf("--format: %w", named.Unknown("format", c.format, []string{locuslab}))
	case c.format == locuslab && len(c.Methods) != 1:
		return fmt.Errorf("--format %s has one certificate an image: name one --method", locuslab)
	}
	return nil
}

// run certifies, prints and saves.
func (c *certifying) run(w *terminal.Printer) error {
	run, err := certify.Open(c.dir)
	if err != nil {
		return err
	}
	x, err := run.Certify(c.Config)
	if errors.Is(err, certify.ErrNoMarginError) {
		return fmt.Errorf("--%w", err)
	}
	if err != nil {
		return err
	}
	if c.data != "" {
		d, err := datasetOf(run, nil, c.data, c.files)
		if err != nil {
			return err
		}
		x.File = d.File
	}
	if c.format == "" {
		if err := report(w, x, cmp.Or(c.out, c.dir)); err != nil {
			return err
		}
		lines := x.Conclusion(nil)
		conclude(w, lines[:min(1, len(lines))])
		return nil
	}
	if len(rs.Labelled(x.Curves[0].Results)) < len(x.Indices) {
		return fmt.Errorf("--format %s: it has the label of every image, and %s has images without one",
			locuslab, c.dir)
	}
	t := x.Locuslab(0)
	w.Set("certificates", t)
	switch {
	case c.out != "":
		return t.WriteFile(c.out, nil)
	case w.JSON:
		return nil
	}
	return t.WriteTSV(w)
}

// locuslab is the format of the tables that Cohen et al. 2019 published, which other tools of the
// field read.
const locuslab = "locuslab"

func certifyCommand() *cobra.Command {
	config := certifying{Config: certify.Default()}
	c := &cobra.Command{
		Use:   "certify RUN",
		Short: "Certify l2 radii from a run's evidence, by any method, without a device",
		Long: `Certify l2 radii from the votes and margins in a run's folder. Each certificate
holds with probability 1-α over the noise drawn. certify prints certified accuracy at each radius
and the average certified radius. It writes certificates.tsv, with one line an image and method,
which lists the bounds that α was spent on. It writes table.tsv, with one line a method.
certificates.json has the settings.

Certifying by another method adds to these tables. Certifying by the same method with other
settings moves its earlier certificates to results/. So certificates.tsv has one line an image and
method:

  d = pandas.read_csv("RUN/certificates.tsv", sep="\t")
  d[d.correct].groupby("method").radius.sum() / d["index"].nunique()

The second line is the average certified radius.

Methods:
` + methodsAndBounds(),
		Example: `  lipsmooth certify runs/mnist-0.25 --method mono,lipschitz --alpha 0.001
  lipsmooth certify runs/mnist-0.25 --method all
  lipsmooth certify runs/mnist-0.25 --simultaneous --interval 0.95
  lipsmooth certify runs/mnist-0.25 --method lipschitz --float32
  lipsmooth certify runs/mnist-0.25 --method mono --format locuslab --out mono.tsv`,
		Args: one("run's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := config.check(cmd.Flags().Changed); err != nil {
				return err
			}
			config.dir = args[0]
			return config.run(printer(cmd))
		},
	}
	f := c.Flags()
	f.StringSliceVar(&config.methods, "method", nil,
		"methods, separated by commas, or all for every sound method; default: "+
			strings.Join(rs.DefaultMethods, ",")+", and distance where a run has distances")
	f.BoolVar(&config.Unsound, "unsound", false,
		"let --method name an unsound shortcut, for comparison")
	f.StringVar(&config.bound, "bound", "",
		"confidence bound of every method (default: clopper-pearson on votes, star on soft votes)")
	f.BoolVar(&config.Float32, "float32", false,
		"subtract the error bound of float32 (margin_error of run.json) from margins, "+
			"to certify the network in real arithmetic")
	f.StringVar(&config.Scores, "scores", "",
		"logged map of scores that methods take (default: every map, with α shared)")
	f.Float64Var(&config.Alpha, "alpha", config.Alpha, "error probability of each certificate")
	f.BoolVar(&config.Simultaneous, "simultaneous", false,
		"make α the error probability of all certificates of a method together")
	f.Float64Var(&config.Interval, "interval", 0,
		"level, such as 0.95, of confidence intervals of certified accuracy, "+
			"for the output and intervals.tsv")
	f.Float64Var(&config.Tau, "tau", config.Tau,
		"temperature of soft votes, in logits; default: chosen on RUN/tuning")
	f.Float64SliceVar(&config.Radii, "radii", config.Radii, "radii of the table")
	bindFiles(f, &config.files)
	f.StringVar(&config.data, "data", "",
		"dataset of the run, for the paths of its images in certificates.tsv: "+
			"mnist, cifar10, or a path")
	f.StringVar(&config.format, "format", "",
		"locuslab: write one table of idx, label, predict, radius, correct, time, "+
			"to stdout or to the file --out")
	f.StringVar(&config.out, "out", "", "folder for the tables; default: RUN")
	help.Group(c, "What to certify", "method alpha simultaneous float32", "bound", "scores", "tau",
		"unsound")
	help.Group(c, "Output", "radii interval out", "format", "data", "classes", "labels")
	return c
}
