package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// terminal reports whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress returns a function to call with how many of total are done: a bar on a terminal, a line
// every ten seconds elsewhere. begun is how many there were at the start.
func progress(w io.Writer, what, unit string, begun, total int) func(done int) {
	if terminal(w) {
		if begun > 0 {
			what += fmt.Sprintf(" (%d done before)", begun)
		}
		bar := progressbar.NewOptions(total-begun, progressbar.OptionSetWriter(w),
			progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(unit),
			progressbar.OptionOnCompletion(func() { fmt.Fprintln(w) }))
		_ = bar.RenderBlank() // the rate counts from here
		return func(done int) { _ = bar.Set(done - begun) }
	}
	start := time.Now()
	said := start
	return func(done int) {
		now := time.Now()
		if now.Sub(said) < 10*time.Second {
			return
		}
		said = now
		rate := float64(done-begun) / now.Sub(start).Seconds()
		fmt.Fprintf(w, "%s: %d of %d %s, %.2f %s/s, %s left\n", what, done, total, unit, rate, unit,
			time.Duration(float64(total-done)/rate*1e9).Round(time.Second))
	}
}

// waiting prints a line if a wait takes three seconds, and returns what ends the wait.
func waiting(w io.Writer, line string) (end func()) {
	ended, said := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(said)
		select {
		case <-ended:
		case <-time.After(3 * time.Second):
			fmt.Fprintln(w, line)
		}
	}()
	return func() { close(ended); <-said }
}
