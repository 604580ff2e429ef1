package cli

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"gonum.org/v1/gonum/mathext"
)

// theirs are rows of two draws in the form of the paper's authors.
func theirs(t *testing.T, dir string) (selection, estimation [][]int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	draw := func(n int, p float64) []int {
		counts := make([]int, 7)
		for range n {
			c := 4
			for c = range counts {
				if r.Float64() < p {
					break
				}
			}
			counts[c]++
		}
		return counts
	}
	texts := [2]string{"idx\tlabel\tcounts\n", "idx\tlabel\tcounts\n"}
	for i := range 20 {
		p := 0.3 + 0.7*float64(i)/19
		s, e := draw(100, p), draw(1000, p)
		selection, estimation = append(selection, s), append(estimation, e)
		for k, counts := range [][]int{s, e} {
			texts[k] += fmt.Sprintf("%d\t%d\t%s\n", 20*i, i%2,
				strings.ReplaceAll(fmt.Sprint(counts), " ", ", "))
		}
	}
	for name, text := range map[string]string{
		"certify_x_0.5_N0_100.tsv": texts[0], "certify_x_0.5_N0_100_N_1000.tsv": texts[1],
		countlog.StatedFile: `{"sigma": 0.5, "N0": 100, "N": 1000, "alpha": 0.001}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return selection, estimation
}

// published are the radii of mono, bonferroni and cpm that ../shared/bench/recertify.py computes,
// line by line.
func published(s, e []int) [3]float64 {
	const sigma, alpha = 0.5, 0.001
	n, k := 0, len(e)
	order := make([]int, k)
	for c := range e {
		n += e[c]
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return s[b] - s[a] })
	z := mathext.NormalQuantile
	lower := func(v int, al float64) float64 {
		if v == 0 {
			return 0
		}
		return mathext.InvRegIncBeta(float64(v), float64(n-v+1), al)
	}
	upper := func(v int, al float64) float64 {
		if v == n {
			return 1
		}
		return mathext.InvRegIncBeta(float64(v+1), float64(n-v), 1-al)
	}
	top := order[0]
	pb := 0.0
	for _, c := range order[1:] {
		pb = max(pb, upper(e[c], alpha/float64(k)))
	}
	out := [3]float64{sigma * z(lower(e[top], alpha)),
		sigma / 2 * (z(lower(e[top], alpha/float64(k))) - z(pb))}
	rest, buckets := order[2:], [][]int{{top}, {order[1]}}
	sum := func(v, classes []int) (n int) {
		for _, c := range classes {
			n += v[c]
		}
		return n
	}
	for sum(s, rest) > s[order[1]] {
		buckets, rest = append(buckets, rest[:1]), rest[1:]
	}
	buckets = append(buckets, rest)
	al := alpha / float64(len(buckets))
	pb = 0
	for _, b := range buckets[1:] {
		pb = max(pb, upper(sum(e, b), al))
	}
	out[2] = sigma / 2 * (z(lower(e[top], al)) - z(pb))
	return out
}

func TestImportCounts(t *testing.T) {
	noDevice(t)
	source, run := t.TempDir(), filepath.Join(t.TempDir(), "run")
	selection, estimation := theirs(t, source)
	out := must(t, "import", source, "--out", run)
	for _, want := range []string{"20 examples of 7 classes, σ = 0.5, n0 = 100, n = 1000",
		"votes only"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	must(t, "certify", run, "--method", "mono,bonferroni,cpm,twobound")
	lines := strings.Split(strings.TrimSpace(read(t, run, "certificates.tsv")), "\n")[1:]
	if len(lines) != 20*4 {
		t.Fatalf("%d certificates", len(lines))
	}
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		at := slices.Index([]string{"mono", "bonferroni", "cpm"}, cells[4])
		if at < 0 {
			continue
		}
		want := max(0, published(selection[i/4], estimation[i/4])[at])
		if got, _ := strconv.ParseFloat(cells[7], 64); math.Abs(got-want) > 1e-8 {
			t.Errorf("%s: radius %g, want %g", line, got, want)
		}
	}
	// The two tables in any order, and in two folders, make the same run.
	for _, args := range [][]string{{"100_N_1000", "100"}, {"100", "100_N_1000"}} {
		other := filepath.Join(t.TempDir(), "run")
		for i := range args {
			args[i] = filepath.Join(source, "certify_x_0.5_N0_"+args[i]+".tsv")
		}
		must(t, "import", args[0], args[1], "--out", other)
		if read(t, run, countlog.CountsFile) != read(t, other, countlog.CountsFile) {
			t.Error("the order of the arguments acts")
		}
	}
}

func TestImportPlain(t *testing.T) {
	noDevice(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := file("one.tsv",
		"index\tlabel\tcounts\n0\t1\t1:990,0:10\n3\t0\t0:1000\n9\t2\t0:500,1:500\n")
	refused(t, lipsmooth("import", one, "--classes", "3", "--sigma", "1", "--out",
		filepath.Join(dir, "a")), one+":1: one draw", "--n0")
	refused(t, lipsmooth("import", one, "--n0", "10", "--sigma", "1", "--out",
		filepath.Join(dir, "a")), one+":3: counts", "--classes")
	refused(t, lipsmooth("import", one, "--classes", "3", "--n0", "10", "--out",
		filepath.Join(dir, "a")), "give --sigma")
	refused(t, lipsmooth("import", one, "--classes", "3", "--n0", "10", "--sigma", "0", "--out",
		filepath.Join(dir, "a")), "--sigma 0")
	refused(t, lipsmooth("import", one, "--classes", "1", "--out", "a"), "--classes 1")
	refused(t, lipsmooth("import", one, "--n0", "-1", "--out", "a"), "--n0 -1")
	refused(t, lipsmooth("import", one), "--out")
	refused(t, lipsmooth("import"), "import takes")
	refused(t, lipsmooth("import", filepath.Join(dir, "none")), "none")
	out := must(t, "import", one, "--classes", "3", "--n0", "10", "--sigma", "1", "--out",
		filepath.Join(dir, "a"))
	if !strings.Contains(out, "4 examples, from 0 in steps of 3") ||
		!strings.Contains(out, "10 of 1000 draws") {
		t.Error(out)
	}
	out = must(t, "certify", filepath.Join(dir, "a"), "--simultaneous")
	if strings.Contains(out, "isn't finished") ||
		!strings.Contains(out, "certificates of 3 images") || !strings.Contains(out, "adaptive") {
		t.Error(out)
	}
	file(countlog.StatedFile, `{"sigma": 0.25, "N0": 2, "N": 4}`)
	two := file("two.tsv",
		"index\tlabel\tselection_0\tselection_1\testimation_0\testimation_1\n5\t1\t0\t2\t1\t3\n")
	refused(t, lipsmooth("import", two, "--sigma", "1", "--out", filepath.Join(dir, "b")),
		"--sigma 1", countlog.StatedFile)
	file(countlog.StatedFile, `{"N0": 2, "N": 5}`)
	refused(t, lipsmooth("import", two, "--sigma", "1", "--out", filepath.Join(dir, "b")),
		two+":2: 4 estimation draws, want 5")
	file(countlog.StatedFile, `{"N0": 2, "N": 1000}`)
	must(t, "import", one, "--classes", "3", "--n0", "10", "--sigma", "1", "--seed", "2", "--out",
		filepath.Join(dir, "c"))
	if read(t, dir, "a", countlog.CountsFile) == read(t, dir, "c", countlog.CountsFile) {
		t.Error("--seed does not act")
	}
	file(countlog.StatedFile, `{"sigma": `)
	refused(t, lipsmooth("import", two, "--sigma", "1", "--out", filepath.Join(dir, "b")),
		countlog.StatedFile)
	os.Remove(filepath.Join(dir, countlog.StatedFile))
	must(t, "import", two, "--sigma", "1", "--out", filepath.Join(dir, "b")+"/")
	must(t, "certify", filepath.Join(dir, "b"))
	t.Chdir(t.TempDir())
	refused(t, lipsmooth("import", two, "--sigma", "1", "--out", "."), "name a folder")
	refused(t, lipsmooth("import", "/dev/null", "--sigma", "1", "--out", "d"),
		"/dev/null:1: no table of votes or certificates: empty")
}

func TestImportRadii(t *testing.T) {
	noDevice(t)
	path := filepath.Join(t.TempDir(), "net_sigma_0.50.tsv")
	// Made here. σΦ⁻¹(0.001^(1/100000)) = 1.9057 for σ = 0.5.
	text := "idx\tlabel\tpredict\tradius\tcorrect\ttime\n" +
		"0\t3\t3\t1.91\t1\t1\n1\t3\t2\t1.8\t0\t1\n2\t5\t5\t0.5\t1\t1\n3\t5\t-1\t0.0\t0\t1\n"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	out := must(t, "import", path, "--out", "nowhere")
	for _, want := range []string{"0.500  0.500   0.250  0.250   0.250  0.250",
		"0.60 ± 1.44       0.5            1.91  9.94e+04 to 1.08e+05", "no votes",
		"nowhere: not written"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out := must(t, "import", path, "--alpha", "0.01"); !strings.Contains(out,
		"6.63e+04 to 7.19e+04") {
		t.Error(out)
	}
	if out := must(t, "import", path, "--sigma", "1"); strings.Contains(out, "9.94e+04") {
		t.Error("--sigma does not act")
	}
	edit(t, func(s string) string { return strings.Replace(s, "1.8\t0", "1.8\t1", 1) }, path)
	refused(t, lipsmooth("import", path), path+":3: correct")
}

// TestImportForms: σ is in names, votes come without labels, and what is left out is said.
func TestImportForms(t *testing.T) {
	noDevice(t)
	dir := t.TempDir()
	file := func(path, text string) string {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	has := func(out string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
	}
	const log = "idx label predict radius\n0 1 1 0.25\nAverage radius: 0.25\n"
	file("logs/noise_0.25/test/sigma_0.25", log)
	second := file("logs/noise_0.50/test/sigma_0.25", log)
	predictions := file("logs/predictions.txt", "idx\tlabel\tpredict\tcorrect\n0\t1\t1\t1\n")
	r := lipsmooth("import", filepath.Join(dir, "logs"))
	has(r.out, second+"         1", "0.25   0.25            0.25",
		`:3: "Average radius: 0.25" is a remark`)
	has(r.err, "note: "+predictions+": no table of votes or certificates")
	refused(t, lipsmooth("import", predictions), predictions+":1: no table", "none is the radius")

	votes := file("v_noise_0.50.csv", "c0,c1\n3,7\n8,2\n")
	has(must(t, "import", votes, "--n0", "2", "--out", filepath.Join(dir, "run")),
		"2 examples of 2 classes, σ = 0.5, n0 = 2, n = 8", "without true classes",
		"σ = 0.5 is read off the name "+votes)
	own := file("own_sigma_1.csv", "c0,c1,sigma\n3,7,0.25\n8,2,0.25\n")
	has(must(t, "import", own, "--n0", "2", "--out", filepath.Join(dir, "own")), "σ = 0.25")
	refused(t, lipsmooth("import", own, "--n0", "2", "--sigma", "0.5", "--out",
		filepath.Join(dir, "other")), own+":2: sigma: 0.25, want 0.5: a run has one noise level")
	labels := file("l.npy", "\x93NUMPY\x01\x00\x3f\x00"+
		"{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }     \n\x01\x00")
	out := must(t, "import", votes, labels, "--n0", "2", "--sigma", "1", "--out",
		filepath.Join(dir, "labelled"))
	if has(out, "σ = 1, n0 = 2"); strings.Contains(out, "without true classes") {
		t.Error(out)
	}
}

// TestImportExamples: the help's examples parse.
func TestImportExamples(t *testing.T) {
	for line := range strings.Lines(importCommand().Example) {
		args := strings.Fields(line)[2:]
		c := importCommand()
		if err := c.ParseFlags(args); err != nil || c.Args(c, c.Flags().Args()) != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestImportCohen: the tables of Cohen et al. 2019 give the published certified accuracies.
// LIPSMOOTH_COHEN2019 names the folder of the tables.
func TestImportCohen(t *testing.T) {
	dir := os.Getenv("LIPSMOOTH_COHEN2019")
	if dir == "" {
		t.Skip("set LIPSMOOTH_COHEN2019 to a folder with locuslab/smoothing's CIFAR-10 tables " +
			"and table_cifar10.md")
	}
	out, checked := must(t, "import", dir), 0
	number := regexp.MustCompile(`\d\.\d+`)
	for line := range strings.Lines(read(t, dir, "table_cifar10.md")) {
		want := number.FindAllString(line, -1)
		if !strings.Contains(line, "sigma") || len(want) != 7 {
			continue
		}
		for row := range strings.Lines(out) {
			cells := strings.Fields(row)
			if !strings.HasSuffix(cells[0], "_noise_"+want[0]+"_sigma_"+want[0]+".tsv") {
				continue
			}
			for i, w := range want[1:] {
				published, _ := strconv.ParseFloat(w, 64)
				if got, err := strconv.ParseFloat(cells[2+i], 64); err != nil ||
					math.Abs(got-published) > 0.005+1e-9 {
					t.Errorf("σ = %s, column %d: %g, published %g", want[0], i, got, published)
				}
				checked++
			}
		}
	}
	if checked != 24 {
		t.Errorf("%d entries found, want 24", checked)
	}
}
