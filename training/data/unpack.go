package data

import (
	"compress/gzip"
	"errors"
	"io"
)

// unpacked reads what is packed in an archive. More than bombSize bytes, and more than bombRatio
// times those of the archive, are an error: images don't pack that well.
type unpacked struct {
	io.Reader
	packed func() int64 // bytes of the archive so far, or in all
	n      int64
}

const (
	bombSize  = 1 << 30
	bombRatio = 200
)

var errBomb = errors.New("it unpacks to more than 1 GB and 200 times its size: not images")

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if u.n += int64(n); u.n > bombSize && u.n/bombRatio > u.packed() {
		err = errBomb
	}
	return n, err
}

// gunzip reads what is packed by gzip.
func gunzip(r io.Reader) (io.Reader, error) {
	c := &counter{Reader: r}
	z, err := gzip.NewReader(c)
	if err != nil {
		return nil, err
	}
	return &unpacked{Reader: z, packed: func() int64 { return c.n }}, nil
}

type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

type readCloser struct {
	io.Reader
	io.Closer
}
