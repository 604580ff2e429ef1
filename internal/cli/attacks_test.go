package cli

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/attack"
)

// Attacks go on from where they were, a torn line is cut off, and of two that write at once the second is refused.
func TestOpenAttacks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	size, settings, other := [3]int{1, 1, 1}, certify.AttackSettings{Caption: "settings", Seed: 1}, certify.AttackSettings{Seed: 2}
	opened := func() *attacks {
		t.Helper()
		a, err := openAttacks(dir, settings, 3, size)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.close() })
		return a
	}
	found := func(index int, radius float32) []finding {
		x := finding{Aim: certify.Aim{Index: index, Classifier: "votes"}, Found: attack.Found{Radius: float64(radius), Image: []float32{radius}}}
		if math.IsInf(x.Radius, 1) {
			x.Image = nil
		}
		return []finding{x}
	}
	a, b := opened(), opened()
	if err := a.append(found(4, 0.5)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(found(4, 0.5)); err == nil || !strings.Contains(err.Error(), certify.AttackFile+": another process is writing") {
		t.Error(err)
	}
	if err := a.append(found(5, float32(math.Inf(1)))); err != nil {
		t.Fatal(err)
	}
	edit(t, func(s string) string { return s[:len(s)-3] }, dir, certify.AttackFile)
	c := opened()
	if len(c.there) != 1 || !c.there[certify.Aim{Index: 4, Classifier: "votes"}] {
		t.Errorf("%v", c.there)
	}
	for _, err := range []error{c.append(found(5, float32(math.Inf(1)))), c.append(found(6, 2)), c.append(nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	made, by, err := certify.ReadAttacks(dir)
	if err != nil || !by.Same(settings) || len(made) != 3 || made[2].Radius != 2 || !math.IsInf(made[1].Radius, 1) {
		t.Errorf("%v, %v, %v", made, by, err)
	}
	for row, want := range []float32{0.5, 0, 2} {
		if got, err := c.images.Row(row); err != nil || got[0] != want {
			t.Errorf("row %d: %v, %v", row, got, err)
		}
	}
	if err := c.append(found(7, 1)); err == nil {
		t.Error("a line more than there are attacks")
	}
	if _, err := openAttacks(dir, other, 3, size); err == nil || !strings.Contains(err.Error(), "other settings") {
		t.Error(err)
	}
	if _, err := openAttacks(dir, settings, 4, size); err == nil || !strings.Contains(err.Error(), "3 images, where attack.tsv has 4") {
		t.Error(err)
	}
	renamed := settings
	renamed.Caption, renamed.Lipsmooth = "another name", "another version"
	for _, s := range []certify.AttackSettings{settings, renamed, other} { // no others, then those
		if err := removeOtherAttacks(dir, s); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, attackImagesFile)); (err == nil) != s.Same(settings) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if _, _, err := certify.ReadAttacks(dir); err == nil {
		t.Error("attacks are there")
	}
}
