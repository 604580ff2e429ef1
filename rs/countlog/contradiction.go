package countlog

import (
	"fmt"
	"iter"

	"github.com/lipsmooth/lipsmooth/rs"
)

// contradictionAlpha is the probability that the rows contradict a constant that is right.
const contradictionAlpha = 1e-6

// Contradiction is the error of rows that show a larger Lipschitz constant than their run says.
type Contradiction struct {
	Lambda rs.Constant // of the run
	Index  int         // of the example that shows most
	Least  float64     // a lower confidence bound on the constant
}

func (c *Contradiction) Error() string {
	return fmt.Sprintf("Λ = %g is %s, but the margins of example %d show a Lipschitz constant of at "+
		"least %.4g", c.Lambda.Value(), c.Lambda.Source(), c.Index, c.Least)
}

// Contradicted is [Run.Contradicted] by the log's rows.
func (l *Log) Contradicted() error { return l.Run.Contradicted(l.Rows()) }

// Contradicted returns a [Contradiction] if the run's rows show a larger Lipschitz constant than
// the run says. If the run's constant is right, the probability of a contradiction is at most
// 1e-6.
func (r *Run) Contradicted(rows iter.Seq2[*rs.Evidence, error]) error {
	lambda := r.Model.Lambda
	if !lambda.Known() {
		return nil
	}
	worst, at := lambda.Value(), -1
	for e, err := range rows {
		if err != nil {
			return err
		}
		least, err := e.LeastLipschitz(r.Dataset.Dimension,
			contradictionAlpha/float64(r.Examples.Count))
		if err != nil {
			return err
		}
		if least > worst {
			worst, at = least, e.Index
		}
	}
	if at < 0 {
		return nil
	}
	return &Contradiction{lambda, at, worst}
}
