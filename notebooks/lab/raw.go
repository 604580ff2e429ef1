package lab

import (
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// WriteRaw writes the first images of a dataset for other programs to read. dir/images.u8 is
// [count, height, width, channels], one byte each. dir/labels.u8 is [count].
func WriteRaw(dir string, d *data.Dataset, count int) {
	var images, labels []byte
	for i := range min(count, d.Len()) {
		images = append(images, Must(d.Pixels(i))...)
		labels = append(labels, byte(d.Label(i)))
	}
	for name, text := range map[string][]byte{"images.u8": images, "labels.u8": labels} {
		if err := atomic.WriteBytes(filepath.Join(dir, name), text); err != nil {
			panic(err)
		}
	}
}
