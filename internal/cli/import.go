package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/spf13/cobra"
)

// importing is what the command is asked for.
type importing struct {
	countlog.Import
	out     string
	alpha   float64
	notes   []string // on what the tables don't say
	changed func(flag string) bool
}

func (q *importing) check() error {
	if q.changed("sigma") {
		if err := checkSigma(q.Sigma); err != nil {
			return err
		}
	}
	if q.changed("classes") {
		if err := checkLeast("classes", q.Classes, 2); err != nil {
			return err
		}
	}
	return cmp.Or(checkAlpha(q.alpha), checkLeast("n0", q.Split, 0))
}

// run makes a run of tables of votes, or prints what tables of certificates say. ordered tables
// were named one by one.
func (q *importing) run(ctx context.Context, w *terminal.Printer, found []countlog.Source,
	ordered bool) error {
	radii := true
	for _, s := range found {
		h, err := s.Holds()
		if err != nil {
			return err
		}
		radii = radii && h.Radii
	}
	if radii {
		return q.certificates(w, found)
	}
	m, err := countlog.Tables(found, ordered)
	if err != nil {
		return err
	}
	if q.out == "" {
		return fmt.Errorf("--out: name the folder of the run to make")
	}
	q.Selection, q.Estimation, q.Labels, q.Name = m.Selection, m.Estimation, m.Labels, m.Name
	if err := q.draws(); err != nil {
		return err
	}
	run, rows, err := q.Write(ctx, q.out)
	if errors.Is(err, countlog.ErrOneDraw) {
		return fmt.Errorf("%w: give the selection draw's table too, or set draws aside with --n0",
			err)
	}
	if err != nil {
		return err
	}
	q.report(w, run, rows)
	return nil
}

// certificates prints certified accuracies of tables without votes.
func (q *importing) certificates(w *terminal.Printer, found []countlog.Source) error {
	stated, err := found[len(found)-1].Stated()
	if err != nil {
		return err
	}
	if stated.Alpha > 0 && !q.changed("alpha") {
		q.alpha = stated.Alpha
	}
	var tables []certify.Published
	var remarks []string
	for i, name := range countlog.Titles(found) {
		t, err := found[i].Radii()
		if err != nil {
			return err
		}
		if len(t.Rows) == 0 {
			return fmt.Errorf("%s: no rows", found[i].Path)
		}
		sigma := q.Sigma
		if sigma == 0 && t.Rows[0].Sigma == 0 {
			sigma = found[i].Sigma()
		}
		tables = append(tables, certify.Published{Name: name, Sigma: sigma, Radii: t})
		remarks = append(remarks, t.Remarks...)
	}
	exact, shown := certify.PublishedAccuracy(tables, q.alpha)
	if err := w.Table("accuracy", exact, shown); err != nil {
		return err
	}
	for _, remark := range remarks {
		fmt.Fprintf(w, "note: %s: left out\n", remark)
	}
	fmt.Fprintf(w, "note: implied n: the number of draws at which unanimous votes give the "+
		"largest radius at α = %g, within its three digits. It is larger where no image had "+
		"unanimous votes\n", q.alpha)
	fmt.Fprintln(w, "note: these tables have certificates and no votes, so no other method, "+
		"bound or α can certify from them")
	if q.out != "" {
		fmt.Fprintf(w, "note: %s: not written: a run holds votes\n", q.out)
	}
	return nil
}

// draws takes the numbers of draws and the noise level from the flags, the settings beside the
// tables, a column, and the name.
func (q *importing) draws() error {
	stated, err := q.Estimation.Stated()
	if err != nil {
		return err
	}
	if q.N = stated.N; q.Split == 0 {
		q.N0 = stated.N0
	}
	if stated.Sigma != 0 && q.Sigma != 0 && stated.Sigma != q.Sigma {
		return fmt.Errorf("--sigma %v: %s says %v", q.Sigma,
			filepath.Join(filepath.Dir(q.Estimation.Path), countlog.StatedFile), stated.Sigma)
	}
	h, err := q.Estimation.Holds()
	if err != nil {
		return err
	}
	if !h.Labelled && q.Labels.Path == "" {
		q.notes = append(q.notes, "the votes come without true classes, so no accuracy can be "+
			"computed. An array of them, [examples], can be named beside the votes")
	}
	if q.Sigma = cmp.Or(q.Sigma, stated.Sigma, h.Sigma); q.Sigma > 0 {
		return nil
	}
	if q.Sigma = q.Estimation.Sigma(); q.Sigma == 0 {
		return fmt.Errorf("%s: the σ of its noise isn't said: give --sigma", q.Estimation.Path)
	}
	q.notes = append(q.notes, fmt.Sprintf("σ = %g is read off the name %s. Give --sigma where the "+
		"votes were drawn with other noise", q.Sigma, q.Estimation.Path))
	return nil
}

// report says what was made.
func (q *importing) report(w io.Writer, run countlog.Run, rows int) {
	fmt.Fprintf(w, "%s: %d examples of %d classes, σ = %g, n0 = %d, n = %d; next: lipsmooth "+
		"certify %s\n", q.out, rows, run.Dataset.Classes, run.Sigma, run.N0, run.N, quoted(q.out))
	if rows < run.Examples.Count {
		fmt.Fprintf(w, "note: the indices aren't evenly spaced. The run's plan has %d examples, "+
			"from %d in steps of %d. certify will report that sampling isn't finished\n",
			run.Examples.Count, run.Examples.Start, run.Examples.Stride)
	}
	if q.Split > 0 {
		fmt.Fprintf(w, "note: for each image, a random subset of %d of %d draws chooses the "+
			"class. The others estimate\n", run.N0, run.N0+run.N)
	}
	for _, note := range q.notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	fmt.Fprintln(w, "note: votes only, without margins, clean predictions or Λ. mono, "+
		"bonferroni, cpm, twobound and adaptive can use them")
}

func importCommand() *cobra.Command {
	var q importing
	c := &cobra.Command{
		Use:   "import SOURCE...",
		Short: "Make a run of a table of votes that another program logged",
		Long: `Make a run's folder from the votes that another program logged, for certify and
figures. A source is a file, a folder of files, or - for standard input. It holds a table of votes,
or a table of certificates. Columns are found by their names, in any order:

  index        idx, index, id or original_idx. Without it, import numbers the rows from 0
  label        label, true_label, target or y: the true class
  votes        counts: [16, 870, 2], (16, 870, 2) or {1: 870, 0: 16}
               or a column a class: 0, 1, …; c0, …; class_0, …; count_0, …
  two draws    selection and estimation, or selection_0, …, estimation_0, …; or two tables
  certificate  predict, prediction or pred (-1 where it abstained)
               radius, radii or certified_radius
               correct, where it is there

Tabs, commas, semicolons or spaces separate the columns. gzip and byte order marks are undone. An
array in NumPy's .npy format holds votes, [examples, classes], or true classes, [examples].

A class must not be chosen on the draw that estimates it. So votes of one draw need --n0: import
sets that many random draws of each image aside to choose the class. Of two tables, one has the
selection draw and one the estimation draw, by their names, or else in this order. certify_args.json
beside them gives sigma, N0 and N. Where neither this file nor --sigma gives σ, a column sigma does,
or else a name such as sigma_0.50 or noise_0.50.

Certificates, as certify.py of locuslab/smoothing writes them, have no votes. So import makes no run
of them, and prints certified accuracies. A folder may have them at any depth.

Votes support mono, bonferroni, cpm, twobound and adaptive. Methods that need margins or a Lipschitz
bound can't use them.`,
		Example: "  lipsmooth import counts.csv --sigma 0.5 --n0 100 --out runs/theirs\n" +
			"  lipsmooth import selection.tsv estimation.tsv --sigma 0.5 --out runs/theirs\n" +
			"  lipsmooth import votes.npy labels.npy --sigma 0.5 --n0 100 --out runs/theirs\n" +
			"  lipsmooth import certify/cifar10/resnet110",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 1 {
				return fmt.Errorf("import takes tables, or a folder of them; see %s --help",
					c.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			q.changed = cmd.Flags().Changed
			if err := q.check(); err != nil {
				return err
			}
			var found []countlog.Source
			for _, path := range args {
				sources, skipped, err := countlog.FindSources(path, cmd.InOrStdin())
				if err != nil {
					return err
				}
				for _, s := range skipped {
					fmt.Fprintf(cmd.ErrOrStderr(), "note: %s: no table of votes or certificates\n",
						s)
				}
				found = append(found, sources...)
			}
			return q.run(cmd.Context(), printer(cmd), found, len(args) > 1)
		},
	}
	f := c.Flags()
	f.StringVar(&q.out, "out", "", "folder of the run to make")
	f.Float64Var(&q.Sigma, "sigma", 0, "standard deviation of the noise, where the source "+
		"doesn't say it")
	f.IntVar(&q.Classes, "classes", 0, "number of classes, where the table doesn't say it")
	f.IntVar(&q.Split, "n0", 0, "draws an image to set aside, of a table of one draw")
	f.Uint64Var(&q.Seed, "seed", 1, "seed of which draws are set aside")
	f.Float64Var(&q.alpha, "alpha", certify.Default().Alpha,
		"error probability that radii without votes were certified at")
	return c
}
