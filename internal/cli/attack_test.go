package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// attackArgs attack a few images of a smoke job, in two batches.
func attackArgs(dir string) []string {
	return []string{"attack", dir, "--data", tiny(), "--tau", "0.4", "--images", "12", "--steps", "3",
		"--samples", "4", "--trial", "50", "--draws", "250"}
}

// unattacked is a copy of the smoke job without its attacks.
func unattacked(t *testing.T) string {
	t.Helper()
	dir := copied(t, smoke(t))
	for _, file := range []string{certify.AttackFile, certify.AttackImagesFile, certify.GapFile} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// attackedJob is a copy of the smoke job, attacked, and what was printed.
func attackedJob(t *testing.T) (dir, out string) {
	t.Helper()
	attackOnce.Do(func() {
		attackDir = filepath.Join(fixtures, "attacked")
		if err := os.CopyFS(attackDir, os.DirFS(unattacked(t))); err != nil {
			t.Fatal(err)
		}
		attackResult = withDevice(attackArgs(attackDir)...)
	})
	if attackResult.status != 0 {
		t.Fatalf("status %d\n%s%s", attackResult.status, attackResult.out, attackResult.err)
	}
	return copied(t, attackDir), attackResult.out
}

var (
	attackOnce   sync.Once
	attackDir    string
	attackResult result
)

// Every attack lies beyond what is certified, at the distance that its line says, and the gap is
// printed and written.
func TestAttack(t *testing.T) {
	dir, out := attackedJob(t)
	tab := tsv(t, filepath.Join(dir, certify.AttackFile))
	if len(tab.Rows) != 3*12 {
		t.Fatalf("columns %q, %d rows", tab.Columns, len(tab.Rows))
	}
	succeeded := 0
	for _, row := range tab.Rows {
		radius, err := strconv.ParseFloat(row[4], 64)
		if row[4] == "" {
			continue
		}
		certified, err2 := strconv.ParseFloat(row[5], 64)
		if err != nil || err2 != nil || certified > radius {
			t.Errorf("certified %v, attacked at %v: %q", certified, radius, row)
		}
		succeeded++
	}
	if succeeded < 24 {
		t.Errorf("%d attacks of 36 succeeded", succeeded)
	}
	gap := tsv(t, filepath.Join(dir, certify.GapFile))
	for i, c := range certify.Attacked {
		methods := slices.DeleteFunc(slices.Clone(c.Methods), func(name string) bool {
			return name == "distance" // of prototypes
		})
		for j, curve := range []string{methods[0], "attack", "gap"} {
			row := gap.Rows[3*i+j]
			if row[0] != c.Name || row[1] != curve {
				t.Errorf("row %q, want %s %s", row, c.Name, curve)
			}
			for _, cell := range row[2 : len(row)-2] {
				if strings.HasPrefix(cell, "-") {
					t.Errorf("certified over empirical accuracy: %q", row)
				}
			}
		}
	}
	for _, want := range []string{"no attack succeeded inside a certificate", "α = 0.001",
		"3 steps, 4 samples, 1 restarts", "area"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// What is complete needs no device, whatever the radii, and draws the figure.
func TestAttackComplete(t *testing.T) {
	dir, out := attackedJob(t)
	noDevice(t)
	if again := must(t, attackArgs(dir)...); again != out {
		t.Errorf("another report:\n%s\nwant\n%s", again, out)
	}
	must(t, append(attackArgs(dir), "--radii", "0.1,0.2")...)
	columns := tsv(t, filepath.Join(dir, certify.GapFile)).Columns
	if !slices.Equal(columns, []string{"classifier", "curve", "r=0.1", "r=0.2", "area", "ratio"}) {
		t.Error(columns)
	}
	must(t, "figures", dir, "gap")
	if !there(dir, "figures", "gap.png")() {
		t.Error("no figure")
	}
	for _, flag := range [][]string{{"--seed", "2"}, {"--steps", "5"}, {"--images", "10"}, {"--box"},
		{"--classifier", "clean"}, {"--alpha", "0.01"}, {"--restarts", "2"}} {
		refused(t, lipsmooth(append(attackArgs(dir), flag...)...), certify.AttackFile,
			"other settings: --anew")
	}
	edit(t, func(s string) string { return strings.Replace(s, "\n0\t", "\n1\t", 1) }, dir,
		certify.AttackFile)
	refused(t, lipsmooth("figures", dir, "gap"), "image 1 of class 0")
}

// Killed on the way, and cut off in a line, an attack goes on to the same table.
func TestAttackResumed(t *testing.T) {
	dir, _ := attackedJob(t)
	want, images := read(t, dir, certify.AttackFile), read(t, dir, certify.AttackImagesFile)
	os.Remove(filepath.Join(dir, certify.AttackFile))
	rows := func() int {
		text, _ := os.ReadFile(filepath.Join(dir, certify.AttackFile))
		return bytes.Count(text, []byte("\n")) - 2
	}
	state, stderr := stopWhen(t, func() bool { return rows() > 0 }, syscall.SIGKILL,
		attackArgs(dir)...)
	if state.Success() {
		t.Log("done before it was killed", stderr)
	}
	t.Logf("killed with %d rows", rows())
	edit(t, func(s string) string { return s[:len(s)-20] }, dir, certify.AttackFile)
	if r := withDevice(attackArgs(dir)...); r.status != 0 {
		t.Fatal(r.err)
	}
	if got := read(t, dir, certify.AttackFile); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if read(t, dir, certify.AttackImagesFile) != images {
		t.Error("other images")
	}

	// Lines whose images are gone, or are of another number of lines, are refused.
	noDevice(t)
	edit(t, func(s string) string { return strings.Replace(s, "(36, ", "(35, ", 1)[:len(s)-4*144] },
		dir, certify.AttackImagesFile)
	refused(t, lipsmooth(attackArgs(dir)...),
		certify.AttackImagesFile+": 35 images, where attack.tsv has 36", "attack anew")
	os.Remove(filepath.Join(dir, certify.AttackImagesFile))
	refused(t, lipsmooth(attackArgs(dir)...), certify.AttackImagesFile,
		"move "+filepath.Join(dir, certify.AttackFile)+" away")
}

// A job's attacks are made on the backend it was begun on.
func TestAttackElsewhere(t *testing.T) {
	dir := unattacked(t)
	unseal(t, dir)
	edit(t, func(s string) string { return strings.Replace(s, `"backend": "`, `"backend": "not `, 1) },
		dir, countlog.RunFile)
	refused(t, withDevice(reproduceArgs(dir)...), "attacking: begun on backend not ", "GOMLX_BACKEND")
}

// --anew replaces attacks with other settings, and no others; reproduce keeps them.
func TestAttackAnew(t *testing.T) {
	dir, _ := attackedJob(t)
	before := read(t, dir, certify.AttackFile)
	noDevice(t)
	must(t, append(attackArgs(dir), "--anew")...)
	r := lipsmooth(reproduceArgs(dir)...)
	if r.status != 0 || !strings.Contains(r.err,
		certify.AttackFile+" is of other settings, and kept") ||
		strings.Contains(r.out, "inside a certificate") {
		t.Errorf("%+v", r)
	}
	if read(t, dir, certify.AttackFile) != before {
		t.Error("attacks are gone")
	}
	if r := withDevice(append(attackArgs(dir), "--anew", "--images", "1", "--classifier",
		"clean")...); r.status != 0 {
		t.Fatal(r.err)
	}
	if tab := tsv(t, filepath.Join(dir, certify.AttackFile)); len(tab.Rows) != 1 {
		t.Errorf("%q", tab.Rows)
	}
	must(t, "verify", dir, "--data", tiny())
}

// An attack inside a certificate ends the command with status 1, whoever is wrong.
func TestAttackInsideCertificate(t *testing.T) {
	dir, _ := attackedJob(t)
	noDevice(t)
	at := -1
	edit(t, func(s string) string {
		lines := strings.Split(s, "\n")
		for i, line := range lines[1 : len(lines)-1] {
			cells := strings.Split(line, "\t")
			if certified, _ := strconv.ParseFloat(cells[5], 64); cells[2] == "clean" && certified > 0.01 {
				cells[4] = "0.001"
				lines[i+1] = strings.Join(cells, "\t")
				at, _ = strconv.Atoi(cells[0])
				break
			}
		}
		return strings.Join(lines, "\n")
	}, dir, certify.AttackFile)
	if at < 0 {
		t.Fatal("no image is certified")
	}
	r := lipsmooth(attackArgs(dir)...)
	refused(t, r, "1 attacks succeeded inside a certificate",
		"image "+strconv.Itoa(at)+": margin certifies")
	if !strings.Contains(r.out, "WRONG CERTIFICATE: image "+strconv.Itoa(at)) {
		t.Error(r.out)
	}
}

func TestBadAttack(t *testing.T) {
	dir := unattacked(t)
	noDevice(t)
	for _, c := range []struct{ args, want string }{
		{"", "run's folder"},
		{"nowhere", "nowhere"},
		{"nowhere --radii -1", "--radii: -1"},
		{"nowhere --images -1", "--images -1"},
		{"nowhere --steps 0", "--steps 0"},
		{"nowhere --samples 0", "--gradient-draws 0"},
		{"nowhere --restarts 0", "--restarts 0"},
		{"nowhere --trial 0", "--ray-draws 0"},
		{"nowhere --draws 0", "--judge-draws 0"},
		{"nowhere --alpha 2", "--alpha 2"},
		{"nowhere --tau -1", "--tau -1"},
		{"nowhere --classifier votes,hard", `no classifier "hard"; known: votes, soft, clean, all`},
		{dir + " --tau 0 --classifier soft", "classifier soft: the run has no temperature"},
		{dir + " --data nowhere", "nowhere"},
		{dir, "--data"}, // the name that the data had in training is no path here
		{dir + " --model " + otherModel(t) + " --data " + tiny(), "sampled from model"},
		{dir + " --data " + otherTiny(t), "sampled on dataset"},
		{dir + " --data " + tiny(), "nonsense"}, // no device
	} {
		refused(t, lipsmooth(append([]string{"attack"}, strings.Fields(c.args)...)...), c.want)
	}
	if err := os.RemoveAll(filepath.Join(dir, certify.ModelFolder)); err != nil {
		t.Fatal(err)
	}
	edit(t, func(s string) string {
		return strings.Replace(s, `"backend"`,
			`"noise": {"kind": "discrete", "steps": 255, "rounding": 0.1}, "backend"`, 1)
	}, dir, countlog.RunFile)
	refused(t, lipsmooth("attack", dir, "--tau", "0"), "discrete noise")
	edit(t, func(s string) string {
		return strings.Replace(s, `"noise": {"kind": "discrete", "steps": 255, "rounding": 0.1}, `, "", 1)
	}, dir, countlog.RunFile)
	refused(t, lipsmooth("attack", dir, "--data", tiny()), certify.ModelFolder, "--model")
}
