package peers

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// fakePeer says how the test's binary behaves as a child.
const fakePeer = "LIPSMOOTH_TEST_FAKE_PEER"

func TestMain(m *testing.M) {
	if as := os.Getenv(fakePeer); as != "" {
		os.Exit(fake(as))
	}
	os.Exit(m.Run())
}

// fake is a peer that computes nothing.
func fake(as string) (status int) {
	if as == "absent" {
		fmt.Fprintln(os.Stderr, "Traceback of many lines\nModuleNotFoundError: No module named "+
			"'jax'")
		return 1
	}
	if as == "talks" {
		fmt.Println("welcome to this library")
	}
	fmt.Println("ready 1.2.3")
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		switch request := s.Text(); {
		case as == "dies":
			fmt.Fprintln(os.Stderr, "out of memory")
			return 3
		case as == "stalls" && request == "run 2":
			fmt.Println("0 2")
		case as == "mumbles":
			fmt.Println("well, about 7")
		case request == "logits":
			fmt.Println("0 1 2 3 4 5 6 7 8 9.5e-1")
		case request == "run 2":
			fmt.Println("4000 2.5")
		}
	}
	return 0
}

func start(t *testing.T, ctx context.Context, as string) (*Child, error) {
	t.Helper()
	t.Setenv(fakePeer, as)
	c, err := Start(ctx, "jax", []string{os.Args[0]})
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, err
}

func TestChild(t *testing.T) {
	c, err := start(t, t.Context(), "well")
	if err != nil {
		t.Fatal(err)
	}
	if c.Name() != "jax" || c.Version() != "1.2.3" {
		t.Errorf("%s %s", c.Name(), c.Version())
	}
	for range 2 {
		if rate, err := c.Run(t.Context(), 2); err != nil || rate != 1600 {
			t.Errorf("4000 images in 2.5 s are %v a second, %v", rate, err)
		}
		if z, err := c.Logits(t.Context()); err != nil ||
			!slices.Equal(z, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 0.95}) {
			t.Error(z, err)
		}
	}
}

// A child that doesn't keep to the protocol is an error of one line, with its last words.
func TestBadChild(t *testing.T) {
	logits := func(c *Child) error { _, err := c.Logits(context.Background()); return err }
	run := func(c *Child) error { _, err := c.Run(context.Background(), 2); return err }
	for _, test := range []struct {
		as   string
		ask  func(*Child) error
		want string
	}{
		{"absent", nil, "jax: start: ended: ModuleNotFoundError: No module named 'jax'"},
		{"talks", nil, `jax: answers "welcome to this library", not that it is ready`},
		{"dies", run, "jax: run 2: ended: out of memory"},
		{"dies", logits, "jax: logits: ended: out of memory"},
		{"stalls", run, "jax: 0 images in 2 seconds"},
		{"mumbles", run, `jax: answers "well, about 7" to "run 2", not 2 numbers`},
		{"mumbles", logits, `jax: answers "well, about 7" to "logits", not 10 numbers`},
	} {
		c, err := start(t, t.Context(), test.as)
		if test.ask != nil && err == nil {
			err = test.ask(c)
		}
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.as, err, test.want)
		}
	}
	if _, err := Start(t.Context(), "jax", []string{"no/such/python"}); err == nil ||
		!strings.HasPrefix(err.Error(), "jax: ") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c, err := start(t, ctx, "well")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := run(c); err == nil {
		t.Error("an interrupted child answers")
	}
}

// told is a contender that answers what it was told, and notes its turns.
type told struct {
	name   string
	logits []float64
	rates  []float64
	turns  *[]string
}

func (c *told) Name() string                              { return c.name }
func (c *told) Version() string                           { return "" }
func (c *told) Close()                                    {}
func (c *told) Logits(context.Context) ([]float64, error) { return c.logits, nil }
func (c *told) Run(_ context.Context, seconds float64) (rate float64, err error) {
	*c.turns = append(*c.turns, fmt.Sprint(c.name, " ", seconds))
	if len(c.rates) == 0 {
		return 0, fmt.Errorf("%s: no more", c.name)
	}
	rate, c.rates = c.rates[0], c.rates[1:]
	return rate, nil
}

func TestAlternate(t *testing.T) {
	var turns []string
	list := []Contender{&told{name: "a", rates: []float64{10, 20, 30}, turns: &turns},
		&told{name: "b", rates: []float64{5, 4, 60}, turns: &turns}}
	var rounds []int
	rates, err := Alternate(t.Context(), list, 3, 0.5, func(round int, _ []float64) {
		rounds = append(rounds, round)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(turns, ", "); got != "a 0.5, b 0.5, a 0.5, b 0.5, a 0.5, b 0.5" {
		t.Error(got)
	}
	if !slices.Equal(rounds, []int{0, 1, 2}) || fmt.Sprint(rates) != "[[10 5] [20 4] [30 60]]" {
		t.Error(rounds, rates)
	}
	if _, err := Alternate(t.Context(), list, 1, 1, nil); err == nil ||
		err.Error() != "a: no more" {
		t.Error(err)
	}
}

// The ratio is of rates of one round: its median isn't the ratio of medians, nor of the best.
func TestResults(t *testing.T) {
	for _, test := range []struct {
		rates [][]float64
		want  []Result
	}{
		// ratios 2, 5, 0.5
		{[][]float64{{10, 5}, {20, 4}, {30, 60}}, []Result{{30, 20, 1}, {60, 5, 2}}},
		// an even count: the middle of the two
		{[][]float64{{8, 4}, {6, 6}}, []Result{{8, 7, 1}, {6, 5, 1.5}}},
		// one round
		{[][]float64{{7, 14, 3.5}}, []Result{{7, 7, 1}, {14, 14, 0.5}, {3.5, 3.5, 2}}},
		// a slow round is one of three
		{[][]float64{{100, 50}, {100, 50}, {1, 0.25}}, []Result{{100, 100, 1}, {50, 50, 2}}},
	} {
		if got := Results(test.rates, 0); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.rates, got, test.want)
		}
	}
	if got := Results([][]float64{{10, 5}}, 1); got[0].Ratio != 0.5 || got[1].Ratio != 1 {
		t.Error(got)
	}
}

func TestAgree(t *testing.T) {
	of := func(z ...float64) Contender { return &told{name: fmt.Sprint("net", len(z)), logits: z} }
	if err := Agree(t.Context(), []Contender{of(1, 2), of(1.00009, 1.99991),
		of(0.99991, 2)}, Tolerance); err != nil {
		t.Error(err)
	}
	for want, other := range map[string]Contender{
		"net2 computes another net than net2: logit 1 of the image without noise is 2.0002, " +
			"not 2": of(1, 2.0002),
		"logit 0 of the image without noise is NaN": of(math.NaN(), 2),
		"net1 has 1 logits, net2 2":                 of(1),
	} {
		if err := Agree(t.Context(), []Contender{of(1, 2), of(1, 2), other},
			Tolerance); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestByNames(t *testing.T) {
	found, err := ByNames([]string{"onnxruntime", "torch"})
	if err != nil || len(found) != 2 || found[0].Name != "onnxruntime" ||
		found[1].Name != "torch-channels-last" {
		t.Error(found, err)
	}
	for want, names := range map[string][]string{
		`no peer "tensorflow"; known: jax, onnxruntime, torch-eager, torch-channels-last, ` +
			"torch-compile": {"jax", "tensorflow"},
		"jax is given twice":                     {"jax", "jax"},
		"no peer given; known: jax, onnxruntime": nil,
	} {
		if _, err := ByNames(names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", names, err, want)
		}
	}
	for _, p := range List {
		if !strings.Contains(string(script), fmt.Sprintf("\n    %q: ", p.Name)) {
			t.Errorf("peer.py has no %s", p.Name)
		}
		for _, r := range p.Requirements {
			if !strings.Contains(r, "==") {
				t.Errorf("%s: %s isn't pinned", p.Name, r)
			}
		}
	}
}
