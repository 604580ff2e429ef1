package figures

import "fmt"

// Lacking is the error of a figure whose input wasn't made: no attack, no sweep, no other run.
type Lacking struct{ Figure, What string }

func (e *Lacking) Error() string { return fmt.Sprintf("figure %s: %s", e.Figure, e.What) }

// lacks says what isn't there, and what makes it.
func lacks(figure, what, needs string) error {
	return &Lacking{figure, what + ": lipsmooth " + needs}
}
