package sample_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/internal/backend"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// A run in bf16 has other margins, the same ones each time, and no Lipschitz constant.
func TestPrecision(t *testing.T) {
	onEach(t, func(t *testing.T, plain compute.Backend) {
		p := smallPlan()
		p.Tuning = 0
		folder := t.TempDir()
		draw := func(name, precision string, b compute.Backend) (sample.Result, error) {
			p.Precision = precision
			return sample.Draw(t.Context(), b, onGraph{dense(nil), 2}, pictures{}, p,
				filepath.Join(folder, name))
		}
		rows := func(name string) string { return text(t, folder, name, countlog.CountsFile) }
		rounds := backend.BF16(plain)
		for _, name := range []string{"one", "two"} {
			r, err := draw(name, countlog.BF16, rounds)
			if err != nil {
				t.Fatal(err)
			}
			if m := r.Run.Model; m.Precision != countlog.BF16 || m.Lambda.Known() ||
				r.Run.MarginError != 0 || r.Run.MarginBins == 0 || len(r.Notes) != 1 {
				t.Errorf("%+v, notes %q", r.Run, r.Notes)
			}
		}
		if _, err := draw("full", countlog.Float32, plain); err != nil {
			t.Fatal(err)
		}
		if rows("one") != rows("two") || rows("one") == rows("full") {
			t.Error("bf16 drew other rows the second time, or those of float32")
		}
		for _, c := range []struct {
			name, precision string
			on              compute.Backend
			want            string
		}{
			{"one", "", plain, "model.precision is bf16 there"},
			{"new", countlog.BF16, plain, "in bf16, and what draws multiplies in float32"},
			{"new", countlog.TF32, rounds, "in tf32, and what draws multiplies in bf16"},
			{"new", "", rounds, "in float32, and what draws multiplies in bf16"},
			{"new", "fp8", plain, "precision fp8: known: float32, tf32, bf16"},
		} {
			if _, err := draw(c.name, c.precision, c.on); err == nil ||
				!strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		p.Tuning = 5
		_, err := draw("new", countlog.BF16, rounds)
		if _, ok := errors.AsType[*sample.NoLipschitz](err); !ok ||
			!strings.Contains(err.Error(), "graph in bf16") {
			t.Errorf("soft votes in bf16: %v", err)
		}
	})
}
