package attack

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
)

func seeded(seed uint64) certify.AttackSettings {
	return certify.AttackSettings{AttackConfig: certify.AttackConfig{Seed: seed}}
}

// opened is the log of three lines of one value each.
func opened(t *testing.T, dir string) *log {
	t.Helper()
	a, err := openLog(dir, seeded(1), 3, [3]int{1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.close() })
	return a
}

// found is a line of one attack on votes.
func found(index int, radius float64) []line {
	x := line{Aim: certify.Aim{Index: index, Classifier: "votes"}, Finding: Finding{Radius: radius}}
	if !math.IsInf(radius, 1) {
		x.Image = []float32{float32(radius)}
	}
	return []line{x}
}

func appended(t *testing.T, a *log, lines []line) {
	t.Helper()
	if err := a.append(lines); err != nil {
		t.Fatal(err)
	}
}

// Attacks go on from where they were, a torn line is cut off, and of two that write at once the
// second is refused.
func TestLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	a, b := opened(t, dir), opened(t, dir)
	appended(t, a, found(4, 0.5))
	err := b.append(found(4, 0.5))
	if err == nil || !strings.Contains(err.Error(), "attack.tsv: another process is writing") {
		t.Error(err)
	}
	appended(t, a, found(5, math.Inf(1)))
	path := filepath.Join(dir, certify.AttackFile)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-3); err != nil {
		t.Fatal(err)
	}
	c := opened(t, dir)
	if len(c.there) != 1 || !c.there[certify.Aim{Index: 4, Classifier: "votes"}] {
		t.Errorf("%v", c.there)
	}
	appended(t, c, found(5, math.Inf(1)))
	appended(t, c, found(6, 2))
	appended(t, c, nil)
	made, by, err := certify.ReadAttacks(dir)
	if err != nil || !by.Same(seeded(1)) || len(made) != 3 || made[2].Radius != 2 ||
		!math.IsInf(made[1].Radius, 1) {
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
	_, err = openLog(dir, seeded(1), 4, [3]int{1, 1, 1})
	if err == nil || !strings.Contains(err.Error(), "3 images, where attack.tsv has 4") {
		t.Error(err)
	}
}

// Attacks with other settings are refused until they are removed, and a table without a line is no
// attacks.
func TestLogOfOthers(t *testing.T) {
	dir := t.TempDir()
	images := filepath.Join(dir, certify.AttackImagesFile)
	appended(t, opened(t, dir), found(4, 0.5))
	_, err := openLog(dir, seeded(2), 3, [3]int{1, 1, 1})
	if other, ok := errors.AsType[*OtherSettingsError](err); !ok ||
		other.Path != filepath.Join(dir, certify.AttackFile) {
		t.Error(err)
	}
	renamed := seeded(1)
	renamed.Caption, renamed.Lipsmooth = "another name", "another version"
	for _, s := range []certify.AttackSettings{seeded(1), renamed, seeded(2)} { // others at last
		if err := removeOthers(dir, s); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(images); (err == nil) != s.Same(seeded(1)) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if _, _, err := certify.ReadAttacks(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	opened(t, dir)
	a, err := openLog(dir, seeded(2), 3, [3]int{1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	a.close()
	if _, by, err := certify.ReadAttacks(dir); err != nil || !by.Same(seeded(2)) {
		t.Error(by, err)
	}
	// An older version wrote its settings into the table.
	old := "# settings\nindex\tlabel\tclassifier\ttau\tradius\n1\t1\tvotes\t0\t0.5\n"
	if err := os.WriteFile(filepath.Join(dir, certify.AttackFile), []byte(old), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "attack.json")); err != nil {
		t.Fatal(err)
	}
	_, err = openLog(dir, seeded(2), 3, [3]int{1, 1, 1})
	if _, ok := errors.AsType[*OtherSettingsError](err); !ok {
		t.Error(err)
	}
	if made, by, err := certify.ReadAttacks(dir); err != nil || by != nil || len(made) != 1 {
		t.Error(made, by, err)
	}
}
