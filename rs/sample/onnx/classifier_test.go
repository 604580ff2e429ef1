package onnx

import (
	"math"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/proof"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A proof takes the place of no claim and of one that isn't smaller. A run that goes on keeps its
// constant.
func TestLambda(t *testing.T) {
	needRuntime(t)
	none, claimed := rs.Constant{}, rs.Claim(2)
	proved := rs.Proved(proof.FromFile(2))
	load := func(claim rs.Constant) *Classifier {
		c, err := Load("testdata/residual.onnx", Options{Lipschitz: claim.Value()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	for _, c := range []struct {
		claim, run         rs.Constant
		wantProof, wantRun rs.Constant
	}{
		{none, none, proved, none},
		{none, claimed, proved, claimed},
		{none, proved, proved, proved},
		{rs.Claim(3), proved, proved, proved},
		{rs.Claim(2), proved, proved, proved},
		{rs.Claim(1), proved, rs.Claim(1), rs.Claim(1)},
		{rs.Claim(3), claimed, proved, rs.Claim(3)},
		{rs.Claim(3), none, proved, rs.Claim(3)},
	} {
		m := load(c.claim)
		m.Proved(proof.FromFile(2))
		if got := m.Identity().Lambda; got != c.wantProof {
			t.Errorf("claim %v: %v after a proof", c.claim, got)
		}
		m = load(c.claim)
		m.Resume(countlog.Model{Hash: m.Identity().Hash, Lambda: c.run})
		if got := m.Identity().Lambda; got != c.wantRun {
			t.Errorf("claim %v: %v after a run with %v", c.claim, got, c.run)
		}
		m.Resume(countlog.Model{Hash: "another", Lambda: rs.Claim(7)})
		if got := m.Identity().Lambda; got != c.wantRun {
			t.Errorf("claim %v: %v after another file's run", c.claim, got)
		}
	}
	o, err := OptionsOf(countlog.Model{Lambda: proved}, "testdata/residual.onnx", "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load("testdata/residual.onnx", o)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := again.Identity().Lambda; got != proved {
		t.Errorf("read again as a run says: %v", got)
	}
}

// No probability counts as less than the least, so margins are Lipschitz where some are 0.
func TestLeastProbability(t *testing.T) {
	m := Model{Classes: 3, scale: Probabilities}
	m.Batch = 1
	z := make([]float32, 3)
	if err := m.finish(z, []float32{1, 0, 1e-40}); err != nil || z[0] != 0 || z[1] != z[2] ||
		z[1] != float32(math.Log(LeastProbability)) {
		t.Error(z, err)
	}
}
