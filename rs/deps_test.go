package rs

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/lipsmooth/lipsmooth"

// imports returns, of packages and with flags of go list, lines of a package and what it imports.
func imports(t *testing.T, args ...string) (lines []string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// TestNoDevice: no package of certificates, logs, figures and ONNX files imports a device of GoMLX.
// Nor does a certificate's package import one that draws.
func TestNoDevice(t *testing.T) {
	for _, line := range imports(t, "-deps", "./rs", "./rs/countlog", "./rs/table", "./rs/certify",
		"./rs/sample/onnx", "./figures") {
		if strings.Contains(line, "gomlx") {
			t.Errorf("rs, rs/countlog, rs/table, rs/certify, rs/sample/onnx or figures needs %s",
				line)
		}
	}
	for _, line := range imports(t, "-deps", "./rs/...") {
		if strings.HasPrefix(line, "gonum.org/v1/plot") {
			t.Errorf("rs/... needs %s", line)
		}
	}
}

// What a Go program could want isn't in the command.
func TestCommandAlone(t *testing.T) {
	const command = module + "/internal/cli"
	const format = `{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}} ` +
		`{{join .XTestImports " "}}`
	for _, line := range imports(t, "-f", format, "./...") {
		pkg, imports, _ := strings.Cut(line, " ")
		for _, name := range strings.Fields(imports) {
			if (name == command || strings.HasPrefix(name, command+"/")) && pkg != module &&
				!strings.HasPrefix(pkg, command) {
				t.Errorf("%s imports %s", pkg, name)
			}
		}
	}
}
