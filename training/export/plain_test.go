package export_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
	"github.com/lipsmooth/lipsmooth/training/plain"
)

// A plain network has, as a file, the logits that it has here.
func TestPlain(t *testing.T) {
	pure, err := device.PureGo() // compiles nothing
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	lenet, err := net.New(lip.Size{16, 16, 1}, classes, net.Setting{Architecture: "lenet"})
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := net.Of(lip.Size{7, 9, 2}, plain.Convolution{Kernel: 3, Channels: 3, Norm: true},
		plain.Block{Channels: 3}, plain.Block{Channels: 4, Stride: 2}, plain.GlobalMean{},
		lip.Dense{Kind: "free", Units: classes})
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]*net.Network{"lenet": lenet, "blocks": blocks} {
		t.Run(name, func(t *testing.T) {
			weights, path := random(t, n), filepath.Join(dir, name+".onnx")
			if first := write(t, path, n, weights); !bytes.Equal(first, write(t, path, n, weights)) {
				t.Error("written again, it has other bytes")
			}
			if _, err := onnx.Library(); err != nil {
				t.Skip(err)
			}
			m, err := onnx.Open(path, onnx.Options{Size: [3]int(n.In), Layout: onnx.NCHW})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			x := images(count, n.In)
			theirs, err := m.Logits(x, count)
			if err != nil {
				t.Fatal(err)
			}
			most, size := apart(t, ours(t, pure, n, weights, x), theirs)
			t.Logf("%.2g apart at most, of %.2g", most, size)
			if !(most <= tolerance*max(1, size)) || size < 0.05 {
				t.Errorf("logits are %g apart, the largest %g", most, size)
			}
		})
	}
}
