package wheel

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func onLinuxAMD64(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the pinned wheels are for linux/amd64")
	}
}

// testInstaller installs into a folder of its own.
func testInstaller(t *testing.T, log io.Writer) Installer {
	f := NewInstaller(log)
	cache := t.TempDir()
	f.Cache = func() (string, error) { return cache, nil }
	return f
}

// script is a pip that runs text; $dest is its --dest.
func script(t *testing.T, text string) [][]string {
	file := filepath.Join(t.TempDir(), "pip")
	head := "#!/bin/sh\nwhile [ $# -gt 0 ]; do if [ \"$1\" = --dest ]; then dest=$2; fi; shift; " +
		"done\n"
	if err := os.WriteFile(file, []byte(head+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return [][]string{{file}}
}

// tinyWheel writes a wheel with a plugin of a few bytes and returns its pin.
func tinyWheel(t *testing.T, plugin string) (file string, w Wheel) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	m, _ := z.Create("tiny/plugin.so")
	m.Write([]byte(plugin))
	z.Close()
	file = filepath.Join(t.TempDir(), "tiny-1.0-py3-none-any.whl")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return file, Wheel{
		Folder: "pjrt", Package: "tiny", Version: "1.0", SHA256: hex.EncodeToString(sum[:]),
		Download: int64(b.Len()), Member: "tiny/plugin.so", Size: int64(len(plugin)),
		File: "pjrt_c_api_cpu_plugin.so",
	}
}

func TestInstallWheel(t *testing.T) {
	onLinuxAMD64(t)
	file, w := tinyWheel(t, "not a plugin")
	var log bytes.Buffer
	f := testInstaller(t, &log)
	count := filepath.Join(t.TempDir(), "calls")
	f.Pip = script(t, fmt.Sprintf("echo call >> %s; cp %s $dest/", count, file))
	cache, _ := f.Cache()

	path, err := f.Install(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "not a plugin" {
		t.Errorf("plugin holds %q", text)
	}
	if m, err := ReadMarker(path); err != nil || m.WheelSHA256 != w.SHA256 || m.Size != w.Size ||
		m.Package != "tiny" {
		t.Errorf("marker %+v, %v", m, err)
	}
	if again, err := f.Install(t.Context(), w); err != nil || again != path {
		t.Errorf("second install: %q, %v", again, err)
	}
	if calls, _ := os.ReadFile(count); len(calls) != len("call\n") {
		t.Errorf("pip called again: %q", calls)
	}
	if !strings.Contains(log.String(), "downloading tiny==1.0") {
		t.Errorf("no progress: %q", &log)
	}

	// A truncated plugin, a missing marker, another pin: installed anew.
	for name, spoil := range map[string]func(){
		"truncated": func() { os.Truncate(path, 3) },
		"no marker": func() { os.Remove(filepath.Join(filepath.Dir(path), markerName)) },
		"old pin": func() {
			text, _ := json.Marshal(Marker{WheelSHA256: "old", Size: w.Size})
			os.WriteFile(filepath.Join(filepath.Dir(path), markerName), text, 0o644)
		},
	} {
		spoil()
		if _, ok := w.Installed(cache); ok {
			t.Errorf("%s: still trusted", name)
		}
		if _, err := f.Install(t.Context(), w); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := w.Installed(cache); !ok {
			t.Errorf("%s: not repaired", name)
		}
	}
}

func TestConcurrentInstalls(t *testing.T) {
	onLinuxAMD64(t)
	file, w := tinyWheel(t, "plugin")
	var log bytes.Buffer
	f := testInstaller(t, &log)
	f.Progress = io.Discard
	f.Pip = script(t, fmt.Sprintf("cp %s $dest/", file))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := f.Install(t.Context(), w); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	cache, _ := f.Cache()
	if all, _ := os.ReadDir(filepath.Join(cache, "pjrt")); len(all) != 1 {
		t.Errorf("left %v", all)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestWrongMemberSize(t *testing.T) {
	file, w := tinyWheel(t, "plugin")
	w.Size++
	if err := w.unpack(file, t.TempDir()); err == nil ||
		!strings.Contains(err.Error(), "has 6 bytes, want 7") {
		t.Errorf("error %v", err)
	}
	w.Member = "absent"
	if err := w.unpack(file, t.TempDir()); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error %v", err)
	}
}

func TestLastLines(t *testing.T) {
	const other = "DO NOT MATCH\n  Expected sha256 a\n       Got        b\n"
	for text, want := range map[string]string{
		"": "",

		"ERROR: no version\nERROR: No matching distribution\n": ": ERROR: No matching distribution",

		other: ": Expected sha256 a; Got        b",
	} {
		if got := lastLines([]byte(text)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
