package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/terminal"
)

// trainingProgress shows steps and the loss on a terminal. Elsewhere it is nil.
func trainingProgress(w io.Writer) func(done, total int, loss float64) {
	if terminal.Width(w) == 0 {
		return nil
	}
	var p *terminal.Progress
	last := 0
	return func(done, total int, loss float64) {
		if p == nil || done <= last { // the next point of a sweep
			p = terminal.NewProgress(w, "", "steps", done-1, total)
		}
		p.What = fmt.Sprintf("training, loss %.3f", loss)
		p.At(done)
		last = done
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
