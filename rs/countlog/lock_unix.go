//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package countlog

import (
	"fmt"
	"os"
	"syscall"
)

// openLocked opens a file to read and append, made where there is none, and locks it
// against others that open it so. The lock goes with the process.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			break
		}
	}
	switch err {
	case nil:
		return f, nil
	case syscall.EWOULDBLOCK:
		err = fmt.Errorf("%s: another process is writing this run", path)
	default:
		err = fmt.Errorf("locking %s: %w", path, err)
	}
	f.Close()
	return nil, err
}
