package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

func TestVerify(t *testing.T) {
	job := smoke(t)
	noDevice(t)
	dir := copied(t, job)
	out := must(t, "verify", dir, "--data", tiny())
	for _, want := range []string{"checked: " + filepath.Join(dir, countlog.RunFile), "20 rows",
		countlog.TuningFolder, "Λ = ", "hash of the dataset", "certificates.tsv: ", "table.tsv: ",
		"attack.tsv: ", "gap.tsv: ", "attack.npy: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "note: ") {
		t.Error(out)
	}
	// Whatever certify was asked for, its tables are computed again.
	for _, args := range [][]string{
		{"--alpha", "0.05", "--radii", "0,0.1"}, {"--bound", "hoeffding", "--method", "mono,twobound"},
		{"--method", "lipschitz", "--bound", "bernstein"},
		{"--tau", "0"}, {"--tau", "0.25"},
	} {
		must(t, append([]string{"certify", dir}, args...)...)
		must(t, "verify", dir)
	}
	// A temperature is kept to its last digit, and one given by hand is noted.
	must(t, "certify", dir, "--tau", "0.25123456789", "--method", "lipschitz")
	if out = must(t, "verify", dir); !strings.Contains(out,
		"note: "+filepath.Join(dir, "certificates.tsv")+": τ = 0.25123456789 was given") ||
		!strings.Contains(out, "results") {
		t.Error(out)
	}

	os.Remove(filepath.Join(dir, "table.tsv"))
	if err := os.RemoveAll(filepath.Join(dir, certify.ModelFolder)); err != nil {
		t.Fatal(err)
	}
	out = must(t, "verify", dir)
	for _, want := range []string{"note: no model in ", "note: no dataset given", "note: " +
		filepath.Join(dir, "table.tsv") + ": not there"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	must(t, "verify", dir, "--model", filepath.Join(job, certify.ModelFolder))
	refused(t, lipsmooth("verify", dir, "--redraw", "1", "--data", tiny()), "--redraw 1", "--model")
	refused(t, lipsmooth("verify", dir, "--redraw", "-1"), "--redraw -1")
}

// replaced puts one text in the place of another in a file of a run's folder.
func replaced(file, old, new string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		if !strings.Contains(read(t, dir, file), old) {
			t.Fatalf("%s has no %q", file, old)
		}
		edit(t, func(s string) string { return strings.Replace(s, old, new, 1) }, dir, file)
	}
}

// forgeries are damages to a run's folder that verify finds, with its arguments and words of its
// error. TINY, OTHERMODEL and OTHERDATA stand for paths.
var forgeries = map[string]struct {
	damage func(t *testing.T, dir string)
	args   []string
	want   string
}{
	"format": {replaced(countlog.RunFile, `"format": 1`, `"format": 2`), nil,
		countlog.RunFile},
	"sigma": {replaced(countlog.RunFile, `"sigma": 0.`, `"sigma": 1.`), nil, "σ"},
	"row": {replaced(countlog.CountsFile, "\n0\t", "\n0\t1"), nil, countlog.CountsFile +
		":2: "},
	"label": {replaced(countlog.CountsFile, "\n0\t0\t", "\n0\t1\t"),
		[]string{"--data", "TINY"}, "example 0: label 1, but the dataset has 0"},
	"label in": {replaced(countlog.CountsFile, "\n0\t0\t", "\n0\t1\t"), nil,
		"certificates.tsv:2: differs"},
	"radius": {replaced("certificates.tsv", "\t0.001\t", "\t0.002\t"), nil,
		"certificates.tsv:2: differs"},
	"alpha": {replaced("certificates.json", `"alpha": 0.001`, `"alpha": 0.002`), nil,
		"certificates.tsv:2: differs"},
	"method": {replaced("certificates.tsv", "\tmono\t", "\tmoon\t"), nil,
		"certificates.tsv:2: differs"},
	"accuracy": {replaced("table.tsv", "\nmono\t", "\nmono\t0"), nil,
		"table.tsv:2: differs from what the log gives: mono "},
	"setting": {replaced("certificates.json", `"bound": ""`, `"bound": "best"`), nil,
		"certificates.json: sets: "},
	"temperature": {replaced("certificates.json", `"tau": `, `"tau": 9`), nil,
		"certificates.tsv:"},
	"evidence": {replaced("certificates.json", `"run_hash": "sha256:`,
		`"run_hash": "sha256:0`), nil, "certificates.json: run_hash: "},
	"cut":           {replaced("certificates.tsv", "\n", ""), nil, "certificates.tsv:"},
	"attack inside": {attackEdit(4, "1e-9"), nil, "beyond what α = 0.001 lets fail"},
	"attack alpha": {replaced("attack.json", `"alpha": 0.001`, `"alpha": 2`), nil,
		"attack.json: alpha 2"},
	"attack image": {replaced(certify.AttackFile, "\n0\t0\t", "\n0\t1\t"), nil,
		"image 0 of class 1"},
	"attack gap":      {replaced(certify.GapFile, "\nclean\t", "\nclear\t"), nil, "gap.tsv:"},
	"attack distance": {attackEdit(4, "9"), []string{"--data", "TINY"}, "gap.tsv:"},
	"attack lower":    {attackEdit(10, "0.4"), nil, "want 0.5 <= lower <= score"},
	"caption": {replaced("certificates.json", `"caption": "`,
		`"caption": "hold together with probability 0.999; `), nil, "certificates.json: caption: "},
	"attack caption": {replaced("attack.json", `"caption": "`, `"caption": "the strongest; `), nil,
		"attack.json: caption: "},
	"attack withdrawn": {withdrawn, []string{"--data", "TINY"}, "holds a perturbed image"},
	"attack certified": {attackEdit(5, "0.25"), nil, "certified: 0.25, but the log gives "},
	"attack class":     {attackEdit(7, "99"), nil, "class 99: want one other than"},
	"attack pixels":    {spoilImages, []string{"--data", "TINY"}, "attack.npy: row "},
	"attack images": {func(t *testing.T, dir string) {
		edit(t, func(s string) string { return s[1:] }, dir, certify.AttackImagesFile)
	}, []string{"--data", "TINY"}, "attack.npy: not a NumPy file"},
	"clean margin": {certifiedAgain(func(t *testing.T, dir string) {
		edit(t, func(s string) string {
			lines := strings.Split(s, "\n")
			cells := strings.Split(lines[1], "\t")
			cells[3] = "0.9"
			lines[1] = strings.Join(cells, "\t")
			return strings.Join(lines, "\n")
		}, dir, countlog.CountsFile)
	}), []string{"--data", "TINY"}, "clean_margin of 0.9, but the model gives"},
	"margin_max": {certifiedAgain(func(t *testing.T, dir string) {
		most := mustRun(t, dir).MarginMax
		replaced(countlog.RunFile, fmt.Sprint(most), fmt.Sprint(float32(1.1*most)))(t, dir)
	}), []string{"--data", "TINY"}, "margin_max: "},
	"other model": {func(t *testing.T, dir string) {
		if err := os.RemoveAll(filepath.Join(dir, certify.ModelFolder)); err != nil {
			t.Fatal(err)
		}
	}, []string{"--model", "OTHERMODEL"}, "sampled from model"},
	"other data": {func(*testing.T, string) {}, []string{"--data", "OTHERDATA"},
		"sampled on dataset"},
}

func TestVerifyFinds(t *testing.T) {
	job := smoke(t)
	paths := strings.NewReplacer("TINY", tiny(), "OTHERMODEL", otherModel(t), "OTHERDATA",
		otherTiny(t))
	noDevice(t)
	for name, c := range forgeries {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, job)
			c.damage(t, dir)
			args := []string{"verify", dir}
			for _, arg := range c.args {
				args = append(args, paths.Replace(arg))
			}
			refused(t, lipsmooth(args...), c.want)
		})
	}
}

// certifiedAgain forges evidence and makes the tables anew, so that they agree with it.
func certifiedAgain(forge func(t *testing.T, dir string)) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		forge(t, dir)
		for _, folder := range []string{"results", "tuning", certify.AttackFile, certify.GapFile} {
			os.RemoveAll(filepath.Join(dir, folder))
		}
		must(t, "certify", dir)
	}
}

// withdrawn says of a successful attack that none succeeded, and makes the gap anew.
func withdrawn(t *testing.T, dir string) {
	attackEdit(7, "-1")(t, dir)
	attackEdit(4, "")(t, dir)
	run, err := certify.Load(dir, certify.Default())
	if err != nil {
		t.Fatal(err)
	}
	made, settings, err := certify.ReadAttacks(dir)
	if err != nil {
		t.Fatal(err)
	}
	gaps, err := run.Gaps(made, settings.Certify())
	if err != nil {
		t.Fatal(err)
	}
	var gap certify.AttackSettings
	path := filepath.Join(dir, certify.GapFile)
	if err := table.ReadAbout(path, &gap); err != nil {
		t.Fatal(err)
	}
	if err := certify.GapTable(gaps, gap.Radii).WriteFile(path, gap); err != nil {
		t.Fatal(err)
	}
}

// attackEdit puts a cell in a column of the first line of an attack that moved its image.
func attackEdit(column int, cell string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		edited := false
		edit(t, func(s string) string {
			lines := strings.Split(s, "\n")
			for i, line := range lines[1 : len(lines)-1] {
				if cells := strings.Split(line, "\t"); !edited && cells[4] != "" && cells[4] != "0" {
					cells[column], edited = cell, true
					lines[i+1] = strings.Join(cells, "\t")
				}
			}
			return strings.Join(lines, "\n")
		}, dir, certify.AttackFile)
		if !edited {
			t.Fatal("no attack moved its image")
		}
	}
}

// spoilImages changes each value of the perturbed images that isn't 0.
func spoilImages(t *testing.T, dir string) {
	edit(t, func(s string) string {
		at := strings.IndexByte(s, '\n') + 1
		b := []byte(s)
		for i := at + 2; i < len(b); i += 4 {
			if b[i] != 0 {
				b[i] ^= 1
			}
		}
		return string(b)
	}, dir, certify.AttackImagesFile)
}

// otherTiny is a dataset of other images.
func otherTiny(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny")
	if err := writeTiny(dir, 13); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestVerifyDrawsAgain(t *testing.T) {
	dir := copied(t, smoke(t))
	args := []string{"verify", dir, "--data", tiny(), "--redraw", "3"}
	r := withDevice(args...)
	if r.status != 0 || !strings.Contains(r.out, "3 of 20 examples drawn again") ||
		!strings.Contains(r.out, "with 10 false rows 0.89") {
		t.Fatalf("%s%s", r.out, r.err)
	}
	if again := withDevice(append(args, "--redraw-seed", "7")...); again.status != 0 ||
		!strings.Contains(again.out, "(--redraw-seed 7)") {
		t.Errorf("%s%s", again.out, again.err)
	}
	noDevice(t)
	refused(t, lipsmooth(args...), "nonsense")
	// Another seed draws other votes, and gives other certificates.
	for _, name := range []string{"table.tsv", "certificates.tsv", "attack.tsv", "attack.npy",
		"gap.tsv"} {
		os.Remove(filepath.Join(dir, name))
	}
	edit(t, func(s string) string {
		return strings.Replace(s, `"seed": 1`, `"seed": 2`, 1)
	}, dir, countlog.RunFile)
	r = withDevice(args...)
	refused(t, r, ": example ", "drawn again, they differ")
	edit(t, func(s string) string { return strings.Replace(s, `"backend": "`, `"backend": "not `, 1) },
		dir, countlog.RunFile)
	refused(t, withDevice(args...), "--redraw 3", "GOMLX_BACKEND")
}
