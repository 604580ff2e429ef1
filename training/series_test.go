package training

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// TestSeries: a finished series needs no backend, and its table is on disk.
func TestSeries(t *testing.T) {
	c := small()
	c.Epochs = 1
	points, err := Sweep(c, sigmas(0, 0.25))
	if err != nil {
		t.Fatal(err)
	}
	s := Series{Job: Job{Dir: t.TempDir()}, Axes: []Axis{sigmas(0, 0.25)}, Points: points}
	s.Train, s.Test = bars(t, 4, 200)
	if n, err := s.Missing(); n != 2 || err != nil {
		t.Errorf("%d missing, %v", n, err)
	}
	made, err := s.Run(t.Context(), backend)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	there, caption, err := table.ReadFile(filepath.Join(s.Dir, SweepFile))
	if err != nil || caption != s.Caption() {
		t.Errorf("%q, %v", caption, err)
	}
	for _, other := range []*table.Table{again, there} {
		if !slices.EqualFunc(made.Rows, other.Rows, slices.Equal) || len(made.Rows) != 2 {
			t.Errorf("%q, then %q", made.Rows, other.Rows)
		}
	}
	if header := strings.Join(made.Columns, " "); !strings.HasPrefix(header, "point sigma accuracy ") {
		t.Error(header)
	}
	s.Points[1].Config.Seed = 2
	if n, err := s.Missing(); n != 1 || err != nil {
		t.Errorf("%d missing of another seed, %v", n, err)
	}
}
