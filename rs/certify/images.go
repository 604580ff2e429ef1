package certify

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
)

// Images is a file of perturbed images in NumPy's format, float32 of shape [rows, h, w, c], for
// numpy.load. A row belongs to a row of a table of attacks. It is 0 where no attack succeeded, or
// where none was made yet. Rows are written in place, so an interrupted run can continue. Equal
// attacks leave equal bytes.
type Images struct {
	Rows int
	size [3]int
	head int64 // bytes before the first row
	f    *os.File
}

// headOf is the header of a file: format 1.0, its length a multiple of 64 bytes.
func headOf(rows int, size [3]int) string {
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }", rows,
		size[0], size[1], size[2])
	const before = len("\x93NUMPY") + 4
	text += strings.Repeat(" ", 63-(before+len(text))%64) + "\n"
	length := binary.LittleEndian.AppendUint16(nil, uint16(len(text)))
	return "\x93NUMPY\x01\x00" + string(length) + text
}

// CreateImages makes a file of this many rows of 0. It replaces an older file.
func CreateImages(path string, rows int, size [3]int) (*Images, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	head := headOf(rows, size)
	m := &Images{Rows: rows, size: size, head: int64(len(head)), f: f}
	if _, err = f.WriteString(head); err == nil {
		err = f.Truncate(m.offset(rows))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

// OpenImages opens a file of images of that size, with flag os.O_RDONLY to read or os.O_RDWR to
// write. The zero size takes the file's.
func OpenImages(path string, size [3]int, flag int) (m *Images, err error) {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text := make([]byte, min(info.Size(), 256))
	if _, err := f.ReadAt(text, 0); err != nil {
		return nil, err
	}
	_, shape, _ := strings.Cut(string(text), "'shape': (")
	var rows int
	var there [3]int
	_, err = fmt.Sscanf(shape, "%d, %d, %d, %d", &rows, &there[0], &there[1], &there[2])
	if size == ([3]int{}) {
		size = there
	}
	if err != nil || rows < 0 || min(size[0], size[1], size[2]) < 1 ||
		!strings.HasPrefix(string(text), headOf(rows, size)) {
		return nil, fmt.Errorf("%s: not a NumPy file of float32 images [rows, %d, %d, %d]", path,
			size[0], size[1], size[2])
	}
	m = &Images{Rows: rows, size: size, head: int64(len(headOf(rows, size))), f: f}
	if want := m.offset(rows); int64(rows) > info.Size() || info.Size() != want {
		return nil, fmt.Errorf("%s: %d bytes, but %d images take %d", path, info.Size(), rows, want)
	}
	return m, nil
}

// values of an image.
func (m *Images) values() int { return m.size[0] * m.size[1] * m.size[2] }

func (m *Images) offset(row int) int64 { return m.head + 4*int64(row)*int64(m.values()) }

// Put writes a row, [h, w, c]. A nil image writes 0.
func (m *Images) Put(row int, image []float32) error {
	if row < 0 || row >= m.Rows || image != nil && len(image) != m.values() {
		return fmt.Errorf("%s: row %d of %d values, among %d of %d", m.f.Name(), row, len(image),
			m.Rows, m.values())
	}
	bytes := make([]byte, 4*m.values())
	for i, v := range image {
		binary.LittleEndian.PutUint32(bytes[4*i:], math.Float32bits(v))
	}
	_, err := m.f.WriteAt(bytes, m.offset(row))
	return err
}

// Row reads a row, [h, w, c].
func (m *Images) Row(row int) ([]float32, error) {
	if row < 0 || row >= m.Rows {
		return nil, fmt.Errorf("%s: no row %d among %d", m.f.Name(), row, m.Rows)
	}
	bytes := make([]byte, 4*m.values())
	if _, err := m.f.ReadAt(bytes, m.offset(row)); err != nil {
		return nil, err
	}
	image := make([]float32, m.values())
	for i := range image {
		image[i] = math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*i:]))
	}
	return image, nil
}

// At reads a row. It checks that the row lies at the table's distance from the image. Both are [h,
// w, c].
func (m *Images) At(row int, image []float32, distance float64) ([]float32, error) {
	perturbed, err := m.Row(row)
	if err != nil {
		return nil, err
	}
	if len(image) != len(perturbed) {
		return nil, fmt.Errorf("%s: row %d has %d values, its image %d", m.f.Name(), row,
			len(perturbed), len(image))
	}
	// Another processor's sum may end otherwise.
	if at := Distance(perturbed, image); !(math.Abs(at-distance) <= 1e-9*distance) {
		return nil, fmt.Errorf("%s: row %d lies at %.9g from its image, not at %.9g", m.f.Name(),
			row, at, distance)
	}
	return perturbed, nil
}

// Sync puts the rows on disk.
func (m *Images) Sync() error { return m.f.Sync() }

// Close closes the file.
func (m *Images) Close() error { return m.f.Close() }

// Distance returns the l2 distance of two images, [h, w, c], rounded up.
func Distance(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		d := float64(v) - float64(b[i])
		sum += d * d
	}
	return math.Sqrt(sum) * (1 + float64(len(a))*0x1p-52)
}
