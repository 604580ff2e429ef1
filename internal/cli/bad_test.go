package cli

import (
	"context"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// refused checks status 1 and one last line that holds every word, the only one but for what
// a command says while it works.
func refused(t *testing.T, r result, words ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.err), "\n")
	last := lines[len(lines)-1]
	if r.status != 1 || !strings.HasPrefix(last, "lipsmooth: ") {
		t.Errorf("status %d:\n%s%s", r.status, r.out, r.err)
		return
	}
	for _, line := range lines[:len(lines)-1] {
		if !strings.HasPrefix(line, "backend: ") && !strings.HasPrefix(line, "data: ") &&
			!strings.HasPrefix(line, "model ") && !strings.HasPrefix(line, "training: ") &&
			!strings.HasPrefix(line, "drawing again: ") && !strings.HasPrefix(line, "classes: ") {
			t.Errorf("more than one line:\n%s", r.err)
		}
	}
	for _, word := range words {
		if !strings.Contains(last, word) {
			t.Errorf("no %q in: %s", word, last)
		}
	}
	if strings.Contains(last, "goroutine") || strings.Contains(last, ".go:") || len(last) > 500 {
		t.Errorf("not a line for a person: %s", last)
	}
	t.Log(last)
}

// badFlags are refused before anything is read: there is no such data, model, run or device. TINY
// stands for a dataset that is there.
var badFlags = []struct{ args, want string }{
	{"nonsense", `unknown command "nonsense"`},
	{"reproduce --nonsense", "unknown flag: --nonsense"},
	{"sample m.onnx --out=", "--out is empty"},
	{"certify r --data=", "--data is empty"},
	{"sample", "model: a folder or an ONNX file"},
	{"certify", "run's folder"},
	{"certify a b", "run's folder"},
	{"figures", "run's folder"},
	{"reproduce --data nowhere --preset huge", `"huge"; known: smoke, quick, paper`},
	{"reproduce --data nowhere --beside nothing", "--beside: "},
	{"reproduce --data nowhere --alpha 0", "--alpha 0"},
	{"reproduce --data nowhere --alpha 1", "--alpha 1"},
	{"reproduce --data nowhere --alpha -1", "--alpha -1"},
	{"reproduce --data nowhere --alpha nan", "--alpha NaN"},
	{"reproduce --data nowhere --sigma 0", "--sigma 0"},
	{"reproduce --data nowhere --sigma -1", "--sigma -1"},
	{"reproduce --data nowhere --sigma nan", "--sigma NaN"},
	{"reproduce --data nowhere --sigma inf", "--sigma +Inf"},
	{"reproduce --data nowhere --sigma much", "--sigma much: not a number"},
	{"reproduce --data nowhere --seed -1", "--seed -1: not a whole number of at least 0"},
	{"reproduce --data nowhere", "nowhere"},
	{"train --data nowhere --sigma nan", "sigma"},
	{"train --data nowhere --sigma -1", "sigma"},
	{"train --data nowhere --epochs 0", "epochs"},
	{"train --data nowhere --epochs few", "--epochs few: not a whole number"},
	{"train --data nowhere --batch 0", "batch"},
	{"train --data nowhere --lr inf", "learning rate"},
	{"train --data nowhere --offset -1", "offset"},
	{"train --data nowhere --temperature 0", "temperature"},
	{"train --data nowhere --crop -1", "crop"},
	{"train --data nowhere --epoch-images -1", "images"},
	{"train --data nowhere --checkpoint-every 0", "checkpoint every"},
	{"train --data nowhere --loss focal", `no loss "focal"; known: offset, emma, hkr, torchlip-hkr, ` +
		"lse-hkr, multi-margin, annealing"},
	{"train --data nowhere --loss emma,focal", `no loss "focal"; known: offset`},
	{"train --data nowhere --loss emma,", "loss: an empty value in its list"},
	{"train --data nowhere --method trades",
		`no training method "trades"; known: gaussian, stability, consistency, macer, ` +
			"smoothadv"},
	{"train --data nowhere --method macer --sigma 0", "sigma must be positive with method macer"},
	{"train --data nowhere --method consistency --draws 1", "draws must be at least 2"},
	{"train --data nowhere --draws 2", "draws: method gaussian takes none; those that do: stability"},
	{"train --data nowhere --method stability --weight -1", "weight"},
	{"train --data nowhere --method macer --attack-radius 1",
		"attack radius: method macer takes none"},
	{"train --data nowhere --sigma 0,much", "--sigma 0,much: not a number"},
	{"train --data nowhere --sigma 0,,1", "--sigma 0,,1: not a number"},
	{"train --data nowhere --sigma 0,0.5,0.50", "sigma 0.5 is given twice"},
	{"train --data nowhere --sigma 0,-1", "sigma must be"},
	{"train --data nowhere --width 8,wide", "--width 8,wide: not a whole number"},
	{"train --data nowhere --seed 1,-1", "--seed 1,-1: not a whole number of at least 0"},
	{"train --data nowhere --flip=perhaps", "--flip perhaps: not true or false"},
	{"train --data nowhere", "nowhere"},
	{"train --data TINY --arch vgg", `"vgg"; known: conv, dense, lenet, `},
	{"train --data TINY --arch dense,vgg",
		`arch-vgg: training on tiny: no architecture "vgg"; known: conv, dense, lenet, `},
	{"train --data TINY --conv fft", `"fft"; known: aol, bcop`},
	{"train --data TINY --width 0", "width"},
	{"train --width huge", "--width huge: not a whole number, nor one of the sizes xs, s, m"},
	{"train --preset huge",
		`--preset: no training preset "huge"; known: quick, mnist, mnist-best, cifar10, ` +
			"cifar10-best, cifar10-radius"},
	{"train --data TINY --dense svd",
		`no dense layer "svd"; known: aol, bjorck, bro, cayley`},
	{"train --data TINY --activation gelu",
		`no activation "gelu" (did you mean relu?); known: abs, beta-abs, groupsort`},
	{"train --data TINY --padding same", `no padding "same"; known: circular, zero`},
	{"train --data TINY --last svd", `no last layer "svd"`},
	{"train --data TINY --conv cayley --padding zero", "training on tiny: conv: layer 1"},
	{"sample nowhere --sigma 0", "--sigma 0"},
	{"sample nowhere --sigma -1", "--sigma -1"},
	{"sample nowhere --sigma nan", "--sigma NaN"},
	{"sample nowhere --sigma inf", "--sigma +Inf"},
	{"sample nowhere --n 0", "--n 0"},
	{"sample nowhere --n -5", "--n -5"},
	{"sample nowhere --n 1e4", "--n 1e4: not a whole number"},
	{"sample nowhere --n0 0", "--n0 0"},
	{"sample nowhere --images -1", "--images -1"},
	{"sample nowhere --tuning -1", "--tuning -1"},
	{"sample nowhere --block 0", "--block-draws 0"},
	{"sample nowhere --until radius>0.5", "--until: \"radius>0.5\" is no rule: want radius>=0.5"},
	{"sample nowhere --until radius>=0.5 --alpha 1", "--alpha 1"},
	{"sample nowhere --until radius>=0.5 --tau -1", "--tau -1"},
	{"sample nowhere --alpha 0.01", "--alpha says what --until asks about"},
	{"sample nowhere --until radius>=1 --method best", `--method: no method "best"`},
	{"sample nowhere --until radius>=1 --method cpm", "cpm doesn't say how far"},
	{"sample nowhere --scores max",
		`--scores: no map of scores "max"; known: ramp, softmax, sparsemax`},
	{"sample nowhere --noise pink", "--noise pink: known: gaussian, discrete"},
	{"sample nowhere", "nowhere"},
	{"certify nowhere --alpha 0", "--alpha 0"},
	{"certify nowhere --alpha nan", "--alpha NaN"},
	{"certify nowhere --alpha 5e-324", "--alpha 5e-324: must be at least 1e-100"},
	{"certify nowhere --tau -1", "--tau -1"},
	{"certify nowhere --tau inf", "--tau +Inf"},
	{"certify nowhere --radii 0,-1", "--radii: -1"},
	{"certify nowhere --radii nan", "--radii: NaN"},
	{"certify nowhere --radii 0,far", "--radii 0,far: not numbers"},
	{"certify nowhere --method best", `"best"; known: mono, `},
	{"certify nowhere --method mono,unsound-pair", "--method unsound-pair is unsound"},
	{"certify nowhere --method unsound-second", "--unsound"},
	{"certify nowhere --bound best", `"best"; known: clopper-pearson, `},
	{"certify nowhere --interval 95", "--interval 95: must lie between 0 and 1"},
	{"certify nowhere --scores max", `--scores: no map of scores "max"`},
	{"certify nowhere --method mono,,cpm", `no method ""`},
	{"certify nowhere", "nowhere"},
	{"figures nowhere --alpha 1", "--alpha 1"},
	{"figures nowhere radius nonsense", `"nonsense"; known: radius, `},
	{"figures nowhere", "nowhere"},
}

func TestBadFlags(t *testing.T) {
	noDevice(t)
	t.Chdir(t.TempDir())
	for _, c := range badFlags {
		args := strings.ReplaceAll(c.args, "TINY", tiny())
		t.Run(c.args, func(t *testing.T) { refused(t, lipsmooth(strings.Fields(args)...), c.want) })
	}
	if files, _ := os.ReadDir("."); len(files) > 0 {
		t.Errorf("%s is left", files[0].Name())
	}
}

func TestBadData(t *testing.T) {
	noDevice(t)
	cut := filepath.Join(t.TempDir(), "cut")
	if err := writeTiny(cut, 12); err != nil {
		t.Fatal(err)
	}
	edit(t, func(s string) string { return s[:len(s)/2] }, cut, "t10k-images-idx3-ubyte")
	text := filepath.Join(t.TempDir(), "text.zip")
	if err := os.WriteFile(text, []byte("no zip"), 0o666); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(smoke(t), certify.ModelFolder)
	for name, c := range map[string]struct{ data, want string }{
		"truncated": {cut, "t10k-images-idx3-ubyte"},
		"empty":     {t.TempDir(), "idx"},
		"no zip":    {text, "text.zip"},
		"missing":   {filepath.Join(cut, "nowhere"), "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			for _, args := range [][]string{{"reproduce"}, {"train"}, {"sample", model}} {
				refused(t, lipsmooth(append(args, "--data", c.data, "--out", out)...), c.want)
			}
			if there(out)() {
				t.Error("a folder is left")
			}
		})
	}
	// Of other images than the model takes.
	small := filepath.Join(t.TempDir(), "small")
	if err := writeTiny(small, 8); err != nil {
		t.Fatal(err)
	}
	refused(t, lipsmooth("sample", model, "--data", small, "--out",
		filepath.Join(t.TempDir(), "out")), "8×8×1", "12×12×1")
	// The name under which the data was given in training is no path here.
	t.Chdir(t.TempDir())
	refused(t, lipsmooth("sample", model), "tiny", "--data")
}

func TestBadModel(t *testing.T) {
	noDevice(t)
	weights := func(t *testing.T, dir string) string {
		files, err := filepath.Glob(filepath.Join(dir, "weights", "*.bin"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		return files[0]
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"weights changed": {func(t *testing.T, dir string) {
			edit(t, func(s string) string { return s[:len(s)-2] + "\x55" + s[len(s)-1:] },
				weights(t, dir))
		}, "weights"},
		"weights of another": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "weights")); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(filepath.Join(dir, "weights"),
				os.DirFS(filepath.Join(otherModel(t), "weights"))); err != nil {
				t.Fatal(err)
			}
		}, "hash"},
		"weights cut": {func(t *testing.T, dir string) {
			edit(t, func(s string) string { return s[:len(s)/2] }, weights(t, dir))
		}, "weights"},
		"weights gone": {func(t *testing.T, dir string) {
			os.RemoveAll(filepath.Join(dir, "weights"))
		}, "weights"},
		"model.json cut": {func(t *testing.T, dir string) {
			edit(t, func(s string) string { return s[:len(s)/2] }, dir, "model.json")
		}, "model.json"},
	} {
		t.Run(name, func(t *testing.T) {
			job := copied(t, smoke(t))
			dir := filepath.Join(job, certify.ModelFolder)
			c.spoil(t, dir)
			refused(t, lipsmooth("sample", dir, "--data", tiny(), "--out",
				filepath.Join(t.TempDir(), "out")), dir, c.want)
			if c.want != "model.json" { // that is asked for a device, to go on with the training
				refused(t, lipsmooth(reproduceArgs(job)...), dir, c.want)
			}
		})
	}
}

// Evidence of another model or dataset, or with other settings, is never mixed.
func TestMixedRuns(t *testing.T) {
	dir, other := copied(t, smoke(t)), otherModel(t)
	noDevice(t)
	before := counts(t, dir)
	args := []string{"sample", filepath.Join(smoke(t), certify.ModelFolder), "--data", tiny(),
		"--images", "20", "--tuning", "10", "--n0", "50", "--n", "200", "--out", dir}
	must(t, args...)
	for _, c := range [][2]string{{"--sigma", "0.25"}, {"--seed", "2"}, {"--n", "300"},
		{"--n0", "60"}, {"--images", "10"}, {"--block", "50"}} {
		refused(t, lipsmooth(append(args, c[0], c[1])...), dir, strings.TrimPrefix(c[0], "--")[:1])
	}
	w, err := countlog.Create(dir, mustRun(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, lipsmooth(args...), dir)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	args[1] = other
	refused(t, lipsmooth(args...), dir, "model.hash")
	if !maps.Equal(before, counts(t, dir)) {
		t.Error("the counts have changed")
	}

	t.Run("model folder", func(t *testing.T) {
		dir := copied(t, dir)
		if err := os.RemoveAll(filepath.Join(dir, certify.ModelFolder)); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(dir, certify.ModelFolder), os.DirFS(other)); err != nil {
			t.Fatal(err)
		}
		refused(t, lipsmooth("certify", dir), dir, "another model")
		refused(t, lipsmooth("figures", dir), dir, "another model")
	})
	hash := func(s string) string { return strings.Replace(s, `"hash": "`, `"hash": "f`, 1) }
	dataset := func(s string) string {
		return strings.Replace(s, `"split": "test"`, `"split": "train"`, 1)
	}
	for _, run := range []string{countlog.TuningFolder, filepath.Join(figures.SigmaFolder, "0.25")} {
		for want, change := range map[string]func(string) string{
			"model": hash, "dataset": dataset} {
			t.Run(run+" "+want, func(t *testing.T) {
				dir := copied(t, dir)
				edit(t, change, dir, run, countlog.RunFile)
				if run == countlog.TuningFolder {
					refused(t, lipsmooth("certify", dir), filepath.Join(dir, run), want)
				} else {
					edit(t, change, dir, run, countlog.TuningFolder, countlog.RunFile)
				}
				refused(t, lipsmooth("figures", dir), filepath.Join(dir, run), want)
			})
		}
	}
	t.Run("tuning on the images certified", func(t *testing.T) {
		dir := copied(t, dir)
		for _, file := range []string{countlog.RunFile, countlog.CountsFile} {
			edit(t, func(string) string { return read(t, dir, file) }, dir,
				countlog.TuningFolder, file)
		}
		refused(t, lipsmooth("certify", dir), filepath.Join(dir, countlog.TuningFolder), "image 0")
	})
}

func mustRun(t *testing.T, dir string) countlog.Run {
	t.Helper()
	run, err := countlog.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestBadLog(t *testing.T) {
	want := counts(t, smoke(t))
	t.Run("cut", func(t *testing.T) {
		dir := copied(t, smoke(t))
		edit(t, func(s string) string { return s[:len(s)-40] }, dir, countlog.CountsFile)
		refused(t, lipsmooth("certify", dir), filepath.Join(dir, countlog.CountsFile)+":21",
			"sample")
		r := lipsmooth(reproduceArgs(dir)...)
		if r.status != 0 || !strings.Contains(r.err, "dropped an incomplete line") {
			t.Errorf("%+v", r)
		}
		if counts(t, dir)["."] != want["."] {
			t.Error("other counts")
		}
	})
	noDevice(t)
	for name, change := range map[string]func(string) string{
		"letters": func(line string) string { return strings.Replace(line, "\t", "\tx", 1) },
		"cut":     func(line string) string { return line[:len(line)/2] },
		"votes": func(line string) string {
			return strings.Replace(line, ":200\t", ":199\t", 1) + "0"
		},
		"duplicate": func(line string) string { return line + "\n" + line },
	} {
		t.Run("line "+name, func(t *testing.T) {
			dir := copied(t, smoke(t))
			edit(t, func(s string) string {
				lines := strings.Split(s, "\n")
				lines[5] = change(lines[5])
				return strings.Join(lines, "\n")
			}, dir, countlog.CountsFile)
			spoilt := read(t, dir, countlog.CountsFile)
			at := filepath.Join(dir, countlog.CountsFile) + ":6"
			if name == "duplicate" {
				at = at[:len(at)-1] + "7"
			}
			refused(t, lipsmooth("certify", dir), at)
			refused(t, lipsmooth("figures", dir), at)
			refused(t, lipsmooth(reproduceArgs(dir)...), at)
			if read(t, dir, countlog.CountsFile) != spoilt {
				t.Error("the file has changed")
			}
		})
	}
	t.Run("run.json", func(t *testing.T) {
		dir := copied(t, smoke(t))
		edit(t,
			func(s string) string { return strings.Replace(s, `"sigma": 0.5`, `"sigma": -1`, 1) },
			dir, countlog.RunFile)
		refused(t, lipsmooth("certify", dir), filepath.Join(dir, countlog.RunFile), "sigma")
		edit(t, func(s string) string { return s[:50] }, dir, countlog.RunFile)
		refused(t, lipsmooth("certify", dir), filepath.Join(dir, countlog.RunFile))
		refused(t, lipsmooth(reproduceArgs(dir)...), filepath.Join(dir, countlog.RunFile))
	})
}

func TestNaNLogits(t *testing.T) {
	m, err := training.Load(filepath.Join(smoke(t), certify.ModelFolder))
	if err != nil {
		t.Fatal(err)
	}
	d, err := data.Load(tiny(), data.Test)
	if err != nil {
		t.Fatal(err)
	}
	for v := range m.Store.IterVariables() {
		if value := v.MustValue(); value.Shape().Rank() > 0 {
			flat := tensors.MustCopyFlatData[float32](value)
			flat[0] = float32(math.NaN())
			v.MustSetValue(tensors.FromFlatDataAndDimensions(flat, value.Shape().Dimensions...))
		}
	}
	out := filepath.Join(t.TempDir(), "run")
	backend, err := device.PureGo()
	if err != nil {
		t.Fatal(err)
	}
	plan := sample.Default()
	plan.Images, plan.N0, plan.N, plan.Block = 5, 10, 10, 10
	r, err := sample.Draw(context.Background(), backend, m, d, plan, out)
	if err == nil || !strings.Contains(err.Error(), "example 0") ||
		!strings.Contains(err.Error(), "NaN") {
		t.Errorf("NaN logits: %v", err)
	}
	if !strings.Contains(strings.Join(r.Notes, "\n"), "no margin_error is logged: ") {
		t.Errorf("notes %q", r.Notes)
	}
	t.Log(err)
	if there(out)() {
		t.Error("a folder is left")
	}
}

// mounted returns a folder on a file system of its own.
func mounted(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs",
		dir).CombinedOutput(); err != nil {
		t.Skipf("mounting needs rights: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
	return dir
}

func TestFullDisk(t *testing.T) {
	t.Run("sample", func(t *testing.T) {
		disk := mounted(t, "size=64k")
		dir := filepath.Join(disk, "run")
		args := []string{"sample", filepath.Join(smoke(t), certify.ModelFolder), "--data", tiny(),
			"--images", "200", "--tuning", "0", "--n0", "50", "--n", "200", "--out", dir}
		refused(t, lipsmooth(args...), filepath.Join(dir, countlog.CountsFile), "no space left",
			"complete rows are kept")
		text := read(t, dir, countlog.CountsFile)
		rows := strings.Count(text, "\n") - 1
		if rows < 10 || !strings.HasSuffix(text, "\n") {
			t.Errorf("%d rows", rows)
		}
		if got := must(t, "certify", dir, "--out", t.TempDir()); !strings.Contains(got,
			"isn't finished") {
			t.Error(got)
		}
		refused(t, lipsmooth("certify", dir), dir, "no space left")
		if out, err := exec.Command("mount", "-o", "remount,size=4m",
			disk).CombinedOutput(); err != nil {
			t.Skipf("%v: %s", err, out)
		}
		must(t, args...)
		if !strings.HasPrefix(read(t, dir, countlog.CountsFile), text) {
			t.Error("other rows")
		}
	})
	t.Run("training", func(t *testing.T) {
		dir := filepath.Join(mounted(t, "size=16k"), "job")
		refused(t, lipsmooth(reproduceArgs(dir)...), dir, "no space left")
	})
	t.Run("figures", func(t *testing.T) {
		dir := filepath.Join(mounted(t, "size=300k"), "figures")
		refused(t, lipsmooth("figures", smoke(t), "--out", dir), dir, "no space left")
		files, err := os.ReadDir(dir)
		for _, f := range files {
			if strings.HasPrefix(f.Name(), ".") {
				t.Errorf("%s is left", f.Name())
			}
		}
		if len(files) == 0 || err != nil {
			t.Error("no figure before the disk was full", err)
		}
	})
}

func TestReadOnlyFolder(t *testing.T) {
	disk := mounted(t, "size=32m")
	dir := filepath.Join(disk, "job")
	if err := os.CopyFS(dir, os.DirFS(smoke(t))); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "remount,ro", disk).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	refused(t, lipsmooth("certify", dir), dir, "read-only")
	refused(t, lipsmooth("figures", dir), dir, "read-only")
	refused(t, lipsmooth(reproduceArgs(dir)...), dir, "read-only")
	refused(t, lipsmooth(reproduceArgs(filepath.Join(disk, "new"))...), disk, "read-only")
	refused(t, lipsmooth("sample", filepath.Join(dir, certify.ModelFolder), "--data", tiny(),
		"--out", filepath.Join(disk, "run")), disk, "read-only")
	must(t, "certify", dir, "--out", t.TempDir())
	must(t, "figures", dir, "margins", "--out", t.TempDir())
}

func TestOutIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	refused(t, lipsmooth(reproduceArgs(file)...), file)
	refused(t, lipsmooth("train", "--data", tiny(), "--out", file), file)
	refused(t, lipsmooth("sample", filepath.Join(smoke(t), certify.ModelFolder), "--data", tiny(),
		"--out", file), file)
	refused(t, lipsmooth("certify", smoke(t), "--out", file), file)
	refused(t, lipsmooth("figures", smoke(t), "--out", file), file)
}
