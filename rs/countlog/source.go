package countlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf16"

	"github.com/lipsmooth/lipsmooth/internal/npy"
)

// mostPiped bounds the bytes of a pipe, which memory holds.
const mostPiped = 1 << 30

// A Source is a table that another program wrote: text, or an array in NumPy's .npy format. Either
// may be compressed with gzip. Text may begin with a byte order mark, of UTF-8 or UTF-16.
type Source struct {
	// Path is read where Content is nil. Messages give it as the name.
	Path    string
	Content []byte // of a pipe, which can be read once
}

// OpenSource returns the source at a path. It reads a pipe to its end. The path "-" is standard
// input, where standard isn't nil.
func OpenSource(path string, standard io.Reader) (Source, error) {
	s := Source{Path: path}
	r := standard
	if path == "-" && standard != nil {
		s.Path = "standard input"
	} else {
		info, err := os.Stat(path)
		if err != nil || info.Mode().IsRegular() {
			return s, err
		}
		f, err := os.Open(path)
		if err != nil {
			return s, err
		}
		defer f.Close()
		r = f
	}
	content, err := io.ReadAll(io.LimitReader(r, mostPiped+1))
	if err == nil && len(content) > mostPiped {
		err = fmt.Errorf("%s: more than %d bytes: copy the data to a file", s.Path, mostPiped)
	}
	s.Content = content
	return s, err
}

// hash is that of the bytes as they are stored.
func (s Source) hash() (string, error) {
	if s.Content == nil {
		return HashFile(s.Path)
	}
	sum := sha256.Sum256(s.Content)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// open opens the bytes as they are stored.
func (s Source) open() (io.ReadCloser, error) {
	if s.Content != nil {
		return io.NopCloser(bytes.NewReader(s.Content)), nil
	}
	return os.Open(s.Path)
}

// binaries are formats that hold no text, by their first bytes.
var binaries = []struct{ magic, name string }{
	{"PK\x03\x04", "a ZIP archive, such as .npz, .xlsx or .pt"},
	{"BZh", "compressed with bzip2"}, {"\xfd7zXZ", "compressed with xz"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd"},
	{"\x80\x02", "a Python pickle"}, {"\x80\x03", "a Python pickle"},
	{"\x80\x04", "a Python pickle"}, {"\x80\x05", "a Python pickle"},
	{"\x89HDF", "an HDF5 file"}, {"MATLAB", "a MATLAB file"}, {"PAR1", "a Parquet file"},
	{"\x89PNG", "a picture"}, {"\xff\xd8\xff", "a picture"}, {"%PDF", "a PDF"},
}

// plain undoes gzip and byte order marks.
func plain(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if head, _ := b.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		b = bufio.NewReaderSize(z, 1<<16)
	}
	head, err := b.Peek(512)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		b.Discard(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		return wide(b)
	}
	for _, f := range binaries {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return nil, fmt.Errorf("%w: %s: export the table as text, or the votes as .npy",
				errNoTable, f.name)
		}
	}
	if bytes.IndexByte(head, 0) >= 0 && !bytes.HasPrefix(head, []byte(npy.Magic)) {
		return nil, fmt.Errorf("%w: not text", errNoTable)
	}
	return b, nil
}

// wide reads UTF-16, as Excel and PowerShell write it.
func wide(r io.Reader) (*bufio.Reader, error) {
	all, err := io.ReadAll(io.LimitReader(r, mostPiped))
	if err == nil && len(all)%2 != 0 {
		err = errors.New("UTF-16 of an odd number of bytes")
	}
	if err != nil {
		return nil, err
	}
	units, high := make([]uint16, 0, len(all)/2), int(1)
	if all[0] == 0xfe {
		high = 0
	}
	for i := 2; i < len(all); i += 2 {
		units = append(units, uint16(all[i+high])<<8|uint16(all[i+1-high]))
	}
	return bufio.NewReader(bytes.NewReader([]byte(string(utf16.Decode(units))))), nil
}
