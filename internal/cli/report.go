package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
	page "github.com/lipsmooth/lipsmooth/internal/report"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
)

// pagePath is where the page of a run's folder is written.
func pagePath(dir string) string { return filepath.Join(dir, page.File) }

// writePage writes the page of a run's folder, whole or not at all. The gallery shows images of d.
// Where d is nil, the page has no gallery.
func writePage(dir, path string, d *data.Dataset) (missing []string, err error) {
	p, err := page.Read(dir, d)
	if err != nil {
		return nil, err
	}
	return p.Missing, atomic.WriteFile(path, p.WriteHTML)
}

// comparisonFile is the page of several runs, in the folder of the first.
const comparisonFile = "comparison.html"

// reporter writes a page of one run, or of several with a comparison of them.
type reporter struct {
	data, out string
	files     data.Options
}

// dataset is the run's dataset, or nil where none is named.
func (r *reporter) dataset(dir string) (*data.Dataset, error) {
	run, err := certify.Open(dir)
	if err != nil || r.data == "" {
		return nil, err
	}
	return datasetOf(run, nil, r.data, r.files)
}

// several writes the page of several runs.
func (r *reporter) several(dirs []string) (path string, missing []string, err error) {
	alphas := map[float64]bool{}
	var pages []*page.Page
	for _, dir := range dirs {
		d, err := r.dataset(dir)
		if err != nil {
			return "", nil, err
		}
		p, err := page.Read(dir, d)
		if err != nil {
			return "", nil, err
		}
		pages = append(pages, p)
		if saved, err := certify.ReadSaved(dir); err == nil && len(saved.Sets) > 0 {
			alphas[saved.Sets[len(saved.Sets)-1].Alpha] = true
		}
	}
	c := certify.Default()
	for alpha := range alphas {
		if len(alphas) == 1 { // the tables of all runs have it
			c.Alpha = alpha
		}
	}
	compared, why := compareRuns(c, 0.95, dirs)
	all, err := page.Beside(pages, dirs, compared, why)
	if err != nil {
		return "", nil, err
	}
	path = cmp.Or(r.out, filepath.Join(dirs[0], comparisonFile))
	return path, all.AllMissing(), atomic.WriteFile(path, all.WriteHTML)
}

func reportCommand() *cobra.Command {
	var r reporter
	c := &cobra.Command{
		Use:   "report RUN...",
		Short: "One HTML page of a run: tables, figures, images, settings and hashes",
		Long: `Write one self-contained HTML page of a run's folder. It has the tables of certify
and attack, the figures, a gallery of images with their certified radii and attacks, and a table of
all images. It also has the network's proved bounds, the settings and hashes. report needs no
network, no device and no model. The page names the parts that are missing. reproduce ends with such
a page.

Several runs are put on one page. The page compares them first, as compare does, and then shows each
run.`,
		Example: `  lipsmooth report runs/mnist-quick --data mnist
  lipsmooth report runs/mnist-0.25 runs/mnist-0.5`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				path, missing, err := r.several(args)
				return reported(cmd, path, missing, err)
			}
			if err := one("run's folder")(cmd, args); err != nil {
				return err
			}
			d, err := r.dataset(args[0])
			if err != nil {
				return err
			}
			path := cmp.Or(r.out, pagePath(args[0]))
			missing, err := writePage(args[0], path, d)
			for i := range missing {
				missing[i] = strings.ReplaceAll(missing[i], "RUN", quoted(args[0]))
			}
			return reported(cmd, path, missing, err)
		},
	}
	c.Flags().StringVar(&r.data, "data", "", "dataset of the run, for the gallery: mnist, cifar10, "+
		"or a path; default: no gallery")
	bindFiles(c.Flags(), &r.files)
	c.Flags().StringVar(&r.out, "out", "", "file to write; default: RUN/"+page.File+", or of "+
		"several runs "+comparisonFile+" in the first folder")
	return c
}

// reported says where a page is, and what it lacks.
func reported(cmd *cobra.Command, path string, missing []string, err error) error {
	if err != nil {
		return err
	}
	for _, m := range missing {
		fmt.Fprintln(cmd.ErrOrStderr(), "note: left out:", m)
	}
	fmt.Fprintln(cmd.OutOrStdout(), path)
	return nil
}
