package rs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Certificates, logs, figures and ONNX files need no device of GoMLX's: no package of theirs imports it.
func TestNoDevice(t *testing.T) {
	for _, pkg := range []string{"rs", "rs/countlog", "rs/sample/onnx", "figures"} {
		if _, err := os.Stat(filepath.Join("..", pkg)); err != nil {
			continue
		}
		cmd := exec.Command("go", "list", "-deps", "./"+pkg)
		cmd.Dir = ".."
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("go list -deps ./%s: %v\n%s", pkg, err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "gomlx") {
				t.Errorf("%s needs %s", pkg, strings.TrimSpace(line))
			}
		}
	}
}
