package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// SweepFile is the table of a Series, in its folder.
const SweepFile = "sweep.tsv"

// A Series trains the points of a sweep one after another. The model of a point is in the subfolder
// of Job.Dir that has the point's name.
type Series struct {
	Job    // its Config gives way to that of each point
	Axes   []Axis
	Points []Point // as Sweep makes them from Axes
}

// at is the training of one point.
func (s Series) at(p Point) Job {
	j := s.Job
	j.Config, j.Dir = p.Config, filepath.Join(s.Dir, p.Name)
	return j
}

// Done reads model.json in the job's folder. It is nil where the folder holds no model of this
// config and dataset. A network that can't take the dataset's images is an error.
func (j Job) Done() (*Info, error) {
	d := j.Train
	if _, err := net.New(lip.Size{d.Height, d.Width, d.Channels}, d.Classes(),
		j.Config.Network()); err != nil {
		return nil, fmt.Errorf("training on %s: %w", d.Name, err)
	}
	hash, err := d.Hash()
	if err != nil {
		return nil, err
	}
	info, err := ReadInfo(j.Dir)
	if err != nil || info.Config != j.Config.Complete() || info.DataHash != hash {
		return nil, nil
	}
	return info, nil
}

// done returns what is known of each point that is done, nil of the others.
func (s Series) done() (infos []*Info, err error) {
	infos = make([]*Info, len(s.Points))
	for i, p := range s.Points {
		if infos[i], err = s.at(p).Done(); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return infos, nil
}

// Missing returns the number of points that Run would train. It needs no device and writes nothing.
func (s Series) Missing() (n int, err error) {
	infos, err := s.done()
	for _, info := range infos {
		if info == nil {
			n++
		}
	}
	return n, err
}

// Run trains every point that isn't done, and writes the table of the finished points after each.
// Where [Series.Missing] is 0, backend may be nil.
//
// A training that diverges doesn't stop the others: the table comes with an error that names it.
func (s Series) Run(ctx context.Context, backend compute.Backend) (*table.Table, error) {
	if s.Log == nil {
		s.Log = io.Discard
	}
	seconds, err := s.seconds()
	if err != nil {
		return nil, err
	}
	infos, err := s.done()
	if err != nil {
		return nil, err
	}
	var diverged []string
	for i, p := range s.Points {
		if infos[i] != nil {
			continue
		}
		fmt.Fprintf(s.Log, "training: point %d of %d, %s\n", i+1, len(s.Points), p.Name)
		begun := time.Now()
		m, err := Train(ctx, backend, s.at(p))
		if bad := (*Divergence)(nil); errors.As(err, &bad) {
			fmt.Fprintln(s.Log, err)
			diverged = append(diverged, p.Name)
			continue
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		fmt.Fprintln(s.Log, m.Info.Summary())
		info := m.Info // without the weights
		infos[i], seconds[p.Name] = &info, fmt.Sprintf("%.1f", time.Since(begun).Seconds())
		if err := s.table(infos, seconds).WriteFile(filepath.Join(s.Dir, SweepFile),
			s.Caption()); err != nil {
			return nil, err
		}
	}
	if len(diverged) > 0 {
		err = fmt.Errorf("training: %d of %d points diverged, and the other points are "+
			"unaffected: %s", len(diverged), len(s.Points), strings.Join(diverged, ", "))
	}
	return s.table(infos, seconds), err
}

// seconds returns, by name, how long earlier calls trained each point: the duration of the session
// that finished it.
func (s Series) seconds() (map[string]string, error) {
	path := filepath.Join(s.Dir, SweepFile)
	old, _, err := table.ReadFile(path)
	if old == nil || err != nil {
		return map[string]string{}, err
	}
	name, took := slices.Index(old.Columns, "point"), slices.Index(old.Columns, "seconds")
	if name < 0 || took < 0 {
		return nil, fmt.Errorf("%s: no columns point and seconds: not the table of a sweep; take "+
			"another folder", path)
	}
	seconds := map[string]string{}
	for _, row := range old.Rows {
		seconds[row[name]] = row[took]
	}
	return seconds, nil
}

// table has a row for each point that is done.
func (s Series) table(infos []*Info, seconds map[string]string) *table.Table {
	t := &table.Table{Columns: []string{"point"}}
	for _, a := range s.Axes {
		t.Columns = append(t.Columns, a.Name)
	}
	t.Columns = append(t.Columns, "accuracy")
	for _, at := range VerifiedRadii {
		t.Columns = append(t.Columns, "r="+at.Name)
	}
	t.Columns = append(t.Columns, "average_radius", "lambda", "slope", "seconds")
	for i, p := range s.Points {
		m := infos[i]
		if m == nil {
			continue
		}
		row := append([]string{p.Name}, p.Values...)
		row = append(row, fmt.Sprintf("%.4f", m.Metrics.Accuracy))
		for _, at := range VerifiedRadii {
			cell := "" // of a model saved when this radius wasn't measured
			if v, ok := m.Metrics.Verified[at.Name]; ok {
				cell = fmt.Sprintf("%.4f", v)
			}
			row = append(row, cell)
		}
		lambda := ""
		if m.Unproved() == nil {
			lambda = fmt.Sprintf("%.5f", m.Lambda.Value())
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprintf("%.4f", m.Metrics.AverageRadius), lambda,
			fmt.Sprintf("%.5f", m.Metrics.Slope), seconds[p.Name]))
	}
	return t
}

// Caption says what the table is of.
func (s Series) Caption() string {
	return fmt.Sprintf("test split of %s, without noise; r=…: fraction verified at that radius; "+
		"lambda: proved, slope: observed; seconds: of the session that finished the point",
		s.Test.Name)
}

// Summary is a trained model in one line.
func (m *Info) Summary() string {
	if err := m.Unproved(); err != nil {
		return fmt.Sprintf("model %.12s: accuracy %.4f; slope %.5f observed; %v", m.Hash,
			m.Metrics.Accuracy, m.Metrics.Slope, err)
	}
	return fmt.Sprintf("model %.12s: accuracy %.4f, verified %.4f at radius 0.5, average radius "+
		"%.3f; Λ = %.5f proved, slope %.5f observed",
		m.Hash, m.Metrics.Accuracy, m.Metrics.Verified["0.5"], m.Metrics.AverageRadius,
		m.Lambda.Value(), m.Metrics.Slope)
}
