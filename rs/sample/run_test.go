package sample_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// pictures are a dataset.
type pictures struct{}

func (pictures) Images(dst []float32, indices []int) error {
	for i, index := range indices {
		copy(dst[i*values:], picture(index))
	}
	return nil
}
func (pictures) Label(i int) int      { return i % classes }
func (pictures) Shape() ([3]int, int) { return size, classes }
func (pictures) Identity() (countlog.Dataset, error) {
	return countlog.Dataset{
		Name: "pictures", Hash: "sha256:1", Split: "test", Classes: classes, Size: 40,
	}, nil
}

func plan() countlog.Run {
	set, _ := pictures{}.Identity()
	return countlog.Run{
		Format:   countlog.Format,
		Model:    countlog.Model{Name: "dense", Hash: "sha256:0"},
		Dataset:  set,
		Examples: countlog.Spread(40, 20),
		Sigma:    0.3, N0: 30, N: 130, Seed: 7, Block: 50,
		MarginMax: 4, MarginBins: 64,
		Backend: "test",
	}
}

func samplerOf(t testing.TB, backend compute.Backend, r countlog.Run) *sample.Sampler {
	s, err := sample.SettingsOf(r)
	if err != nil {
		t.Fatal(err)
	}
	return newSampler(t, backend, dense(nil), s)
}

// sampleInto goes on with the run of a folder.
func sampleInto(ctx context.Context, p *sample.Sampler, dir string, r countlog.Run,
	each func(int)) error {
	w, err := countlog.Create(dir, r)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := p.Run(ctx, w, pictures{}, each); err != nil {
		return err
	}
	return w.Close()
}

func counts(t *testing.T, dir string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, countlog.CountsFile))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// dying ends after some questions, so in the middle of an example.
type dying struct {
	context.Context
	left *int
}

func (d dying) Err() error {
	if *d.left--; *d.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestRun(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		r := plan()
		p := samplerOf(t, backend, r)
		whole := t.TempDir()
		var seen []int
		if err := sampleInto(context.Background(), p, whole, r,
			func(n int) { seen = append(seen, n) }); err != nil {
			t.Fatal(err)
		}
		want := counts(t, whole)
		if len(seen) != 20 || seen[0] != 1 || !slices.IsSorted(seen) || seen[19] != 20 {
			t.Errorf("progress was %v", seen)
		}

		// A second sampler, in another order, draws the same rows.
		log, err := countlog.Open(whole)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := log.All()
		if err != nil {
			t.Fatal(err)
		}
		second := samplerOf(t, backend, r)
		for _, row := range slices.Backward(rows) {
			e, err := second.Evidence(example(picture(row.Index), row.Index, row.Label),
				ask(r.Sigma, r.N0, r.N, r.Seed))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*e, row) {
				t.Errorf("example %d by itself is\n%+v\nin the run\n%+v", row.Index, *e, row)
			}
		}

		// Stopped after rows, and in the middle of one.
		stopped := t.TempDir()
		for _, rows := range []int{1, 3, 8} {
			ctx, cancel := context.WithCancel(context.Background())
			err := sampleInto(ctx, p, stopped, r, func(n int) {
				if n == rows {
					cancel()
				}
			})
			cancel()
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("stopped after %d rows: %v", rows, err)
			}
			left := 6 // batches and rows
			err = sampleInto(dying{context.Background(), &left}, second, stopped, r, nil)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("stopped in an example: %v", err)
			}
			refused(t, err, "stopped with", "of 20 examples")
			if got := counts(t, stopped); !bytes.HasPrefix(want, got) ||
				bytes.Count(got, []byte("\n")) < 1+rows {
				t.Fatalf("the file after %d rows or more isn't the start of the whole one:\n%s", rows, got)
			}
		}
		if err := sampleInto(context.Background(), second, stopped, r, nil); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(counts(t, stopped), want) {
			t.Error("a stopped run isn't the whole one")
		}
	})
}

// An error, of the images or of the model, names the example, and the rows before it stay.
func TestRunErrors(t *testing.T) {
	backend := backends(t)[0]
	r := plan()
	p := samplerOf(t, backend, r)
	dir := t.TempDir()
	w, err := countlog.Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	refused(t, p.Run(context.Background(), w, broken{}, nil), "no such image")
	if w.Count() != 2 {
		t.Errorf("%d rows", w.Count())
	}
	refused(t, p.Run(context.Background(), w, small{}, nil), "example 4", "63 values")

	for name, s := range map[string]sample.Settings{
		"block":   {Block: r.Block + 1, Edges: r.Edges()},
		"edges":   {Block: r.Block, Edges: countlog.Edges(5, 64)},
		"margins": {Block: r.Block},
	} {
		err := newSampler(t, backend, dense(nil), s).Run(context.Background(), w, pictures{}, nil)
		if err == nil {
			t.Errorf("a sampler of another %s drew the run", name)
		} else {
			refused(t, err, "other settings")
		}
	}
	refused(t, newSampler(t, backend, constant([]float32{1, 2}),
		sample.Settings{Block: r.Block, Edges: r.Edges()}).Run(context.Background(), w, pictures{}, nil),
		"other settings")
	if w.Count() != 2 {
		t.Errorf("%d rows", w.Count())
	}
}

type broken struct{ pictures }

func (b broken) Images(dst []float32, indices []int) error {
	if indices[0] >= 4 {
		return errors.New("no such image")
	}
	return b.pictures.Images(dst, indices)
}

type small struct{ pictures }

func (small) Shape() ([3]int, int)          { return [3]int{1, 1, values - 1}, classes }
func (small) Images([]float32, []int) error { return nil }

const killedDir, killedBackend = "LIPSMOOTH_TEST_KILLED_DIR", "LIPSMOOTH_TEST_KILLED_BACKEND"

// A killed process leaves a folder that another finishes to the same bytes. The process is this
// test binary, told by its environment.
func TestKilled(t *testing.T) {
	r := plan()
	if dir := os.Getenv(killedDir); dir != "" {
		for _, b := range backends(t) {
			if b.Name() == os.Getenv(killedBackend) {
				slow := func(int) { time.Sleep(time.Millisecond) }
				if err := sampleInto(context.Background(), samplerOf(t, b, r), dir, r, slow); err != nil {
					t.Fatal(err)
				}
			}
		}
		return
	}
	onEach(t, func(t *testing.T, backend compute.Backend) {
		p := samplerOf(t, backend, r)
		whole := t.TempDir()
		if err := sampleInto(context.Background(), p, whole, r, nil); err != nil {
			t.Fatal(err)
		}
		want := counts(t, whole)
		dir := t.TempDir()
		for _, rows := range []int{0, 1, 7, 12} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
			cmd.Env = append(os.Environ(), killedDir+"="+dir, killedBackend+"="+backend.Name())
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			deadline := time.After(30 * time.Second)
			for {
				text, _ := os.ReadFile(filepath.Join(dir, countlog.CountsFile))
				if bytes.Count(text, []byte("\n")) > rows {
					break
				}
				select {
				case err := <-ended:
					t.Fatalf("the process ended before %d rows: %v\n%s", rows, err, &out)
				case <-deadline:
					cmd.Process.Kill()
					t.Fatalf("no %d rows after 30 s\n%s", rows, &out)
				case <-time.After(200 * time.Microsecond):
				}
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-ended
			got := counts(t, dir)
			t.Logf("killed after %d rows", bytes.Count(got, []byte("\n"))-1)
			if !bytes.HasPrefix(want, got) {
				t.Fatalf("killed after %d rows the file isn't the start of the whole one:\n%s", rows, got)
			}
		}
		if len(counts(t, dir)) == len(want) {
			t.Log("the process wasn't killed in time")
		}
		if err := sampleInto(context.Background(), p, dir, r, nil); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(counts(t, dir), want) {
			t.Error("a killed run isn't the whole one")
		}
	})
}
