package data

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"
)

// numbered is a dataset of n images of 4×4×1: pixel p of image i is i, or 1+p if ramp.
func numbered(n int, ramp bool) *Dataset {
	d := &Dataset{Name: "numbered", Split: Train, Height: 4, Width: 4, Channels: 1,
		ClassNames: []string{"a", "b", "c"}}
	var data []byte
	for i := range n {
		for p := range 16 {
			if ramp {
				data = append(data, byte(1+p))
			} else {
				data = append(data, byte(i))
			}
		}
		d.labels = append(d.labels, int32(i%3))
	}
	d.source = memory{data, 16}
	return d
}

func flat[T float32 | int32](t *testing.T, x *tensors.Tensor) []T {
	t.Helper()
	v, err := tensors.CopyFlatData[T](x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// take returns the first n batches as text of all their numbers.
func take(t *testing.T, seq iter.Seq2[train.Batch, error], n int) (all []string) {
	t.Helper()
	for b, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(flat[float32](t, b.Inputs[0]), flat[int32](t, b.Labels[0])))
		if len(all) == n {
			break
		}
	}
	return all
}

func TestBatches(t *testing.T) {
	d := numbered(11, false)
	b := &Batches{Dataset: d, BatchSize: 3, Seed: 5, Steps: 6}
	step := 0
	seen := map[int]bool{}
	for batch, err := range b.Iter() {
		if err != nil {
			t.Fatal(err)
		}
		x, y := batch.Inputs[0], batch.Labels[0]
		if x.Shape().String() != "(Float32)[3, 4, 4, 1]" || y.Shape().String() != "(Int32)[3, 1]" {
			t.Fatal(x.Shape(), y.Shape())
		}
		images, labels := flat[float32](t, x), flat[int32](t, y)
		for k := range 3 {
			i := int(images[k*16]*255 + 0.5)
			if int(labels[k]) != d.Label(i) {
				t.Errorf("image %d has label %d", i, labels[k])
			}
			if seen[i] {
				t.Errorf("step %d: image %d twice in an epoch", step, i)
			}
			seen[i] = true
		}
		if step++; step%b.PerEpoch() == 0 {
			clear(seen)
		}
	}
	if step != 6 || b.PerEpoch() != 3 {
		t.Errorf("%d steps, %d an epoch", step, b.PerEpoch())
	}
}

// TestResume goes on from each step as if nothing had stopped.
func TestResume(t *testing.T) {
	b := Batches{Dataset: numbered(11, false), BatchSize: 3, Seed: 7, Flip: true, Crop: 1}
	all := take(t, b.Iter(), 10)
	if again := take(t, b.Iter(), 10); !slices.Equal(again, all) {
		t.Error("a second pass differs")
	}
	for start := range 9 {
		r := b
		r.Start, r.Steps = start, 10-start
		if got := take(t, r.Iter(), 100); !slices.Equal(got, all[start:]) {
			t.Errorf("from step %d: differs", start)
		}
	}
	other := b
	other.Seed++
	if got := take(t, other.Iter(), 10); slices.Equal(got, all) {
		t.Error("the seed does not act")
	}
	if all[0] == all[3] || all[1] == all[4] {
		t.Error("the epoch does not act")
	}
}

// TestOrder freezes the order: a run of an older version can be resumed.
func TestOrder(t *testing.T) {
	for _, c := range []struct {
		seed  uint64
		epoch int
		want  string
	}{
		{0, 0, "[4 5 8 1 0 9 7 3 6 2]"},
		{0, 1, "[6 4 5 9 8 3 7 2 0 1]"},
		{1, 0, "[6 3 1 9 7 4 8 2 0 5]"},
	} {
		if got := fmt.Sprint(Order(10, c.seed, c.epoch)); got != c.want {
			t.Errorf("seed %d, epoch %d: %s, want %s", c.seed, c.epoch, got, c.want)
		}
	}
	sum := fnv.New64a()
	fmt.Fprint(sum, Order(60000, 3, 2))
	if got, want := sum.Sum64(), uint64(0xe4442bbc6fde9957); got != want {
		t.Errorf("sum %#x, want %#x", got, want)
	}
}

// TestWarp: a fifth of the images stay. The others move and turn on average by nothing, and their
// pixels keep their sum where nothing leaves the image.
func TestWarp(t *testing.T) {
	const side, count = 15, 1000
	mark := make([]byte, side*side)
	mark[7*side+11] = 255 // 4 pixels to the right of the centre
	d := &Dataset{Height: side, Width: side, Channels: 1, ClassNames: []string{"a"},
		labels: []int32{0}, source: memory{mark, side * side}}
	b := &Batches{Dataset: d, BatchSize: 1, Warp: true, Steps: count}
	same, x, y, sum := 0, 0.0, 0.0, 0.0
	for batch, err := range b.Iter() {
		if err != nil {
			t.Fatal(err)
		}
		image := flat[float32](t, batch.Inputs[0])
		if image[7*side+11] == 1 {
			same++
		}
		of, cx, cy := 0.0, 0.0, 0.0
		for i, v := range image {
			of, cx, cy = of+float64(v), cx+float64(v)*float64(i%side), cy+float64(v)*float64(i/side)
		}
		x, y, sum = x+cx/of, y+cy/of, sum+of
		if d := math.Hypot(cx/of-11, cy/of-7); d > 3 {
			t.Errorf("a pixel moved by %v", d)
		}
	}
	for _, c := range []struct {
		name           string
		got, want, off float64
	}{
		{"images that stay", float64(same) / count, 0.2, 0.07},
		{"column", x / count, 11, 0.1}, {"row", y / count, 7, 0.1}, {"sum", sum / count, 1, 0.05},
	} {
		if !(math.Abs(c.got-c.want) <= c.off) {
			t.Errorf("%s: %v, want %v ± %v", c.name, c.got, c.want, c.off)
		}
	}
}

func TestFlipAndCrop(t *testing.T) {
	ramp := make([]float32, 16)
	for p := range ramp {
		ramp[p] = float32(1+p) / 255
	}
	count := func(flip bool, crop int) map[string]int {
		b := &Batches{Dataset: numbered(1, true), BatchSize: 1, Flip: flip, Crop: crop, Steps: 400}
		seen := map[string]int{}
		for batch, err := range b.Iter() {
			if err != nil {
				t.Fatal(err)
			}
			got := flat[float32](t, batch.Inputs[0])
			// Each image is the ramp, flipped or not, shifted, with its edge repeated.
			found := ""
			for _, f := range []bool{false, true} {
				for down := -crop; down <= crop; down++ {
					for right := -crop; right <= crop; right++ {
						want := make([]float32, 16)
						for y := range 4 {
							for x := range 4 {
								sy, sx := min(max(y-down, 0), 3), min(max(x-right, 0), 3)
								if f {
									sx = 3 - sx
								}
								want[y*4+x] = ramp[sy*4+sx]
							}
						}
						if slices.Equal(got, want) {
							found = fmt.Sprint(f, down, right)
						}
					}
				}
			}
			if found == "" {
				t.Fatalf("flip %v, crop %d: no shift of the image: %v", flip, crop, got)
			}
			seen[found]++
		}
		return seen
	}
	for _, c := range []struct {
		flip       bool
		crop, want int
	}{{false, 0, 1}, {true, 0, 2}, {false, 1, 9}, {true, 1, 18}} {
		seen := count(c.flip, c.crop)
		if len(seen) != c.want {
			t.Errorf("flip %v, crop %d: %d variants, want %d: %v", c.flip, c.crop, len(seen),
				c.want, seen)
		}
		for v, n := range seen {
			if mean := 400 / c.want; n < mean/4 || n > 3*mean {
				t.Errorf("flip %v, crop %d: %s drawn %d times, want about %d", c.flip, c.crop, v, n,
					mean)
			}
		}
	}
}

func TestSequence(t *testing.T) {
	d := numbered(5, false)
	read := func(s *Sequence) (images, sizes []int) {
		for b, err := range s.Iter() {
			if err != nil {
				t.Fatal(err)
			}
			x := flat[float32](t, b.Inputs[0])
			sizes = append(sizes, len(x)/16)
			for k := range len(x) / 16 {
				images = append(images, int(x[k*16]*255+0.5))
			}
		}
		return images, sizes
	}
	for _, c := range []struct {
		s    *Sequence
		want string
	}{
		{&Sequence{Dataset: d, BatchSize: 2}, "[0 1 2 3 4] [2 2 1]"},
		{&Sequence{Dataset: d, BatchSize: 9, Limit: 3}, "[0 1 2] [3]"},
		{&Sequence{Dataset: d, BatchSize: 2, Indices: []int{4, 1, 3}}, "[4 1 3] [2 1]"},
		{&Sequence{Dataset: d, BatchSize: 2, Indices: []int{4, 1, 3}, Limit: 2}, "[4 1] [2]"},
	} {
		images, sizes := read(c.s)
		if got := fmt.Sprint(images, sizes); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestBatchErrors(t *testing.T) {
	d := numbered(5, false)
	files := imageTree().fs()
	broken, _, err := OpenFS(files, "set")
	if err != nil {
		t.Fatal(err)
	}
	file := files["train/dog/0001.png"] // which breaks after it was checked
	file.Data, broken.source.(*imageFiles).cache = file.Data[:60], nil
	for _, c := range []struct {
		set  train.Dataset
		want string
	}{
		{&Batches{Dataset: d, BatchSize: 6}, "batch size 6 for 5 images"},
		{&Batches{Dataset: d, BatchSize: 0}, "batch size 0"},
		{&Batches{Dataset: d, BatchSize: 1, Start: -1}, "start -1"},
		{&Batches{Dataset: d, BatchSize: 1, Crop: 4}, "crop 4"},
		{&Batches{Dataset: broken, BatchSize: 12}, "train/dog/0001.png"},
		{&Sequence{Dataset: d}, "batch size 0"},
		{&Sequence{Dataset: d, BatchSize: 1, Indices: []int{9}}, "no image 9"},
	} {
		n := 0
		var err error
		for _, err = range c.set.Iter() {
			if n++; n > 3 {
				break
			}
		}
		if err == nil || n != 1 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d batches, error %v, want %q", n, err, c.want)
		}
	}
	if _, err := NewBatches(d, 6, 0, 0); err == nil {
		t.Error("NewBatches takes a batch larger than the dataset")
	}
}

// TestPrefetchStops leaves no goroutine behind when the loop breaks off.
func TestPrefetchStops(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		take(t, (&Batches{Dataset: numbered(9, false), BatchSize: 2}).Iter(), 2)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func BenchmarkBatchesMNIST(b *testing.B) {
	d, err := Load("mnist", Test)
	if err != nil {
		b.Skip(err)
	}
	next, stop := iter.Pull2((&Batches{Dataset: d, BatchSize: 256}).Iter())
	defer stop()
	for b.Loop() {
		batch, err, _ := next()
		if err != nil {
			b.Fatal(err)
		}
		batch.Finalize()
	}
}
