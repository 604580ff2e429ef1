package peers

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/python"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

//go:embed peer.py
var script []byte

// Files are the files of a net in a folder: the ones that a child reads, and the ONNX file that the
// child of ONNX Runtime writes.
type Files struct {
	script, weights, ONNX string
	side                  int
}

// WriteFiles writes them.
func WriteFiles(dir string, n *Net) (Files, error) {
	f := Files{filepath.Join(dir, "peer.py"), filepath.Join(dir, "weights.f32"),
		filepath.Join(dir, "weights.onnx"), n.side}
	var weights bytes.Buffer
	if _, err := n.WriteTo(&weights); err != nil {
		return Files{}, err
	}
	return f, errors.Join(os.WriteFile(f.script, script, 0o666),
		os.WriteFile(f.weights, weights.Bytes(), 0o666))
}

// Command is a peer's command line. An empty precision is float32.
func (f Files) Command(python string, p Peer, precision string) []string {
	batch := Batch
	if f.side > 2*Side {
		batch /= 4
	}
	// Isolated: neither PYTHONPATH nor the user's own packages take a pinned one's place.
	return []string{python, "-I", f.script, p.Name, f.weights, strconv.Itoa(batch),
		fmt.Sprint(Sigma), strconv.Itoa(Width), strconv.Itoa(f.side),
		cmp.Or(precision, countlog.Float32)}
}

// Child is a peer as a process, which waits between requests. peer.py has the protocol. A Child is
// not for concurrent use.
type Child struct {
	name, version string
	cmd           *exec.Cmd
	in            io.WriteCloser
	out           *bufio.Reader
	stderr        bytes.Buffer
}

// Platforms is JAX's variable of the platforms to run on. Unset, a peer runs on the CPU.
const Platforms = "JAX_PLATFORMS"

// Start starts a peer and returns when it is warm. The end of ctx ends it.
func Start(ctx context.Context, name string, command []string) (*Child, error) {
	c := &Child{name: name, cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	c.cmd.Env = append(os.Environ(), "XLA_PYTHON_CLIENT_PREALLOCATE=false",
		Platforms+"="+cmp.Or(os.Getenv(Platforms), "cpu"))
	c.cmd.Stderr = &c.stderr
	c.cmd.WaitDelay = time.Second // of processes it started
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c.out = bufio.NewReader(out)
	words, err := c.answer("start")
	if err == nil && (len(words) != 2 || words[0] != "ready") {
		err = c.fail(fmt.Errorf("answers %q, not that it is ready", strings.Join(words, " ")))
	}
	if err != nil {
		return nil, err
	}
	c.version = words[1]
	return c, nil
}

func (c *Child) Name() string    { return c.name }
func (c *Child) Version() string { return c.version }

// answer reads one; that of a child that ended is an error of its last words.
func (c *Child) answer(request string) (words []string, err error) {
	line, err := c.out.ReadString('\n')
	if err == io.EOF {
		err = errors.New("ended")
	}
	if err != nil {
		return nil, c.fail(fmt.Errorf("%s: %w", request, err))
	}
	return strings.Fields(line), nil
}

// numbers asks for count numbers.
func (c *Child) numbers(request string, count int) ([]float64, error) {
	if _, err := io.WriteString(c.in, request+"\n"); err != nil {
		return nil, c.fail(fmt.Errorf("%s: %w", request, err))
	}
	words, err := c.answer(request)
	if err != nil {
		return nil, err
	}
	x := make([]float64, len(words))
	for i, word := range words {
		if x[i], err = strconv.ParseFloat(word, 64); err != nil {
			break
		}
	}
	if err != nil || len(x) != count {
		return nil, fmt.Errorf("%s: answers %q to %q, not %d numbers", c.name,
			strings.Join(words, " "), request, count)
	}
	return x, nil
}

// Logits are those of the image without noise, [10].
func (c *Child) Logits(context.Context) ([]float64, error) { return c.numbers("logits", Classes) }

// Run takes vote steps for so many seconds, or a little longer, and returns images a second.
func (c *Child) Run(_ context.Context, seconds float64) (rate float64, err error) {
	x, err := c.numbers(fmt.Sprintf("run %g", seconds), 2)
	if err != nil {
		return 0, err
	}
	if rate = x[0] / x[1]; !(rate > 0) || math.IsInf(rate, 1) {
		return 0, fmt.Errorf("%s: %g images in %g seconds", c.name, x[0], x[1])
	}
	return rate, nil
}

// fail ends the child and adds its last words to what went wrong.
func (c *Child) fail(err error) error {
	c.Close()
	return fmt.Errorf("%s: %w%s", c.name, err, python.LastWords(c.stderr.String()))
}

// Close ends the child with its stdin.
func (c *Child) Close() {
	c.in.Close()
	_ = c.cmd.Wait()
}
