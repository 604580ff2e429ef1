package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// sweep trains points one after another, each in its folder in out.
type sweep struct {
	*opened
	axes        []training.Axis
	points      []training.Point
	train, test *data.Dataset
	out         string
}

const sweepFile = "sweep.tsv"

// run trains every point that isn't done. It saves the table of the finished points after each, and
// prints and draws the table at the end. A training that diverges doesn't stop the others.
func (s sweep) run(ctx context.Context, w io.Writer) error {
	hash, err := s.train.Hash()
	if err != nil {
		return err
	}
	for _, p := range s.points {
		if _, err := net.New(lip.Size{s.train.Height, s.train.Width, s.train.Channels},
			s.train.Classes(), p.Config.Network()); err != nil {
			return fmt.Errorf("training on %s: %s: %w", s.train.Name, p.Name, err)
		}
	}
	seconds, err := s.seconds()
	if err != nil {
		return err
	}
	infos := make([]*training.Info, len(s.points)) // nil where not done
	for i, p := range s.points {
		if info, done := trained(s.dir(p), p.Config, hash); done {
			infos[i] = info
		}
	}
	var diverged []string
	for i, p := range s.points {
		if infos[i] != nil {
			continue
		}
		fmt.Fprintf(s.log, "training: point %d of %d, %s\n", i+1, len(s.points), p.Name)
		begun := time.Now()
		m, err := train(ctx, s.opened, p.Config, s.train, s.test, s.dir(p), terminal(w))
		if bad := (*training.Divergence)(nil); errors.As(err, &bad) {
			fmt.Fprintln(s.log, err)
			diverged = append(diverged, p.Name)
			continue
		} else if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		fmt.Fprintln(s.log, summary(m))
		info := m.Info // without the weights
		infos[i], seconds[p.Name] = &info, fmt.Sprintf("%.1f", time.Since(begun).Seconds())
		if err := s.table(infos, seconds).WriteFile(filepath.Join(s.out, sweepFile),
			s.caption()); err != nil {
			return err
		}
	}
	if err := s.report(w, infos, s.table(infos, seconds)); err != nil {
		return err
	}
	if len(diverged) > 0 {
		return fmt.Errorf("training: %d of %d points diverged, and the other points are "+
			"unaffected: %s", len(diverged), len(s.points), strings.Join(diverged, ", "))
	}
	return nil
}

func (s sweep) dir(p training.Point) string { return filepath.Join(s.out, p.Name) }

// seconds returns, by name, how long earlier commands trained each point: the duration of the
// session that finished it.
func (s sweep) seconds() (map[string]string, error) {
	seconds := map[string]string{}
	path := filepath.Join(s.out, sweepFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return seconds, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	old, err := table.Read(f, path)
	if err != nil {
		return nil, err
	}
	name, took := slices.Index(old.Columns, "point"), slices.Index(old.Columns, "seconds")
	if name < 0 || took < 0 {
		return nil, fmt.Errorf("%s: no columns point and seconds: not the table of a sweep; take "+
			"another folder", path)
	}
	for _, row := range old.Rows {
		seconds[row[name]] = row[took]
	}
	return seconds, nil
}

// table has a row for each point that is done.
func (s sweep) table(infos []*training.Info, seconds map[string]string) *table.Table {
	t := &table.Table{Columns: []string{"point"}}
	for _, a := range s.axes {
		t.Columns = append(t.Columns, a.Name)
	}
	t.Columns = append(t.Columns, "accuracy")
	for _, at := range training.VerifiedRadii {
		t.Columns = append(t.Columns, "r="+at.Name)
	}
	t.Columns = append(t.Columns, "average_radius", "lambda", "slope", "seconds")
	for i, p := range s.points {
		m := infos[i]
		if m == nil {
			continue
		}
		row := append([]string{p.Name}, p.Values...)
		row = append(row, fmt.Sprintf("%.4f", m.Metrics.Accuracy))
		for _, at := range training.VerifiedRadii {
			cell := "" // of a model saved when this radius wasn't measured
			if v, ok := m.Metrics.Verified[at.Name]; ok {
				cell = fmt.Sprintf("%.4f", v)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprintf("%.4f", m.Metrics.AverageRadius),
			fmt.Sprintf("%.5f", m.Lambda.Value()),
			fmt.Sprintf("%.5f", m.Metrics.Slope), seconds[p.Name]))
	}
	return t
}

// caption is the comment above the table.
func (s sweep) caption() string {
	return fmt.Sprintf("test split of %s, without noise; r=…: fraction verified at that radius; "+
		"lambda: proved, slope: observed; seconds: of the session that finished the point",
		s.test.Name)
}

// report prints the table, without the names that the values make, and draws the figure beside it.
func (s sweep) report(w io.Writer, infos []*training.Info, t *table.Table) error {
	if len(t.Rows) == 0 {
		return nil
	}
	short := table.Table{Columns: t.Columns[1:]}
	for _, row := range t.Rows {
		short.Rows = append(short.Rows, row[1:])
	}
	if err := short.WriteText(w); err != nil {
		return err
	}
	var axes []string
	for _, a := range s.axes {
		axes = append(axes, a.Name)
	}
	var points []figures.SweepPoint
	for i, m := range infos {
		if m != nil {
			points = append(points, figures.SweepPoint{Values: s.points[i].Values,
				Accuracy: m.Metrics.Accuracy, Radius: m.Metrics.AverageRadius})
		}
	}
	f, err := figures.Sweep(axes, points, s.caption())
	if err != nil {
		return err
	}
	f.Table, f.Caption = t, s.caption() // its file is sweep.tsv
	files, err := f.Save(s.out, "")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n%s\n", files[len(files)-2], files[1])
	return nil
}
