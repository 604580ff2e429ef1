//go:build ((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64)) && !noxla

package device

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/installer"
	"github.com/gomlx/go-xla/pjrt"
)

// haveXLA tells that this build can load PJRT plugins; noxla.go is for the others.
const haveXLA = true

// xlaNames are the names that go-xla registers for its backend.
var xlaNames = map[string]bool{xla.BackendName: true, "stablehlo": true, "hlo": true, "shlo": true}

// GoMLX must not download by itself: its installer has no time limit.
func init() { xla.EnableAutoInstall(false) }

// searchGoXLA returns the plugins in go-xla's search places, name to path. Where go-xla panics, on
// a file that is no plugin, searchGoXLA returns an error.
func searchGoXLA() (paths map[string]string, err error) {
	err = protect(func() error {
		paths = pjrt.AvailablePlugins()
		return nil
	})
	if err != nil {
		err = fmt.Errorf("go-xla's search for plugins failed (a broken file among them?): %w", err)
	}
	return paths, err
}

// probe is asked first, for at most probeLimit: go-xla's installer downloads from there.
const (
	probe      = "https://api.github.com/repos/" + installer.BinaryCPUReleasesRepo
	probeLimit = 4 * time.Second
)

var goXLAMu sync.Mutex

// installGoXLA runs go-xla's installer of its CPU plugin, after a quick look whether GitHub
// answers. The installer takes no context and prints to standard output. So while it runs,
// http.DefaultClient's requests end with ctx, and os.Stdout is os.Stderr.
func installGoXLA(ctx context.Context) error {
	goXLAMu.Lock()
	defer goXLAMu.Unlock()
	quick, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(quick, http.MethodHead, probe, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", probe, answer.Status)
	}
	lib, err := installer.DefaultHomeLibPath()
	if err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		installer.InstallationFileLockTimeout = time.Until(deadline)
	}
	transport, stdout := http.DefaultClient.Transport, os.Stdout
	http.DefaultClient.Transport, os.Stdout = boundTransport{ctx, transport}, os.Stderr
	defer func() { http.DefaultClient.Transport, os.Stdout = transport, stdout }()
	return installer.CPUAutoInstall(filepath.Join(lib, "go-xla"), true, installer.Quiet)
}

// boundTransport is a transport whose requests end with ctx.
type boundTransport struct {
	ctx  context.Context
	next http.RoundTripper
}

func (b boundTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(r.WithContext(b.ctx))
}
