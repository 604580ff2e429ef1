package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A run of an ONNX file on a GoMLX backend is gone on with, verified and attacked there. The
// pure-Go backend compiles nothing, so the test is fast.
func TestSampleByXLA(t *testing.T) {
	needONNX(t)
	t.Setenv(backendVariable, "go")
	dir := filepath.Join(t.TempDir(), "run")
	must(t, sampleFile(gray, dir, "--runtime", "xla", "--std", "0.5")...)
	if run := mustRun(t, dir); run.Backend != "go" || run.Model.Reading.Std != "0.5" {
		t.Errorf("%+v", run)
	}
	rows := read(t, dir, countlog.CountsFile)
	must(t, sampleFile(gray, dir, "--std", "0.5")...)
	must(t, sampleFile(gray, dir, "--std", "0.5", "--runtime", "fastest")...)
	if read(t, dir, countlog.CountsFile) != rows {
		t.Error("other rows")
	}
	if out := must(t, "verify", dir, "--model", gray, "--data", tiny(), "--redraw",
		"2"); !strings.Contains(out, "2 of 6 examples drawn again on go ") {
		t.Error(out)
	}
	out := must(t, append(attackArgs(dir)[:4], "--model", gray, "--images", "3", "--steps", "2",
		"--samples", "4", "--trial", "50", "--draws", "250")...)
	for _, want := range []string{"\nvotes ", "\nclean ", "note: soft isn't attacked: ",
		"no attack succeeded inside a certificate"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	must(t, "certify", dir)
	must(t, "figures", "gap", "--run", dir, "--format", "svg")
	must(t, "report", dir)
	if !strings.Contains(read(t, dir, "report.html"), "Certified against attacked") {
		t.Error("the report shows no attacks")
	}
	refused(t, lipsmooth("attack", dir, "--model", gray), "give a dataset with --data")
	refused(t, lipsmooth("attack", dir), "or the ONNX file, with --model")
}

// A run in bf16 is certified by votes, verified and attacked in bf16.
func TestPrecision(t *testing.T) {
	needONNX(t)
	t.Setenv(backendVariable, "go")
	dir := filepath.Join(t.TempDir(), "run")
	in := []string{"--runtime", "xla", "--precision", "bf16"}
	must(t, sampleFile(gray, dir, in...)...)
	if m := mustRun(t, dir).Model; m.Precision != "bf16" || m.Lambda.Known() {
		t.Errorf("%+v", m)
	}
	if out := must(t, "certify", dir); !strings.Contains(out, ", in bf16, ") {
		t.Error(out)
	}
	must(t, "verify", dir, "--model", gray, "--data", tiny())
	if out := must(t, "verify", dir, "--model", gray, "--data", tiny(), "--redraw",
		"2"); !strings.Contains(out, "2 of 6 examples drawn again on go ") {
		t.Error(out)
	}
	must(t, append(attackArgs(dir)[:4], "--model", gray, "--images", "2", "--steps", "2",
		"--samples", "4", "--trial", "50", "--draws", "250")...)
	refused(t, lipsmooth(sampleFile(gray, dir, "--runtime", "xla")...),
		"model.precision is bf16 there, none here")
	new := dir + "2"
	refused(t, lipsmooth(sampleFile(gray, new, in[2:]...)...), "--precision bf16: ", "--runtime xla")
	refused(t, lipsmooth(sampleFile(gray, new, append(in, "--lipschitz", "2")...)...),
		"--lipschitz and --precision bf16")
	refused(t, lipsmooth(sampleFile(gray, new, "--runtime", "xla", "--precision", "tf32")...),
		"tf32 is of NVIDIA GPUs, and this is go")
	refused(t, lipsmooth(sampleFile(gray, new, "--precision", "half")...),
		"--precision half: known: float32, tf32, bf16")
}

// The fastest runtime is one of the two, and ONNX Runtime where the other can't run the file.
func TestFastestRuntime(t *testing.T) {
	needONNX(t)
	t.Setenv(backendVariable, "go")
	dir := filepath.Join(t.TempDir(), "run")
	r := lipsmooth(sampleFile(gray, dir, "--runtime", "fastest")...)
	if r.status != 0 || !strings.Contains(r.err, "note: onnxruntime: ") ||
		!strings.Contains(r.err, "note: xla: ") {
		t.Errorf("%+v", r)
	}
	// A long run measures by itself; shards take the same runtime, whatever the machine.
	for shard, want := range map[string]bool{"": true, "0/2": false} {
		args := append(sampleFile(gray, filepath.Join(t.TempDir(), "run"), "--estimate"), "--n",
			"1000000000")
		if shard != "" {
			args = append(args, "--shard", shard)
		}
		r := lipsmooth(args...)
		if r.status != 0 || strings.Contains(r.err, "note: xla: ") != want {
			t.Errorf("%+v", r)
		}
	}
	one := filepath.Join(t.TempDir(), "run")
	r = lipsmooth(sampleFile(gray, one, "--runtime", "fastest", "--one-by-one")...)
	if r.status != 0 || !strings.Contains(r.err, "note: onnxruntime runs it: xla: nhwc: its images "+
		"are run one by one\n") || mustRun(t, one).Backend != "onnxruntime cpu" {
		t.Errorf("%+v", r)
	}
	refused(t, lipsmooth(sampleFile(gray, dir+"2", "--runtime", "xla", "--one-by-one")...),
		"its images are run one by one")
	refused(t, lipsmooth(sampleFile(gray, dir+"2", "--runtime", "cuda")...),
		"--runtime cuda: must be onnxruntime, xla or fastest")
	refused(t, lipsmooth(sampleFile(gray, dir+"2", "--runtime", "fastest", "--shard", "0/2")...),
		"may differ from shard to shard")
}

// A model that was trained here is sampled by ONNX Runtime, gone on with and drawn again there.
func TestModelByONNXRuntime(t *testing.T) {
	needONNX(t)
	t.Setenv(backendVariable, "go")
	model, dir := filepath.Join(smoke(t), certify.ModelFolder), filepath.Join(t.TempDir(), "run")
	args := []string{"sample", model, "--data", tiny(), "--images", "6", "--n", "100", "--out", dir}
	must(t, append(args, "--runtime", "onnxruntime")...)
	run := mustRun(t, dir)
	if run.Backend != "onnxruntime cpu" || !run.Model.Lambda.Proved() || run.MarginError != 0 {
		t.Errorf("%+v", run)
	}
	rows := read(t, dir, countlog.CountsFile)
	must(t, args...)
	if read(t, dir, countlog.CountsFile) != rows {
		t.Error("other rows")
	}
	if out := must(t, "verify", dir, "--model", model, "--data", tiny(), "--redraw",
		"2"); !strings.Contains(out, "2 of 6 examples drawn again on onnxruntime cpu ") {
		t.Error(out)
	}
	must(t, "certify", dir, "--method", "isoperimetric")
	r := lipsmooth(append(args[:len(args)-1], dir+"2", "--runtime", "fastest")...)
	if r.status != 0 || !strings.Contains(r.err, "note: onnxruntime: ") {
		t.Errorf("%+v", r)
	}
}
