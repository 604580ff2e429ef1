package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/spf13/cobra"
)

// argsFile has the settings of the authors' counts logs, beside them.
const argsFile = "certify_args.json"

type certifyArgs struct {
	Sigma float64 `json:"sigma"`
	N0    int     `json:"N0"`
	N     int     `json:"N"`
	Alpha float64 `json:"alpha"`
}

// readArgs reads the settings in a folder; all 0 where there are none.
func readArgs(dir string) (a certifyArgs, err error) {
	path := filepath.Join(dir, argsFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return a, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	if a.N0 < 0 || a.N < 0 || a.Alpha < 0 || a.Alpha >= 1 {
		return a, fmt.Errorf("%s: N0 %d, N %d, alpha %v: out of range", path, a.N0, a.N, a.Alpha)
	}
	return a, nil
}

// sources are the tables of one or two arguments, a folder being all its TSVs.
func sources(args []string) ([]string, error) {
	if len(args) > 1 {
		return args, nil
	}
	info, err := os.Stat(args[0])
	if err != nil || !info.IsDir() {
		return args, err
	}
	paths, err := filepath.Glob(filepath.Join(escapeGlob(args[0]), "*.tsv"))
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("%s: no TSV in this folder", args[0])
	}
	return paths, err
}

// escapeGlob lets a path stand for itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// hasRadii reports whether a table is one of certificates, by its column names.
func hasRadii(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 1<<12)).ReadString('\n')
	if err == io.EOF {
		err = nil
	}
	return strings.HasPrefix(line, "idx\tlabel\tpredict\t"), err
}

// The authors name the two draws of an image by their sizes, others by what they are for.
var selectionName, estimationName = regexp.MustCompile(
	`(_N0_\d+|selection[^/]*)\.tsv$`), regexp.MustCompile(`(_N0_\d+_N_\d+|estimation[^/]*)\.tsv$`)

// pair tells the selection draw's table from the estimation draw's. It goes by their names, or else
// by the order in which they were given. Tables of a folder have no order.
func pair(paths []string, ordered bool) (selection, estimation string, err error) {
	switch len(paths) {
	case 1:
		return "", paths[0], nil
	case 2:
		a, b := paths[0], paths[1]
		switch {
		case estimationName.MatchString(a) && selectionName.MatchString(b):
			return b, a, nil
		case ordered || selectionName.MatchString(a) && estimationName.MatchString(b):
			return a, b, nil
		}
		return "", "", fmt.Errorf("%s: names don't tell %s from %s: name the selection draw's "+
			"table, then the estimation draw's", filepath.Dir(a), filepath.Base(a),
			filepath.Base(b))
	}
	return "", "", fmt.Errorf("%s: %d tables: name the one, or the selection draw's and the "+
		"estimation draw's", filepath.Dir(paths[0]), len(paths))
}

// importRadii are those of locuslab/smoothing's tables.
var importRadii = []float64{0.25, 0.5, 0.75, 1, 1.25, 1.5}

// σ in a file name of locuslab/smoothing.
var sigmaName = regexp.MustCompile(`sigma_(\d+(?:\.\d+)?)(?:\D|$)`)

// sigmaOf is the flag's σ, or that of the file's name, 0 where neither is.
func sigmaOf(path string, flag float64) float64 {
	if m := sigmaName.FindStringSubmatch(strings.TrimSuffix(filepath.Base(path),
		".tsv")); flag == 0 && m != nil {
		flag, _ = strconv.ParseFloat(m[1], 64)
	}
	return flag
}

// impliedDraws is the n at which the ceiling σΦ⁻¹(α^(1/n)), all n votes for one class, is radius.
func impliedDraws(radius, sigma, alpha float64) float64 {
	miss := math.Erfc(radius/sigma/math.Sqrt2) / 2
	return math.Log(alpha) / math.Log1p(-miss)
}

// halfDigit is half a unit of the third significant digit, to which radii are printed.
func halfDigit(radius float64) float64 {
	return math.Pow(10, math.Floor(math.Log10(radius))-2) / 2
}

// reportRadii prints certified accuracies of tables without votes.
func reportRadii(w io.Writer, paths []string, sigma, alpha float64, out string) error {
	t := &table.Table{Columns: []string{"table", "examples"}}
	for _, r := range importRadii {
		t.Columns = append(t.Columns, "r="+strconv.FormatFloat(r, 'g', -1, 64))
	}
	t.Columns = append(t.Columns, "average radius", "sigma", "largest radius", "implied n")
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		rows, err := countlog.ReadRadii(f, path)
		f.Close()
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("%s: no rows", path)
		}
		results, most := make([]rs.Result, len(rows)), 0.0
		for i, row := range rows {
			results[i], most = row.Result, max(most, row.Radius)
		}
		cells := []string{filepath.Base(path), strconv.Itoa(len(rows))}
		for _, r := range importRadii {
			cells = append(cells, fmt.Sprintf("%.3f", rs.CertifiedAccuracy(results, r)))
		}
		s, implied, noise := sigmaOf(path, sigma), "-", "-"
		if s > 0 {
			noise = strconv.FormatFloat(s, 'g', -1, 64)
			if most > 0 {
				half := halfDigit(most)
				implied = fmt.Sprintf("%.3g to %.3g", impliedDraws(most-half, s, alpha),
					impliedDraws(most+half, s, alpha))
			}
		}
		t.Rows = append(t.Rows, append(cells, fmt.Sprintf("%.4f", rs.AverageRadius(results)), noise,
			fmt.Sprintf("%g", most), implied))
	}
	if err := t.WriteText(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "note: implied n: the number of draws at which unanimous votes give the "+
		"largest radius at α = %g, within its three digits. It is larger where no image had "+
		"unanimous votes\n", alpha)
	fmt.Fprintln(w, "note: these tables have certificates and no votes, so no other method, "+
		"bound or α can certify from them")
	if out != "" {
		fmt.Fprintf(w, "note: %s: not written: a run holds votes\n", out)
	}
	return nil
}

// importing is what the command is asked for.
type importing struct {
	countlog.Import
	out     string
	alpha   float64
	several bool // tables were named one by one
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

// run makes a run of tables of votes, or prints what tables of certificates say.
func (q *importing) run(ctx context.Context, w io.Writer, paths []string) error {
	radii := 0
	for _, path := range paths {
		has, err := hasRadii(path)
		if err != nil {
			return err
		}
		if has {
			radii++
		}
	}
	dir := filepath.Dir(paths[len(paths)-1])
	settings, err := readArgs(dir)
	if err != nil {
		return err
	}
	if settings.Alpha > 0 && !q.changed("alpha") {
		q.alpha = settings.Alpha
	}
	switch {
	case radii == len(paths):
		return reportRadii(w, paths, q.Sigma, q.alpha, q.out)
	case radii > 0:
		return fmt.Errorf("%s: tables with votes and without: name one kind", dir)
	case q.out == "":
		return fmt.Errorf("--out: name the folder of the run to make")
	}
	if q.Selection, q.Estimation, err = pair(paths, q.several); err != nil {
		return err
	}
	if err := q.draws(dir, settings); err != nil {
		return err
	}
	q.Name = strings.TrimSuffix(filepath.Base(q.Estimation), filepath.Ext(q.Estimation))
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

// draws takes the numbers of draws and the noise level from the settings beside the tables, and
// from the flags.
func (q *importing) draws(dir string, settings certifyArgs) error {
	if q.N = settings.N; q.Split == 0 {
		q.N0 = settings.N0
	}
	switch {
	case settings.Sigma == 0 && q.Sigma == 0:
		return fmt.Errorf("%s: the σ of its noise isn't said: give --sigma", q.Estimation)
	case settings.Sigma != 0 && q.Sigma != 0 && settings.Sigma != q.Sigma:
		return fmt.Errorf("--sigma %v: %s says %v", q.Sigma, filepath.Join(dir, argsFile),
			settings.Sigma)
	case q.Sigma == 0:
		if q.Sigma = settings.Sigma; checkSigma(q.Sigma) != nil {
			return fmt.Errorf("%s: sigma %v: must be positive, from 1e-6 to 1e6",
				filepath.Join(dir, argsFile), q.Sigma)
		}
	}
	return nil
}

// report says what was made.
func (q *importing) report(w io.Writer, run countlog.Run, rows int) {
	fmt.Fprintf(w, "%s: %d examples of %d classes, σ = %g, n0 = %d, n = %d; next: lipsmooth certify %s\n", q.out, rows, run.Dataset.Classes, run.Sigma, run.N0, run.N, quoted(q.out))
	if rows < run.Examples.Count {
		fmt.Fprintf(w, "note: the indices aren't evenly spaced. The run's plan has %d examples, "+
			"from %d in steps of %d. certify will report that sampling isn't finished\n",
			run.Examples.Count, run.Examples.Start, run.Examples.Stride)
	}
	if q.Split > 0 {
		fmt.Fprintf(w, "note: for each image, a random subset of %d of %d draws chooses the "+
			"class. The others estimate\n", run.N0, run.N0+run.N)
	}
	fmt.Fprintln(w, "note: votes only, without margins, clean predictions or Λ. mono, "+
		"bonferroni, cpm, twobound and adaptive can use them")
}

func importCommand() *cobra.Command {
	var q importing
	c := &cobra.Command{
		Use:   "import SOURCE [ESTIMATION]",
		Short: "Make a run of a table of votes that another program logged",
		Long: `Make a run's folder from the votes that another program logged, for certify and
figures. SOURCE is one of

  a folder, or two tables  idx, label, counts, a bracketed list: one table of the selection draw and
                           one of the estimation draw, with certify_args.json (sigma, N0, N)
  one table                index, label, selection and estimation. Each draw is a bracketed list or
                           class:count pairs, or has a column a class: selection_0, …,
                           estimation_0, …
  one table of one draw    index, label, and counts, or the columns 0, 1, …. A class must not be
                           chosen on the draw that estimates it, so import sets --n0 random draws
                           of each image aside to choose the class.
  a table of certificates  idx, label, predict, radius, correct, time, by locuslab/smoothing. It has
                           no votes, so import makes no run and prints certified accuracies.

Votes support mono, bonferroni, cpm, twobound and adaptive. Methods that need margins or a Lipschitz
bound can't use them.`,
		Example: "  lipsmooth import counts.tsv --sigma 0.5 --out runs/theirs\n  lipsmooth " +
			"import selection.tsv estimation.tsv --sigma 0.5 --out runs/theirs",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return fmt.Errorf("import takes a folder, a table or two, and was given %d; see "+
					"%s --help", len(args), c.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			q.changed, q.several = cmd.Flags().Changed, len(args) > 1
			if err := q.check(); err != nil {
				return err
			}
			paths, err := sources(args)
			if err != nil {
				return err
			}
			return q.run(cmd.Context(), cmd.OutOrStdout(), paths)
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
