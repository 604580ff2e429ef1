package peers

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"slices"
	"testing"

	_ "github.com/gomlx/compute/gobackend"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// reference is the net by its definition, in float64. SAME padding with stride 2 on an even side
// adds a row at the end (TensorFlow's rule).
func reference(n *Net) []float64 {
	h, height := make([]float64, len(n.Image)), n.side // [height, height, in]
	for i, v := range n.Image {
		h[i] = float64(v)
	}
	for i, c := range convolutions {
		begin, out := (3-c.stride)/2, height/c.stride
		next := make([]float64, out*out*c.out)
		for y := range out {
			for x := range out {
				sum := next[(y*out+x)*c.out:][:c.out]
				for j := range 9 {
					row, column := y*c.stride+j/3-begin, x*c.stride+j%3-begin
					if min(row, column) < 0 || max(row, column) >= height {
						continue
					}
					for in := range c.in {
						v := h[(row*height+column)*c.in+in]
						for o := range sum {
							sum[o] += v * float64(n.kernels[i][(j*c.in+in)*c.out+o])
						}
					}
				}
				for o, v := range sum {
					sum[o] = max(v, 0)
				}
			}
		}
		h, height = next, out
	}
	z := make([]float64, Classes)
	for i, v := range h {
		for k := range z {
			z[k] += v / float64(height*height) * float64(n.dense[i%(2*Width)*Classes+k])
		}
	}
	return z
}

func TestNet(t *testing.T) {
	backend, err := device.PureGo()
	if err != nil {
		t.Fatal(err)
	}
	n := NewNet(1, Side)
	want := reference(n)
	z, err := n.Logits(backend)
	if err != nil || len(z) != Classes {
		t.Fatal(z, err)
	}
	for i, v := range z {
		if !(math.Abs(v-want[i]) < 1e-5) {
			t.Errorf("logit %d is %v, want %v", i, v, want[i])
		}
	}
	if again := NewNet(1, Side); !slices.Equal(again.dense, n.dense) ||
		!slices.Equal(again.Image, n.Image) {
		t.Error("equal seeds, unequal nets")
	}
	if other := NewNet(2, Side); slices.Equal(other.dense, n.dense) ||
		slices.Equal(other.Image, n.Image) {
		t.Error("the seed doesn't act")
	}
}

// What children read is the image, the kernels and the dense weights, nothing else.
func TestFiles(t *testing.T) {
	n := NewNet(1, Side)
	f, err := WriteFiles(t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(f.weights)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(raw)/4)
	if err := binary.Read(bytes.NewReader(raw), binary.LittleEndian, got); err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(n.Image, n.kernels[0], n.kernels[1], n.kernels[2], n.kernels[3], n.dense)
	if !slices.Equal(got, want) || len(want) != 3072+9*(3*32+32*32+32*64+64*64)+640 {
		t.Errorf("%d values, want %d", len(got), len(want))
	}
	command := f.Command("python", List[0], "")
	if want := []string{"python", "-I", f.script, "jax", f.weights, "400", "0.25", "32", "32",
		"float32"}; !slices.Equal(command, want) {
		t.Error(command)
	}
}
