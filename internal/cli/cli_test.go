package cli

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestMain is the command itself where a test starts this binary as one.
func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(inFolder(m))
}

const asCommand = "LIPSMOOTH_TEST_AS_COMMAND"

// fixtures is a folder that all tests read.
var fixtures string

func inFolder(m *testing.M) int {
	var err error
	if fixtures, err = os.MkdirTemp("", "lipsmooth-cli"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(fixtures)
	return m.Run()
}

// tiny is a dataset of 12×12 images in ten classes, easy to learn, as a folder of idx files.
var tiny = sync.OnceValue(func() string {
	dir := filepath.Join(fixtures, "tiny")
	if err := writeTiny(dir, 12); err != nil {
		panic(err)
	}
	return dir
})

func writeTiny(dir string, side int) error {
	r := rand.New(rand.NewPCG(1, 2))
	var patterns [10][]int
	for c := range patterns {
		patterns[c] = make([]int, side*side)
		for i := range patterns[c] {
			patterns[c][i] = 100 * r.IntN(2)
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for name, n := range map[string]int{"train": 3840, "t10k": 400} {
		images := binary.BigEndian.AppendUint32(nil, 0x803)
		for _, x := range []int{n, side, side} {
			images = binary.BigEndian.AppendUint32(images, uint32(x))
		}
		labels := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 0x801),
			uint32(n))
		for i := range n {
			labels = append(labels, byte(i%10))
			for _, p := range patterns[i%10] {
				images = append(images, byte(p+r.IntN(156)))
			}
		}
		for file, text := range map[string][]byte{"-images-idx3-ubyte": images,
			"-labels-idx1-ubyte": labels} {
			if err := os.WriteFile(filepath.Join(dir, name+file), text, 0o666); err != nil {
				return err
			}
		}
	}
	return nil
}

// result is what a call of the command left.
type result struct {
	status   int
	out, err string
}

func lipsmooth(args ...string) result {
	var out, err bytes.Buffer
	status := Main(args, &out, &err)
	return result{status, out.String(), err.String()}
}

// withDevice runs the command with the device that the tests were started with, noDevice or not.
func withDevice(args ...string) result {
	now, set := os.LookupEnv(backendVariable)
	if startedSet {
		os.Setenv(backendVariable, startedWith)
	} else {
		os.Unsetenv(backendVariable)
	}
	defer func() {
		if set {
			os.Setenv(backendVariable, now)
		} else {
			os.Unsetenv(backendVariable)
		}
	}()
	return lipsmooth(args...)
}

const backendVariable = "GOMLX_BACKEND"

var startedWith, startedSet = os.LookupEnv(backendVariable)

// must runs the command and returns its output.
func must(t *testing.T, args ...string) string {
	t.Helper()
	r := lipsmooth(args...)
	if r.status != 0 {
		t.Fatalf("lipsmooth %s: status %d\n%s", strings.Join(args, " "), r.status, r.err)
	}
	return r.out
}

// smoke is the folder of a finished smoke job, and smokeOut what it printed.
func smoke(t *testing.T) (dir string) {
	t.Helper()
	smokeOnce.Do(func() {
		smokeResult = withDevice(reproduceArgs(filepath.Join(fixtures, "smoke"))...)
	})
	if smokeResult.status != 0 {
		t.Fatalf("the smoke job: status %d\n%s", smokeResult.status, smokeResult.err)
	}
	return filepath.Join(fixtures, "smoke")
}

var (
	smokeOnce   sync.Once
	smokeResult result
)

func reproduceArgs(out string) []string {
	return []string{"reproduce", "--preset", "smoke", "--data", tiny(), "--out", out}
}

// otherModel is the folder of a model of the same shape, trained with another seed.
func otherModel(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(fixtures, "other")
	otherOnce.Do(func() {
		otherResult = withDevice("train", "--data", tiny(), "--epochs", "1", "--epoch-images",
			"1280", "--width", "8", "--seed", "2", "--out", dir)
	})
	if otherResult.status != 0 {
		t.Fatalf("training: status %d\n%s", otherResult.status, otherResult.err)
	}
	return dir
}

var (
	otherOnce   sync.Once
	otherResult result
)

// copied returns a copy of a folder.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(dir))
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// noDevice lets the opening of any device fail.
func noDevice(t *testing.T) { t.Setenv(backendVariable, "nonsense") }

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// edit changes a file in place.
func edit(t *testing.T, change func(string) string, path ...string) {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.WriteFile(file, []byte(change(read(t, file))), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestHelp(t *testing.T) {
	for _, c := range commands {
		name := c().Name()
		out := must(t, name, "--help")
		if !strings.Contains(out, "Examples:\n  lipsmooth "+name) {
			t.Errorf("%s --help shows no example:\n%s", name, out)
		}
		for line := range strings.SplitSeq(c().Example, "\n") {
			for part := range strings.SplitSeq(line, " && ") {
				words := shellWords(part)
				if words[0] != "lipsmooth" {
					continue
				}
				if err := checkSubcommand(words[1:]); err != "" {
					t.Errorf("%s: %s", line, err)
				}
			}
		}
	}
	for _, word := range []string{"reproduce", "certify", "--help"} {
		if out := must(t); !strings.Contains(out, word) {
			t.Errorf("without arguments, no word of %s:\n%s", word, out)
		}
	}
}

func TestInfo(t *testing.T) {
	out := must(t, "info")
	for _, word := range []string{"backend", "GOMLX_BACKEND=", "device", "cache", "mnist",
		"cifar10"} {
		if !strings.Contains(out, word) {
			t.Errorf("no %s in\n%s", word, out)
		}
	}
}
