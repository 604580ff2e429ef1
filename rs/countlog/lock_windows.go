package countlog

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openLocked opens a file to read and append, made where there is none, and shares it with
// readers only. The lock goes with the process.
func openLocked(path string) (*os.File, error) {
	const sharingViolation = syscall.Errno(32)
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	// A handle without FILE_WRITE_DATA would append by itself, but could not be truncated.
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE,
		syscall.FILE_SHARE_READ, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, fmt.Errorf("%s: another process is writing this run", path)
	} else if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return os.NewFile(uintptr(h), path), nil
}
