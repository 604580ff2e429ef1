package countlog

import (
	"fmt"
	"math"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Accuracy is how often the answers of a run's rows are the label. It is a description of the rows,
// and no certificate.
type Accuracy struct {
	Rows, Labelled int
	Clean          int // rows whose class without noise is the label
	Cleans         int // labelled rows that have a class without noise
	Noisy          int // rows whose class selected under noise is the label
	Classes        int
}

// Accuracy counts over all rows of the log.
func (l *Log) Accuracy() (a Accuracy, err error) {
	a.Classes = l.Run.Dataset.Classes
	for e, err := range l.Rows() {
		if err != nil {
			return a, err
		}
		a.Rows++
		if e.Label == rs.Abstain {
			continue
		}
		a.Labelled++
		if e.Class == e.Label {
			a.Noisy++
		}
		if e.Clean.Class == rs.Abstain {
			continue
		}
		a.Cleans++
		if e.Clean.Class == e.Label {
			a.Clean++
		}
	}
	return a, nil
}

// String is one line for a person.
func (a Accuracy) String() string {
	if a.Labelled == 0 {
		return fmt.Sprintf("no accuracy: none of the %d images has a label", a.Rows)
	}
	text := fmt.Sprintf("under noise %.2f", float64(a.Noisy)/float64(a.Labelled))
	if a.Cleans > 0 {
		text = fmt.Sprintf("clean accuracy %.2f, %s", float64(a.Clean)/float64(a.Cleans), text)
	}
	if a.Labelled < a.Rows {
		text += fmt.Sprintf(", of the %d images of %d that have a label", a.Labelled, a.Rows)
	}
	return text
}

// leastRows are too few to tell a guess from a good answer.
const leastRows = 10

// Guessed reports whether the clean accuracy is no better than that of a classifier that guesses,
// by a standard deviation.
func (a Accuracy) Guessed() bool {
	n, p := float64(a.Cleans), 1/float64(max(1, a.Classes))
	return a.Cleans >= leastRows && float64(a.Clean) <= n*p+math.Sqrt(n*p*(1-p))
}
