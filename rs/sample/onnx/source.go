package onnx

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// source is a file and the session that runs it.
type source struct {
	path, version string
	text          []byte // until the session has it
	bytes         int64
	hash          string // as Model.Hash
	file          *file
	session       *session
	batches
}

// feed is what an input is given.
type feed struct {
	values []float32
	shape  []int64
}

// limit of a protobuf file.
const limit = math.MaxInt32

// read parses a file, hashes it and the weights that lie elsewhere, and looks for NaN in these.
func read(path string) (s source, err error) {
	s.path = path
	if err := Foreign(path); err != nil {
		return s, err
	}
	if info, err := os.Stat(path); err != nil {
		return s, errors.Unwrap(err)
	} else if s.bytes = info.Size(); s.bytes > limit || !info.Mode().IsRegular() {
		return s, onnxfile.ErrBroken
	}
	if s.text, err = os.ReadFile(path); err != nil {
		return s, err
	}
	if s.file, err = parse(s.text); err != nil {
		if bytes.HasPrefix(s.text, []byte("version https://git-lfs")) {
			err = errors.New("a pointer of Git LFS, which stands for the file: fetch it with git lfs pull")
		}
		return s, err
	}
	sum := sha256.Sum256(s.text)
	s.hash = hex.EncodeToString(sum[:])
	if s.file.nan != "" {
		return s, fmt.Errorf("the weights %s hold NaN", s.file.nan)
	}
	byFile := map[string][]stored{}
	for _, w := range s.file.external {
		byFile[w.location] = append(byFile[w.location], w)
	}
	hashes := []string{s.hash}
	for _, location := range slices.Sorted(maps.Keys(byFile)) {
		if !filepath.IsLocal(location) {
			return s, fmt.Errorf("its weights are to be read from %q, outside of its folder", location)
		}
		hash, err := hashStored(filepath.Join(filepath.Dir(path), location), byFile[location])
		if errors.Is(err, os.ErrNotExist) {
			return s, fmt.Errorf("the file of its weights is missing: %s, beside it", location)
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", location, err)
		}
		hashes = append(hashes, hash)
	}
	if len(hashes) > 1 {
		s.hash = hashOf(hashes...)
	}
	return s, nil
}

// Hash returns the [Model.Hash] of a file at a path.
func Hash(path string) (string, error) {
	s, err := read(path)
	return s.hash, err
}

// hashOf is the SHA-256, in hex, of lines.
func hashOf(lines ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n") + "\n"))
	return hex.EncodeToString(sum[:])
}

// start makes the session.
func (s *source) start(output value, inputs ...value) (err error) {
	if s.version, err = start(); err != nil {
		return err
	}
	folder, err := filepath.Abs(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	if s.session, err = newSession(s.text, folder, inputs, output); err != nil {
		return explain(err, s.version)
	}
	s.text = nil
	return nil
}

// Close frees the session; no call may be under way.
func (s *source) Close() error {
	if s.session == nil {
		return nil
	}
	open := s.session
	s.session = nil
	return open.close()
}

// hashStored hashes a file of weights, and looks for NaN in each.
func hashStored(path string, all []stored) (hash string, err error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	sum := sha256.New()
	total, err := io.Copy(sum, in)
	if err != nil {
		return "", err
	}
	part := make([]byte, 1<<20) // a multiple of every element
	for _, s := range all {
		if s.length < 0 {
			s.length = total - s.offset
		}
		if s.length < 0 || s.offset > total || s.length > total-s.offset {
			return "", fmt.Errorf("truncated: %d bytes, and the weights %q are to end at %d", total,
				s.name, s.offset+max(0, s.length))
		}
		for r := io.NewSectionReader(in, s.offset, s.length); ; {
			n, err := io.ReadFull(r, part)
			if hasNaN(s.kind, part[:n]) {
				return "", fmt.Errorf("the weights %q hold NaN", s.name)
			}
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				break
			}
			if err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// unknown is how ONNX Runtime says that it doesn't know an operator.
var unknown = regexp.MustCompile(`([\w.:]+)\(-?\d*\) is not a registered function/op|` +
	`No Op registered for (\w+)|find an implementation for (\w+)`)

// place is where in its C++ sources ONNX Runtime found an error: file, line and signature.
var place = regexp.MustCompile(`\S+\.(?:h|cc|cpp|hpp|cuh?):\d+ ` +
	`[^(]*\((?:[^()]|\([^()]*\))*\)(?: const)?(?: \[with [^\]]*\])?:? `)

// explain cuts an error of ONNX Runtime to its message, and names the operator that it doesn't
// have.
func explain(err error, version string) error {
	text := err.Error()
	if f := unknown.FindStringSubmatch(text); f != nil {
		return fmt.Errorf("ONNX Runtime %s has no operator %s", version, cmp.Or(f[1:]...))
	}
	for _, before := range []string{"Error creating C session: ", "Error running network: "} {
		text = strings.TrimPrefix(text, before)
	}
	return errors.New(place.ReplaceAllString(text, ""))
}
