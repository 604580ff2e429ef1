package cli

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	_ "github.com/gomlx/compute/gobackend"
	"github.com/lipsmooth/lipsmooth/internal/peers"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// asPeer has the test's binary be a peer of the net in pure Go, "far" from it or not.
const asPeer = "LIPSMOOTH_TEST_AS_PEER"

func init() {
	off, set := os.LookupEnv(asPeer)
	if !set {
		return
	}
	backend, err := device.PureGo()
	if err != nil {
		panic(err)
	}
	z, err := peers.NewNet(1, peers.Side).Logits(backend)
	if err != nil {
		panic(err)
	}
	if off == "far" {
		z[7] += 2e-4
	}
	fmt.Println("ready 1.2.3")
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		if s.Text() == "logits" {
			fmt.Println(strings.Trim(fmt.Sprint(z), "[]"))
		} else {
			fmt.Println("4000 4")
		}
	}
	os.Exit(0)
}

// fakePython stands for python3 -m venv. The python of jax's environment is the test's own binary.
// No other environment installs.
const fakePython = `#!/bin/sh
mkdir -p "$3/bin"
cat >"$3/bin/python" <<'END'
#!/bin/sh
case "$*" in
"-m pip install"*onnx*) echo "ERROR: No matching distribution found for onnx" >&2; exit 1 ;;
"-m pip install"* | "-I -c import"*) ;;
*) exec "$TEST_BINARY" ;;
esac
END
chmod +x "$3/bin/python"
`

func TestBadBench(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("PATH", "")
	noDevice(t)
	refused(t, lipsmooth("bench", "--peers", "jax"), "no peer runs: jax: no python3 on PATH")
	for _, c := range []struct{ args, want string }{
		{"--peers tensorflow",
			`--peers: no peer "tensorflow"; known: jax, onnxruntime, torch-eager, ` +
				"torch-channels-last, torch-compile"},
		{"--peers jax,jax", "--peers: jax is given twice"},
		{"--peers=", "--peers: no peer given; known: jax"},
		{"--rounds 0", "--rounds 0: must be at least 1"},
		{"--seconds 0", "--seconds 0: must be positive"},
		{"--seconds nan", "--seconds NaN: must be positive"},
		{"--side 30", "--side 30: must be a multiple of 4"},
		{"--precision half", "--precision half: known: float32, tf32, bf16"},
		{"--precision bf16", "--precision bf16: needs --peers jax"},
		{"more", `unknown command "more"`},
	} {
		refused(t, lipsmooth(append([]string{"bench"}, strings.Fields(c.args)...)...), c.want)
	}
}

// TestBenchTurns runs the real command with a fake python3. A peer that installs takes turns with
// lipsmooth. A peer that doesn't is left out. With a peer of another net, nothing is measured.
func TestBenchTurns(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the fake python3 is a shell script")
	}
	_, info, err := device.Open(t.Context(), device.Options{NoInstall: true, Quiet: true})
	if err != nil || info.Platform != "cpu" {
		t.Skip("needs XLA on the CPU: the net is slow in pure Go", err)
	}
	path, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "python3"), []byte(fakePython), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PATH": path + string(os.PathListSeparator) + os.Getenv("PATH"), "TEST_BINARY": os.Args[0],
		"XDG_CACHE_HOME": t.TempDir(), "HOME": t.TempDir(), backendVariable: info.Config,
		asPeer: "near",
	} {
		t.Setenv(name, value)
	}
	r := lipsmooth("bench", "--rounds", "2", "--seconds", "0.01", "--out", dir)
	if r.status != 0 || !strings.Contains(r.err, "left out: onnxruntime: pip install") ||
		!strings.Contains(r.err, "round 2 of 2: lipsmooth ") {
		t.Fatalf("%d\n%s%s", r.status, r.out, r.err)
	}
	f, err := os.Open(filepath.Join(dir, "bench.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := table.Read(f, "bench.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) != 2 || !strings.HasPrefix(table.Rows[0][0], "lipsmooth ") ||
		table.Rows[0][4] != "1.000" ||
		strings.Join(table.Rows[1][:4], " ") != "jax 1.2.3 1000 1000" {
		t.Errorf("%q", table.Rows)
	}
	if !strings.Contains(strings.Join(strings.Fields(r.out), " "), strings.Join(table.Rows[1], " ")) {
		t.Error(r.out)
	}

	t.Setenv(asPeer, "far")
	other := t.TempDir()
	r = lipsmooth("bench", "--peers", "jax", "--out", other)
	refused(t, r, "jax computes another net than lipsmooth ",
		": logit 7 of the image without noise is ")
	if _, err := os.Stat(filepath.Join(other, "bench.tsv")); err == nil || r.out != "" {
		t.Error("ratios of different nets", r.out)
	}
}
