package device

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

func onLinuxAMD64(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the pinned wheels are for linux/amd64")
	}
}

// testFinder finds nothing, and its go-xla installer fails at once.
func testFinder(t *testing.T, log *bytes.Buffer) *finder {
	t.Setenv(compute.ConfigEnvVar, "")
	f := newFinder(Options{Log: log})
	cache := t.TempDir()
	f.Cache = func() (string, error) { return cache, nil }
	f.goxla = func(context.Context) error { return errors.New("no network") }
	f.search = func() (map[string]string, error) { return nil, nil }
	f.hasGPU = func() bool { return false }
	f.noInstall = false
	return f
}

// fakePython puts a python3 on PATH that runs script; $dest is pip's --dest.
func fakePython(t *testing.T, script string) {
	dir := t.TempDir()
	head := "#!/bin/sh\n" +
		"while [ $# -gt 0 ]; do if [ \"$1\" = --dest ]; then dest=$2; fi; shift; done\n"
	if err := os.WriteFile(filepath.Join(dir, "python3"), []byte(head+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+"/usr/bin"+string(
		os.PathListSeparator)+"/bin")
}

// mustFallBack opens f and checks that pure Go is announced in one loud line holding each of want.
func mustFallBack(t *testing.T, f *finder, log *bytes.Buffer, want ...string) {
	t.Helper()
	b, info, err := f.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Finalize()
	if info.Name != "go" || info.Config != "go" || info.Source != Fallback {
		t.Errorf("opened %v", info)
	}
	var loud []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "WARNING") {
			loud = append(loud, line)
		}
	}
	if len(loud) != 1 {
		t.Fatalf("%d loud lines, want 1:\n%s", len(loud), log)
	}
	for _, w := range append(want, "PURE-GO", "lipsmooth setup") {
		if !strings.Contains(loud[0], w) {
			t.Errorf("no %q in: %s", w, loud[0])
		}
	}
}

func TestFallBack(t *testing.T) {
	onLinuxAMD64(t)
	if !haveXLA {
		t.Skip("this build has no XLA")
	}
	wrong := strings.Repeat("0", 64)
	for _, c := range []struct {
		name, script string
		change       func(*finder)
		want         []string
	}{
		{name: "pip fails", script: "echo ERROR: no route to index >&2; exit 1",
			want: []string{"go-xla's installer: no network", "no route to index", "exit status 1"}},
		{name: "pip sleeps", script: "sleep 60",
			change: func(f *finder) { f.StallLimit = 200 * time.Millisecond },
			want:   []string{"nothing downloaded for 200ms"}},
		{name: "pip is slow", script: "while true; do echo x >> $dest/part; sleep 0.05; done",
			change: func(f *finder) { f.PipLimit = 600 * time.Millisecond },
			want:   []string{"stopped after 600ms"}},
		{name: "wrong wheel", script: "echo hello > $dest/a.whl", want: []string{
			"a.whl refused", "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
			cpuWheel.SHA256}},
		{name: "no wheel", script: "exit 0", want: []string{"left 0 wheels"}},
		{name: "installer hangs", script: "exit 1", change: func(f *finder) {
			f.goxla = func(context.Context) error { time.Sleep(time.Minute); return nil }
			f.goxlaLimit = 100 * time.Millisecond
		}, want: []string{"go-xla's installer: stopped after 100ms"}},
		{name: "installer panics", script: "exit 1", change: func(f *finder) {
			f.goxla = func(context.Context) error { panic("boom\nat line 2") }
		}, want: []string{"boom; at line 2"}},
		{name: "off", change: func(f *finder) { f.noInstall = true },
			want: []string{"installing is off"}},
		{name: "no cache", change: func(f *finder) {
			f.Cache = func() (string, error) { return "", errors.New("no home") }
		}, want: []string{"no home"}},
		{name: "no pip", change: func(f *finder) { f.Pip = [][]string{{"no-such-program"}} },
			want: []string{"no pip on PATH"}},
		{name: "broken plugin", change: func(f *finder) {
			f.noInstall = true
			bad := filepath.Join(t.TempDir(), "pjrt_c_api_cpu_plugin.so")
			os.WriteFile(bad, []byte(wrong), 0o755)
			f.search = func() (map[string]string, error) {
				return map[string]string{"cpu": bad},
					nil
			}
		}, want: []string{"pjrt_c_api_cpu_plugin.so"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			f := testFinder(t, &log)
			fakePython(t, c.script)
			if c.change != nil {
				c.change(f)
			}
			start := time.Now()
			mustFallBack(t, f, &log, c.want...)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if cache, err := f.Cache(); err == nil {
				left, _ := filepath.Glob(filepath.Join(cache, "pjrt", "*"))
				hidden, _ := filepath.Glob(filepath.Join(cache, "pjrt", ".*"))
				if len(left)+len(hidden) > 0 {
					t.Errorf("left %v %v", left, hidden)
				}
			}
		})
	}
}

func TestQuietKeepsTheLoudLine(t *testing.T) {
	t.Setenv(compute.ConfigEnvVar, "")
	var log bytes.Buffer
	f := testFinder(t, &log)
	f.Progress, f.noInstall = newFinder(Options{Quiet: true, Log: &log}).Progress, true
	mustFallBack(t, f, &log)
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1: %s", n, &log)
	}
}

func TestEnvironment(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"nonesuch", `no backend "nonesuch"; known: go`},
		{"nonesuch:cpu", `no backend "nonesuch"`},
		{"xla:/no/such/plugin.so", "/no/such/plugin.so"},
		{"xla:cuda", "lipsmooth setup --cuda"},
		{"xla:tpu", `no plugin "tpu" here`},
		{"xla:cpu", "installing is off"},
	} {
		t.Run(c.config, func(t *testing.T) {
			if strings.HasPrefix(c.config, "xla") && !haveXLA {
				t.Skip("this build has no XLA")
			}
			var log bytes.Buffer
			f := testFinder(t, &log)
			f.noInstall = true
			t.Setenv(compute.ConfigEnvVar, c.config)
			_, _, err := f.open(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
	t.Run("go", func(t *testing.T) {
		var log bytes.Buffer
		t.Setenv(compute.ConfigEnvVar, "go")
		b, info, err := Open(t.Context(), Options{Log: &log})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Finalize()
		if info.Source != FromEnvironment || info.Config != "go" || log.Len() > 0 {
			t.Errorf("%+v, log %q", info, &log)
		}
	})
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	f := testFinder(t, &log)
	f.goxla = func(ctx context.Context) error { cancel(); <-ctx.Done(); return ctx.Err() }
	if _, _, err := f.open(ctx); !errors.Is(err, context.Canceled) && haveXLA {
		t.Errorf("error %v", err)
	}
}

func TestOrder(t *testing.T) {
	var log bytes.Buffer
	f := testFinder(t, &log)
	f.search = func() (map[string]string, error) {
		return map[string]string{"tpu": "/x/tpu.so", "cpu_v0.9": "/x/c9.so", "cpu_v0.8": "/x/c8.so",
			"cpu": "/x/c.so", "cuda": "/x/cuda.so"}, nil
	}
	names := func(name string) (s string) {
		list, err := f.installed(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			s += c.name + " "
		}
		return s
	}
	if got, want := names(""), "cpu cpu_v0.9 cpu_v0.8 tpu "; got != want {
		t.Errorf("no GPU: %s, want %s", got, want)
	}
	if got, want := names("cuda"), "cuda "; got != want {
		t.Errorf("cuda asked for: %s, want %s", got, want)
	}
	f.hasGPU = func() bool { return true }
	if got, want := names(""), "cuda cpu cpu_v0.9 cpu_v0.8 tpu "; got != want {
		t.Errorf("GPU: %s, want %s", got, want)
	}
}

// TestRealPlugin installs the pinned plugin through pip into a folder of its own, opens it,
// computes with it, and has a second process open it from the cache.
func TestRealPlugin(t *testing.T) {
	onLinuxAMD64(t)
	if testing.Short() {
		t.Skip("downloads 63 MB: not with -short")
	}
	if !haveXLA {
		t.Skip("this build has no XLA")
	}
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", t.TempDir())
	start := time.Now()
	path, err := Install(t.Context(), false, t.Output())
	if err != nil {
		t.Skipf("the wheel cannot be had here: %v", err)
	}
	t.Logf("installed %s in %v", path, time.Since(start))

	t.Setenv(compute.ConfigEnvVar, "")
	child := func(config string) string {
		cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
		cmd.Env = append(os.Environ(), "LIPSMOOTH_TEST_CHILD=1", compute.ConfigEnvVar+"="+config)
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("second process: %v\n%s", err, text)
		}
		return string(text)
	}
	for config, want := range map[string]string{
		"": string(FromCache), "xla": string(FromEnvironment), "xla:cpu": string(FromEnvironment),
		"xla:" + path:                  string(FromEnvironment),
		"hlo:cpu,shared_buffers=false": string(FromEnvironment),
	} {
		if text := child(config); !strings.Contains(text, want) || !strings.Contains(text, path) {
			t.Errorf("GOMLX_BACKEND=%q:\n%s", config, text)
		} else {
			t.Logf("GOMLX_BACKEND=%q: %s", config, text)
		}
	}
}

// TestChild is the second process of TestRealPlugin.
func TestChild(t *testing.T) {
	if os.Getenv("LIPSMOOTH_TEST_CHILD") == "" {
		t.Skip("runs as the second process of TestRealPlugin")
	}
	start := time.Now()
	var log bytes.Buffer
	b, info, err := Open(t.Context(), Options{NoInstall: true, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	sum, err := graph.CallOnce(b, func(x *graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Square(x))
	}, []float32{3, 4})
	if err != nil || sum.Value().(float32) != 25 {
		t.Errorf("3² + 4² = %v, %v", sum, err)
	}
	if log.Len() > 0 {
		t.Errorf("said %q", &log)
	}
	if took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	text, _ := json.Marshal(info)
	fmt.Printf("opened in %v: %s\n%s\n", took, info, text)
}

func ExampleOpen() {
	os.Setenv("GOMLX_BACKEND", "go") // a user's choice; unset, XLA is found or installed
	defer os.Unsetenv("GOMLX_BACKEND")
	backend, info, err := Open(context.Background(), Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Finalize()
	fmt.Println(info)
	// Output: go (GOMLX_BACKEND)
}

func TestInfoString(t *testing.T) {
	for want, info := range map[string]Info{
		"go (fallback: no XLA plugin)": {Name: "go", Platform: "go", Source: Fallback},
		"xla cpu, /p.so (found by go-xla)": {Name: "xla", Platform: "cpu", Plugin: "/p.so",
			Source: FromGoXLA},
	} {
		if got := info.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
