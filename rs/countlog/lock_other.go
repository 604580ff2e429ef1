//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package countlog

import (
	"errors"
	"fmt"
	"os"
)

// openLocked returns an error: this system has no lock that goes with the process.
func openLocked(path string) (*os.File, error) {
	return nil, fmt.Errorf("%s: no file locks on this system: %w", path, errors.ErrUnsupported)
}
