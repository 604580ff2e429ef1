package cli

import (
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

func reportCommand() *cobra.Command {
	var ref, out string
	var files data.Options
	c := &cobra.Command{
		Use:   "report RUN",
		Short: "One HTML page of a run: tables, figures, images, settings and hashes",
		Long: `Write one self-contained HTML page of a run's folder. It has the tables of certify
and attack, the figures, a gallery of images with their certified radii and attacks, and a table of
all images.
It also has the network's proved bounds, the settings and hashes. report needs no network, no device
and no model. The page names the parts that are missing. reproduce ends with such a page.`,
		Example: "  lipsmooth report runs/mnist-quick --data mnist",
		Args:    one("run's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := certify.Open(args[0])
			if err != nil {
				return err
			}
			var d *data.Dataset
			if ref != "" {
				if d, err = datasetOf(run, nil, ref, files); err != nil {
					return err
				}
			}
			if out == "" {
				out = pagePath(args[0])
			}
			missing, err := writePage(args[0], out, d)
			if err != nil {
				return err
			}
			for _, m := range missing {
				fmt.Fprintln(cmd.ErrOrStderr(), "note: left out:",
					strings.ReplaceAll(m, "RUN", quoted(args[0])))
			}
			fmt.Fprintln(cmd.OutOrStdout(), out)
			return nil
		},
	}
	c.Flags().StringVar(&ref, "data", "", "dataset of the run, for the gallery: mnist, cifar10, "+
		"or a path; default: no gallery")
	bindFiles(c.Flags(), &files)
	c.Flags().StringVar(&out, "out", "", "file to write; default: RUN/"+page.File)
	return c
}
