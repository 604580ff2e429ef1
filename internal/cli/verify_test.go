package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training"
)

func TestVerify(t *testing.T) {
	job := smoke(t)
	noDevice(t)
	dir := copied(t, job)
	out := must(t, "verify", dir, "--data", tiny())
	for _, want := range []string{"checked: " + filepath.Join(dir, countlog.RunFile), "20 rows",
		filepath.Join(dir, countlog.SealFile) + ": the settings and 20 rows", training.BoundsFile,
		countlog.TuningFolder, "Λ = ", "hash of the dataset",
		filepath.Join(dir, "sigma", "0.25", countlog.RunFile), "10 predictions without noise",
		"certificates.tsv: ", "table.tsv: ",
		"attack.tsv: ", "gap.tsv: ", "attack.npy: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "note: "); n != 1 || !strings.Contains(out, dir+" isn't signed") {
		t.Errorf("%d notes:\n%s", n, out)
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

	unseal(t, dir)
	if out = must(t, "verify", dir); !strings.Contains(out, "note: "+filepath.Join(dir,
		countlog.SealFile)+": there is none: an older version wrote this run") {
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
	"sigma": {replaced(countlog.RunFile, `"sigma": 0.`, `"sigma": 1.`), nil,
		"run.json: changed since seal.json was written: sigma is 0.5 there, 1.5 here"},
	"sigma, unsealed": {unsealed(replaced(countlog.RunFile, `"sigma": 0.`, `"sigma": 1.`)), nil,
		"σ"},
	"seed": {replaced(countlog.RunFile, `"seed": 1`, `"seed": 2`), nil, "seed is 1 there, 2 here"},
	"margin_error": {func(t *testing.T, dir string) {
		edit(t, func(s string) string { return marginErrorLine.ReplaceAllString(s, "") }, dir,
			countlog.RunFile)
	}, nil, "margin_error is "},
	"name": {replaced(countlog.RunFile, `"name": "tiny"`, `"name": "cifar10"`), nil,
		"dataset.name is tiny there, cifar10 here"},
	"name over a hash": {unsealed(certifiedAgain(replaced(countlog.RunFile, `"name": "tiny"`,
		`"name": "cifar10"`))), []string{"--data", "MNIST"}, "run.json: dataset.name: cifar10, but its " +
		"hash is that of mnist"},
	"finished": {func(t *testing.T, dir string) {
		replaced(countlog.RunFile, `"count": 20`, `"count": 10`)(t, dir)
		onRows(func(rows []string) []string { return rows[:10] })(t, dir)
	}, nil, "examples.count is 20 there, 10 here"},
	"rows deleted": {onRows(func(rows []string) []string { return rows[:19] }), nil,
		countlog.CountsFile + ": 19 rows, but seal.json has 20: rows were deleted"},
	"row deleted": {onRows(func(rows []string) []string { return slices.Delete(rows, 3, 4) }), nil,
		countlog.CountsFile + ":5: "},
	"rows swapped": {onRows(func(rows []string) []string {
		rows[3], rows[4] = rows[4], rows[3]
		return rows
	}), nil, countlog.CountsFile + ":5: "},
	"row twice": {onRows(func(rows []string) []string { return append(rows, rows[3]) }), nil,
		countlog.CountsFile + ":22: "},
	"row of another plan": {onRows(func(rows []string) []string {
		_, rest, _ := strings.Cut(rows[19], "\t")
		return append(rows, "1\t"+rest)
	}), nil, countlog.CountsFile + ":22: index: 1"},
	"white space": {replaced(countlog.CountsFile, "\n0\t", "\n 0\t"), nil, countlog.CountsFile +
		":2: "},
	"number written otherwise": {replaced(countlog.RunFile, `"sigma": 0.5`, `"sigma": 0.50`), nil,
		"a number is written in another way"},
	"seal gone": {func(t *testing.T, dir string) {
		if err := os.Remove(filepath.Join(dir, countlog.SealFile)); err != nil {
			t.Fatal(err)
		}
	}, nil, "seal.json: gone"},
	"seal of fewer rows": {replaced(countlog.SealFile, `"rows": 20`, `"rows": 10`), nil,
		"seal.json: chain: "},
	"tuning row": {func(t *testing.T, dir string) {
		onRows(changedLabel)(t, filepath.Join(dir, countlog.TuningFolder))
	}, nil, filepath.Join(countlog.TuningFolder, countlog.CountsFile) + ":2: example "},
	"tuning seed": {func(t *testing.T, dir string) {
		replaced(countlog.RunFile, `"seed": 1`, `"seed": 2`)(t, filepath.Join(dir,
			countlog.TuningFolder))
	}, nil, filepath.Join(countlog.TuningFolder, countlog.RunFile) + ": changed"},
	"tuning of another noise": {func(t *testing.T, dir string) {
		from := filepath.Join(dir, figures.SigmaFolder, "0.25", countlog.TuningFolder)
		edit(t, func(string) string { return read(t, from, countlog.CountsFile) }, dir,
			countlog.TuningFolder, countlog.CountsFile)
	}, nil, filepath.Join(countlog.TuningFolder, countlog.CountsFile) + ":2: index: 20 is not among"},
	"bounds": {func(t *testing.T, dir string) {
		path := filepath.Join(dir, certify.ModelFolder, training.BoundsFile)
		bounds := tsv(t, path)
		bounds.Rows[0][2] = "0.0001"
		_, caption, err := table.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := bounds.WriteFile(path, caption); err != nil {
			t.Fatal(err)
		}
	}, nil, training.BoundsFile + ":2: bound: 0.0001, but the weights prove "},
	"signed by nobody": {func(*testing.T, string) {}, []string{"--signed-by", "nobody.pub"},
		"seal.json.sig: there is none"},
	"row": {replaced(countlog.CountsFile, "\n0\t", "\n0\t1"), nil, countlog.CountsFile +
		":2: "},
	"label": {onRows(changedLabel), nil, countlog.CountsFile + ":2: example 0: isn't the row that " +
		"seal.json has here"},
	"label, unsealed": {unsealed(onRows(changedLabel)),
		[]string{"--data", "TINY"}, "example 0: label 1, but the dataset has 0"},
	"label in": {unsealed(onRows(changedLabel)), nil,
		"certificates.tsv:2: differs"},
	"radius": {replaced("certificates.tsv", "\t0.001\t", "\t0.002\t"), nil,
		"certificates.tsv:2: differs"},
	"alpha": {replaced("certificates.json", `"alpha": 0.001`, `"alpha": 0.002`), nil,
		"certificates.tsv:2: differs"},
	"cells": {replaced("certificates.tsv", "\tTrue\tmono\t", " True\t\tmono\t"), nil,
		"certificates.tsv:2: differs"},
	"file": {replaced("certificates.tsv", "\n0\t\t", "\n0\tother.png\t"),
		[]string{"--data", "TINY"}, "certificates.tsv:2: file: other.png, but image 0"},
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
	"caption within":        {captioned("certificates.tsv"), nil, "certificates.tsv: caption: "},
	"table's caption":       {captioned("table.tsv"), nil, "table.tsv: caption: "},
	"attack caption within": {captioned(certify.AttackFile), nil, "attack.tsv: caption: "},
	"gap's caption":         {captioned(certify.GapFile), nil, "gap.tsv: caption: "},
	"attack caption": {replaced("attack.json", `"caption": "`, `"caption": "the strongest; `), nil,
		"attack.json: caption: "},
	"attack withdrawn": {withdrawn, nil, "holds a perturbed image"},
	"attack certified": {attackEdit(5, "0.25"), nil, "certified: 0.25, but the log gives "},
	"attack class":     {attackEdit(7, "99"), nil, "class 99: want one other than"},
	"attack pixels":    {spoilImages, []string{"--data", "TINY"}, "attack.npy: row "},
	"attack images": {func(t *testing.T, dir string) {
		edit(t, func(s string) string { return s[1:] }, dir, certify.AttackImagesFile)
	}, []string{"--data", "TINY"}, "attack.npy: not a NumPy file"},
	"clean margin": {unsealed(certifiedAgain(func(t *testing.T, dir string) {
		edit(t, func(s string) string {
			lines := strings.Split(s, "\n")
			cells := strings.Split(lines[1], "\t")
			cells[3] = "0.9"
			lines[1] = strings.Join(cells, "\t")
			return strings.Join(lines, "\n")
		}, dir, countlog.CountsFile)
	})), []string{"--data", "TINY"}, "clean_margin of 0.9, but the model gives"},
	"margin_max": {unsealed(certifiedAgain(func(t *testing.T, dir string) {
		most := mustRun(t, dir).MarginMax
		replaced(countlog.RunFile, fmt.Sprint(most), fmt.Sprint(float32(1.1*most)))(t, dir)
	})), []string{"--data", "TINY"}, "margin_max: "},
	"other model": {func(t *testing.T, dir string) {
		if err := os.RemoveAll(filepath.Join(dir, certify.ModelFolder)); err != nil {
			t.Fatal(err)
		}
	}, []string{"--model", "OTHERMODEL"}, "sampled from model"},
	"other noise level": {replaced("sigma/0.25/"+countlog.RunFile, `"seed": 1`, `"seed": 2`), nil,
		"sigma/0.25/run.json: changed since seal.json"},
	"other data": {func(*testing.T, string) {}, []string{"--data", "OTHERDATA"},
		"sampled on dataset"},
}

func TestVerifyFinds(t *testing.T) {
	job := smoke(t)
	paths := strings.NewReplacer("TINY", tiny(), "OTHERMODEL", otherModel(t), "OTHERDATA",
		otherTiny(t), "MNIST", filepath.Join(t.TempDir(), "mnist"))
	if err := os.CopyFS(paths.Replace("MNIST"), os.DirFS(tiny())); err != nil {
		t.Fatal(err)
	}
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

// unsealed forges a run as an older version wrote them, without a seal.
func unsealed(forge func(t *testing.T, dir string)) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		unseal(t, dir)
		forge(t, dir)
	}
}

// unseal makes a run, and its tuning images, one that an older version wrote.
func unseal(t *testing.T, dir string) {
	t.Helper()
	for _, dir := range []string{dir, filepath.Join(dir, countlog.TuningFolder)} {
		if !exists(dir) {
			continue
		}
		edit(t, func(s string) string { return strings.Replace(s, ",\n  \"sealed\": true", "", 1) }, dir,
			countlog.RunFile)
		if err := os.Remove(filepath.Join(dir, countlog.SealFile)); err != nil {
			t.Fatal(err)
		}
	}
}

// onRows changes the rows of a run's table.
func onRows(change func(rows []string) []string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		edit(t, func(s string) string {
			lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
			return strings.Join(append(lines[:1:1], change(lines[1:])...), "\n") + "\n"
		}, dir, countlog.CountsFile)
	}
}

// changedLabel gives the first row another label.
func changedLabel(rows []string) []string {
	cells := strings.Split(rows[0], "\t")
	cells[1] = map[bool]string{true: "1", false: "0"}[cells[1] == "0"]
	rows[0] = strings.Join(cells, "\t")
	return rows
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

// captioned puts a caption into a table, as older versions wrote them.
func captioned(file string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		edit(t, func(s string) string { return "# hold with probability 0.999\n" + s }, dir, file)
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
	unseal(t, dir)
	replaced(countlog.RunFile, `"seed": 1`, `"seed": 2`)(t, dir)
	r = withDevice(args...)
	refused(t, r, ": example ", "drawn again, they differ")
	edit(t, func(s string) string { return strings.Replace(s, `"backend": "`, `"backend": "not `, 1) },
		dir, countlog.RunFile)
	refused(t, withDevice(args...), "--redraw 3", "GOMLX_BACKEND")
}
