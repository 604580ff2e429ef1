package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/plain"
)

// A plain network goes through every command. What needs Λ refuses it in one line.
func TestPlain(t *testing.T) {
	t.Setenv(backendVariable, "go") // compiles nothing
	plain.Architectures["small"] = func() []lip.Layer {
		return []lip.Layer{plain.Convolution{Kernel: 3, Channels: 3, Norm: true},
			plain.Block{Channels: 4, Stride: 2}, plain.GlobalMean{}}
	}
	t.Cleanup(func() { delete(plain.Architectures, "small") })
	run := filepath.Join(t.TempDir(), "run")
	folder := filepath.Join(run, certify.ModelFolder)
	const none = "nothing is proved of architecture small: it has no Lipschitz bound Λ, and votes " +
		"alone certify it"
	out := must(t, "train", "--data", tiny(), "--arch", "small", "--epochs", "1", "--epoch-images",
		"64", "--batch", "32", "--out", folder)
	if !strings.Contains(out, none) {
		t.Errorf("no %q in\n%s", none, out)
	}
	refused(t, lipsmooth("bound", folder, "--observe"), none)
	refused(t, lipsmooth("sample", folder, "--data", tiny(), "--images", "4", "--tuning", "2",
		"--out", run),
		"need a Lipschitz constant")
	must(t, "sample", folder, "--data", tiny(), "--images", "4", "--n0", "10", "--n", "50", "--out",
		run)
	out = must(t, "certify", run)
	if !strings.Contains(out, "mono ") || strings.Contains(out, "isoperimetric ") ||
		!strings.Contains(out, "left out: ") {
		t.Error(out)
	}
	refused(t, lipsmooth("certify", run, "--method", "lipschitz"), "Lipschitz")
	must(t, "attack", run, "--data", tiny(), "--images", "2", "--steps", "1", "--samples", "2",
		"--trial", "10",
		"--draws", "20")
	must(t, "verify", run, "--data", tiny())
	must(t, "report", run)
	out = must(t, "export", folder, "--onnx", filepath.Join(t.TempDir(), "plain.onnx"))
	if !strings.Contains(out, none) {
		t.Errorf("no %q in\n%s", none, out)
	}
	for flag, value := range map[string]string{"offset": "1", "conv": "bcop", "loss": "hkr"} {
		refused(t, lipsmooth("train", "--data", tiny(), "--arch", "small", "--"+flag, value,
			"--out", folder), "--"+flag+": architecture small has no Lipschitz bound")
	}
	refused(t, lipsmooth("train", "--data", tiny(), "--arch", "lenet", "--out", run+"-2"),
		"lenet: layer 3: conv 5×5 50 (plain, no padding) needs an odd kernel no larger")
}
