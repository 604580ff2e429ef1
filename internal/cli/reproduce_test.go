package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	page "github.com/lipsmooth/lipsmooth/internal/report"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/attack"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// counts are the evidence files under a folder, by path.
func counts(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, run := range []string{".", "tuning", "sigma/0.25", "sigma/0.25/tuning"} {
		files[run] = read(t, dir, run, countlog.CountsFile)
	}
	return files
}

// table reads a TSV table.
func tsv(t *testing.T, path string) *table.Table {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tab, err := table.Read(f, path)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestReproduce(t *testing.T) {
	dir := smoke(t)
	tab := tsv(t, filepath.Join(dir, "table.tsv"))
	if want := []string{"method", "alpha", "r=0", "r=0.25", "r=0.5", "r=0.75", "r=1", "r=1.25",
		"r=1.5", "r=2", "average radius"}; !slices.Equal(tab.Columns, want) {
		t.Errorf("columns %q, want %q", tab.Columns, want)
	}
	var names []string
	for _, row := range tab.Rows {
		names = append(names, row[0])
		if row[0] == "mono" && row[2] < "0.5" {
			t.Errorf("accuracy %s: nothing is learned", row[1])
		}
	}
	if want := rs.DefaultMethods; len(names) != len(want) || slices.ContainsFunc(want,
		func(name string) bool { return !slices.Contains(names, name) }) {
		t.Errorf("methods %q, want %q", names, want)
	}
	for _, word := range append(names, "average radius", filepath.Join(dir, "figures", "radius.png"),
		"certificates.tsv", "σ = 0.5", "seed 1", "no attack succeeded inside a certificate") {
		if !strings.Contains(smokeResult.out, word) {
			t.Errorf("%q isn't printed:\n%s", word, smokeResult.out)
		}
	}
	// The output ends, and the page begins, with the same sentences.
	lines := strings.Split(strings.TrimSpace(smokeResult.out), "\n")
	for i, want := range []string{"certifies an average l2 radius of ", "by votes alone",
		"Attacks on 4 of these images found "} {
		line := lines[len(lines)-3+i]
		if !strings.Contains(line, want) || !strings.Contains(read(t, dir, page.File), line) {
			t.Errorf("no conclusion %q: %s", want, line)
		}
	}
	for _, name := range []string{"radius", "acr-sigma", "exact", "local", "margins", "training",
		"bounds", "gap"} {
		for _, ext := range []string{".svg", ".png", ".pdf", ".tsv"} {
			if info, err := os.Stat(filepath.Join(dir, "figures", name+ext)); err != nil ||
				info.Size() < 50 {
				t.Errorf("figure %s%s: %v", name, ext, err)
			}
		}
	}
}

func TestCertificatesSpendAlpha(t *testing.T) {
	tab := tsv(t, filepath.Join(smoke(t), "certificates.tsv"))
	if want := 20 * len(rs.DefaultMethods); len(tab.Rows) != want {
		t.Errorf("%d certificates, want %d", len(tab.Rows), want)
	}
	for _, row := range tab.Rows {
		spent, err := strconv.ParseFloat(row[9], 64)
		if err != nil || spent > 0.001*(1+1e-12) || (spent == 0) != (row[4] == "margin") {
			t.Errorf("α spent: %v (%v)", row, err)
		}
		sum := 0.0 // of the ledger as written
		for entry := range strings.SplitSeq(row[10], "; ") {
			if i := strings.LastIndex(entry, " at "); i >= 0 {
				times, alpha, _ := strings.Cut(entry[i+len(" at "):], "×")
				k, _ := strconv.Atoi(times)
				a, _ := strconv.ParseFloat(alpha, 64)
				sum += float64(k) * a
			}
		}
		if d := sum - spent; d > 1e-8 || d < -1e-8 {
			t.Errorf("the bounds spend %g: %v", sum, row)
		}
	}
}

func TestReproduceAgain(t *testing.T) {
	dir := copied(t, smoke(t))
	noDevice(t)
	r := lipsmooth(reproduceArgs(dir)...)
	if r.status != 0 {
		t.Fatalf("a finished job asks for a device: %s", r.err)
	}
	if !maps.Equal(counts(t, dir), counts(t, smoke(t))) {
		t.Error("other counts")
	}
	same := func(file string) {
		if a, b := tsv(t, filepath.Join(dir, file)), tsv(t, filepath.Join(smoke(t),
			file)); !slices.EqualFunc(a.Rows, b.Rows, slices.Equal) {
			t.Errorf("%s: other numbers", file)
		}
	}
	same("table.tsv")
	same("certificates.tsv")
	sameAttacks(t, dir)
	if read(t, dir, page.File) != read(t, smoke(t), page.File) {
		t.Error("another page")
	}
}

// A finished job draws public logs beside its run without a device. Presets name curves that exist.
func TestReproduceBeside(t *testing.T) {
	for _, p := range presets {
		if _, _, err := readOthers(p.beside, 0.001); err != nil {
			t.Errorf("preset %s: %v", p.name, err)
		}
	}
	dir := copied(t, smoke(t))
	noDevice(t)
	out := must(t, append(reproduceArgs(dir), "--beside", publicLogs(t), "--beside",
		"published-mnist")...)
	if figure := filepath.Join("figures", "logs.png"); !strings.Contains(out, figure) {
		t.Errorf("no %s in\n%s", figure, out)
	}
	header := strings.Split(read(t, dir, "figures", "logs.tsv"), "\n")[0]
	for _, want := range []string{"σ = 0.5, mono\t", "noise 0.25\t", "noise 0.50\t",
		"SmoothMix, σ = 1"} {
		if !strings.Contains(header, want) {
			t.Errorf("no %q in %s", want, header)
		}
	}
}

// sameAttacks compares what a job has of attacks and bounds with the smoke job's.
func sameAttacks(t *testing.T, dir string) {
	t.Helper()
	for _, file := range []string{certify.AttackFile, certify.AttackImagesFile, certify.GapFile,
		filepath.Join(certify.ModelFolder, training.BoundsFile)} {
		if read(t, dir, file) != read(t, smoke(t), file) {
			t.Errorf("%s: other bytes than the job that ran through", file)
		}
	}
}

// Bounds that are there are kept, and made where they are of another model, or gone; neither needs
// the device.
func TestReproduceBounds(t *testing.T) {
	dir := copied(t, smoke(t))
	const boundsSettings = "bounds.json" // beside training.BoundsFile
	want := read(t, dir, certify.ModelFolder, boundsSettings)
	if !strings.Contains(want, ", observed in 5 steps") ||
		len(tsv(t, filepath.Join(dir, certify.ModelFolder, training.BoundsFile)).Rows) < 4 {
		t.Error(want)
	}
	noDevice(t)
	kept := strings.Replace(want, "observed in 5 steps", "observed in 7 steps", 1)
	edit(t, func(string) string { return kept }, dir, certify.ModelFolder, boundsSettings)
	must(t, reproduceArgs(dir)...)
	if read(t, dir, certify.ModelFolder, boundsSettings) != kept {
		t.Error("made again")
	}
	edit(t, func(s string) string {
		return strings.Replace(s, mustRun(t, dir).Model.Hash[:12], "0123456789ab", 1)
	}, dir, certify.ModelFolder, boundsSettings)
	must(t, reproduceArgs(dir)...)
	if read(t, dir, certify.ModelFolder, boundsSettings) != want {
		t.Error("those of another model were kept")
	}
}

// An attack inside a certificate is shown by the page, and ends the job with status 1.
func TestReproduceWrong(t *testing.T) {
	dir := copied(t, smoke(t))
	noDevice(t)
	tab := tsv(t, filepath.Join(dir, certify.AttackFile))
	line := slices.IndexFunc(tab.Rows, func(cells []string) bool {
		return cells[2] == "clean" && cells[5] > "0.01"
	})
	if line < 0 {
		t.Fatal("no image is certified")
	}
	d, err := data.Load(tiny(), data.Test)
	if err != nil {
		t.Fatal(err)
	}
	index, err := strconv.Atoi(tab.Rows[line][0])
	if err != nil {
		t.Fatal(err)
	}
	clean := make([]float32, d.Size())
	if err := d.Images(clean, []int{index}); err != nil {
		t.Fatal(err)
	}
	moved := slices.Clone(clean)
	moved[0] += 0.005
	images, err := certify.OpenImages(filepath.Join(dir, certify.AttackImagesFile), [3]int{12, 12, 1},
		os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(images.Put(line, moved), images.Close()); err != nil {
		t.Fatal(err)
	}
	edit(t, func(s string) string {
		lines := strings.Split(s, "\n")
		cells := strings.Split(lines[line+1], "\t")
		cells[4], cells[7] = fmt.Sprint(attack.Norms(moved, clean, d.Size())[0]),
			fmt.Sprint((d.Label(index)+1)%10)
		lines[line+1] = strings.Join(cells, "\t")
		return strings.Join(lines, "\n")
	}, dir, certify.AttackFile)
	refused(t, lipsmooth(reproduceArgs(dir)...), "1 attacks succeeded inside a certificate",
		"margin certifies")
	if !strings.Contains(read(t, dir, page.File),
		"The attack on clean, at 0.005, lies inside a certificate of ") {
		t.Error("not on the page")
	}
	refused(t, lipsmooth("verify", dir), certify.AttackFile, "margin certifies")

	if err := os.Remove(filepath.Join(dir, certify.AttackImagesFile)); err != nil {
		t.Fatal(err)
	}
	refused(t, lipsmooth(reproduceArgs(dir)...), certify.AttackImagesFile, "attack anew")
}

// A job's folder takes no other job.
func TestReproduceElsewhere(t *testing.T) {
	dir := copied(t, smoke(t))
	before := counts(t, dir)
	otherData := filepath.Join(t.TempDir(), "data")
	if err := writeTiny(otherData, 12); err != nil {
		t.Fatal(err)
	}
	edit(t, func(s string) string { return s[:len(s)-1] + "\x01" }, otherData,
		"train-images-idx3-ubyte")
	for _, c := range []struct{ flag, value, want string }{
		{"--preset", "quick", "width"},
		{"--sigma", "0.25", "sigma"},
		{"--seed", "2", "seed"},
		{"--data", otherData, "data"},
	} {
		r := lipsmooth(append(reproduceArgs(dir), c.flag, c.value)...)
		refused(t, r, c.want, dir)
	}
	// The test split alone.
	edit(t, func(s string) string { return s[:len(s)-1] + "\x01" }, otherData,
		"t10k-images-idx3-ubyte")
	edit(t, func(string) string { return read(t, tiny(), "train-images-idx3-ubyte") }, otherData,
		"train-images-idx3-ubyte")
	refused(t, lipsmooth(append(reproduceArgs(dir), "--data", otherData)...), "dataset", dir)
	if !maps.Equal(counts(t, dir), before) {
		t.Error("the counts have changed")
	}
}

// certify and figures need no device and no model.
func TestCertifyAndFiguresAlone(t *testing.T) {
	dir := copied(t, smoke(t))
	curve := read(t, dir, certify.ModelFolder, "training.tsv")
	for _, gone := range []string{certify.ModelFolder, "figures", "table.tsv", "certificates.tsv"} {
		if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
	}
	noDevice(t)
	must(t, "certify", dir)
	if a, b := read(t, dir, "certificates.tsv"), read(t, smoke(t), "certificates.tsv"); a != b {
		t.Error("other certificates")
	}

	out := filepath.Join(t.TempDir(), "a", "b")
	must(t, "certify", dir, "--method", "mono, lipschitz,mono", "--alpha", "0.01", "--tau", "0.2",
		"--radii", "0,0.3", "--out", out)
	tab := tsv(t, filepath.Join(out, "table.tsv"))
	if want := []string{"method", "alpha", "r=0", "r=0.3",
		"average radius"}; !slices.Equal(tab.Columns, want) || len(tab.Rows) != 2 {
		t.Errorf("table of %q with %d rows", tab.Columns, len(tab.Rows))
	}
	for i, row := range tsv(t, filepath.Join(out, "certificates.tsv")).Rows {
		if row[4] != []string{"mono", "lipschitz"}[i%2] || row[5] != "0.01" {
			t.Errorf("certificate %d: %v", i, row)
		}
	}
	if caption := read(t, out, "certificates.json"); !strings.Contains(caption, "τ = 0.2") ||
		!strings.Contains(caption, "α = 0.01") {
		t.Error(caption)
	}

	r := lipsmooth("figures", dir)
	if r.status != 0 || !strings.Contains(r.err, "training") || strings.Contains(r.out, "training") ||
		!strings.Contains(r.out, "margins") {
		t.Errorf("without a curve: %+v", r)
	}
	if err := os.MkdirAll(filepath.Join(dir, certify.ModelFolder), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, certify.ModelFolder, "training.tsv"), []byte(curve),
		0o666); err != nil {
		t.Fatal(err)
	}
	figs := filepath.Join(t.TempDir(), "figs")
	if got := must(t, "figures", dir, "radius", "training", "--out", figs); strings.Count(got,
		"\n") != 2 {
		t.Error(got)
	}
	if files, _ := os.ReadDir(figs); len(files) != 10 {
		t.Errorf("%d files of two figures", len(files))
	}
	if a, b := read(t, figs, "radius.tsv"), read(t, smoke(t), "figures", "radius.tsv"); a != b {
		t.Error("another radius figure")
	}

	// Without tuning images soft votes have no temperature.
	if err := os.RemoveAll(filepath.Join(dir, countlog.TuningFolder)); err != nil {
		t.Fatal(err)
	}
	if got := must(t, "certify", dir); !strings.Contains(got, "--tau") {
		t.Errorf("no note of the missing temperature:\n%s", got)
	}
}

func TestTrainAlone(t *testing.T) {
	dir := otherModel(t)
	if !strings.Contains(otherResult.out, "saved in "+dir) ||
		!strings.Contains(otherResult.out, "Λ = ") {
		t.Error(otherResult.out)
	}
	noDevice(t)
	again := must(t, "train", "--data", tiny(), "--epochs", "1", "--epoch-images", "1280", "--width",
		"8", "--seed", "2", "--out", dir)
	if again != otherResult.out {
		t.Errorf("%s, then\n%s", otherResult.out, again)
	}
}

// sample draws what reproduce draws, and other counts with another seed.
func TestSampleAlone(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	args := []string{"sample", filepath.Join(smoke(t), certify.ModelFolder), "--data", tiny(),
		"--images", "20", "--tuning", "10", "--n0", "50", "--n", "200", "--out"}
	must(t, append(args, out)...)
	for _, run := range []string{".", countlog.TuningFolder} {
		if read(t, out, run, countlog.CountsFile) != read(t, smoke(t), run, countlog.CountsFile) {
			t.Errorf("%s: other counts than reproduce", run)
		}
	}
	other := filepath.Join(t.TempDir(), "run")
	must(t, append(args, other, "--seed", "2", "--tuning", "0")...)
	if read(t, out, countlog.CountsFile) == read(t, other, countlog.CountsFile) {
		t.Error("equal counts with another seed")
	}
	if _, err := os.Stat(filepath.Join(other, countlog.TuningFolder)); err == nil {
		t.Error("tuning images with --tuning 0")
	}
}

// TestPresetActs: a preset is the config, but for the flags that are given.
func TestPresetActs(t *testing.T) {
	out := filepath.Join(t.TempDir(), "m")
	must(t, "train", "--preset", "mnist", "--data", tiny(), "--arch", "dense", "--width", "XS",
		"--epochs", "1", "--epoch-images", "64", "--batch", "32", "--crop", "0", "--out", out)
	text := read(t, out, "training.json")
	for _, want := range []string{`"offset": 1.7`, `"convolution": "bcop"`, `"sigma": 0`,
		`"epochs": 1`, `"width": 8`, `"crop": 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s:\n%s", want, text)
		}
	}
}

// TestUnsoundActs: an unsound shortcut is computed on demand only, and a note says so.
func TestUnsoundActs(t *testing.T) {
	out := t.TempDir()
	text := must(t, "certify", smoke(t), "--method", "twobound,unsound-pair", "--unsound", "--out",
		out)
	if tab := tsv(t, filepath.Join(out, "table.tsv")); len(tab.Rows) != 2 ||
		tab.Rows[1][0] != "unsound-pair" {
		t.Errorf("rows %q", tab.Rows)
	}
	if !strings.Contains(text, "note: unsound-pair is unsound") {
		t.Errorf("no note:\n%s", text)
	}
	out = t.TempDir()
	must(t, "certify", smoke(t), "--unsound", "--out", out)
	if tab := tsv(t, filepath.Join(out, "table.tsv")); len(tab.Rows) != len(rs.DefaultMethods) {
		t.Errorf("all of them: %d rows", len(tab.Rows))
	}
}

// TestBoundActs: another bound gives other radii, and the ledger names it.
func TestBoundActs(t *testing.T) {
	out := t.TempDir()
	args := []string{"certify", smoke(t), "--method", "mono,lipschitz", "--out", out}
	must(t, args...)
	usual := read(t, out, "certificates.tsv")
	for _, bound := range []string{"hoeffding", "bernstein", "betting"} {
		must(t, append(args, "--bound", bound)...)
		if text := read(t, out, "certificates.tsv"); text == usual ||
			!strings.Contains(text, " "+bound+" ") {
			t.Errorf("--bound %s didn't act:\n%s", bound, text)
		}
	}
}
