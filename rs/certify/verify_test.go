package certify

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// TestVerifyLog reads the rows of a run and those of its tuning images, which may not be images of
// the run.
func TestVerifyLog(t *testing.T) {
	run, tuning := settings(), settings()
	tuning.Examples.Start = 1
	dir := write(t, filepath.Join(t.TempDir(), "run"), run)
	folder := write(t, filepath.Join(dir, countlog.TuningFolder), tuning)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	v, rows, err := r.VerifyLog()
	if err != nil || len(rows) != 8 || len(v.Checked) != 5 ||
		!strings.HasPrefix(v.Checked[3], folder) {
		t.Errorf("%d rows, %q, %v", len(rows), v.Checked, err)
	}
	compared, err := r.CheckDrawn(rows)
	if err != nil || compared != 4 {
		t.Errorf("%d of 4 rows compared, %v", compared, err)
	}
	other := rows[2]
	other.Estimation = slices.Clone(other.Estimation)
	other.Estimation[0]++
	if _, err := r.CheckDrawn(append(rows[:2:2], other)); err == nil ||
		!strings.Contains(err.Error(), "example 4: estimation: drawn again, they differ") {
		t.Error(err)
	}
	r.MarginError = 1e-5
	if err := r.CheckMarginError(1e-5 * (1 + 1e-9)); err != nil {
		t.Error(err)
	}
	if err := r.CheckMarginError(2e-5); err == nil || !strings.Contains(err.Error(),
		"margin_error: 1e-05") {
		t.Error(err)
	}
	same := write(t, filepath.Join(t.TempDir(), "run"), run)
	write(t, filepath.Join(same, countlog.TuningFolder), run)
	if r, err = Open(same); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.VerifyLog(); err == nil {
		t.Error("tuning images are images of the run")
	}
}
