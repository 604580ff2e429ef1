package training

import (
	"fmt"
	"slices"

	"github.com/lipsmooth/lipsmooth/training/net"
)

// Unproved is the error of what needs a Lipschitz constant of a plain network.
type Unproved struct{ Architecture string }

func (e *Unproved) Error() string {
	return fmt.Sprintf("nothing is proved of architecture %s: it has no Lipschitz bound Λ, and votes "+
		"alone certify it", e.Architecture)
}

// Unproved returns an *Unproved of a plain network, nil of others.
func (i *Info) Unproved() error {
	if net.IsPlain(i.Config.Architecture) {
		return &Unproved{i.Config.Architecture}
	}
	return nil
}

// plain says whether the config is of a plain network.
func (c *Config) plain() bool { return net.IsPlain(c.Architecture) }

// lipschitzOnly are the fields of Config that plain networks don't have. Their layers are fixed,
// and their loss is the cross-entropy of the logits.
var lipschitzOnly = []string{"conv", "dense", "residual", "activation", "padding", "last", "width",
	"loss", "offset", "temperature", "centring"}

// Takes says whether the architecture of c has the field.
func (f Field) Takes(c Config) bool {
	return !(c.plain() && slices.Contains(lipschitzOnly, f.Name))
}

// withoutLambda clears the fields that plain networks don't have.
func (c Config) withoutLambda() Config {
	for _, f := range Fields {
		if slices.Contains(lipschitzOnly, f.Name) {
			f.clear(&c)
		}
	}
	c.Temperature = 1
	return c
}

// gap is what a loss divides logits by: the constant of a difference of two logits of a
// 1-Lipschitz network, which puts them in units of radius. A plain network has no such unit.
func (c *Config) gap() float64 {
	if c.plain() {
		return 1
	}
	return gap
}
