package cli

import (
	"fmt"
	"math"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Checks of flags come before any work; each names the flag, its value and what it may be.

func checkAlpha(alpha float64) error {
	if !(0 < alpha && alpha < 1) {
		return fmt.Errorf("--alpha %v: must lie between 0 and 1", alpha)
	}
	if alpha < rs.MinAlpha {
		return fmt.Errorf("--alpha %v: must be at least %v", alpha, rs.MinAlpha)
	}
	return nil
}

// flagged puts the dashes of a flag before an error that begins with a field's name. Flags of f may
// have newer names.
func flagged(f *pflag.FlagSet, err error) error {
	if err == nil {
		return nil
	}
	field, rest, _ := strings.Cut(err.Error(), " ")
	if f != nil {
		if name := f.GetNormalizeFunc()(f, field); string(name) != field {
			return fmt.Errorf("--%s %s", name, rest)
		}
	}
	return fmt.Errorf("--%w", err)
}

func checkSigma(sigma float64) error {
	p := sample.Default()
	p.Sigma = sigma
	return flagged(nil, p.Check())
}

// checkTau takes a temperature that was given.
func checkTau(changed func(flag string) bool, tau float64) error {
	if changed("tau") && !(0 <= tau && tau <= math.MaxFloat64) {
		return fmt.Errorf("--tau %v: must be at least 0 and finite", tau)
	}
	return nil
}

func checkRadii(radii []float64) error {
	for _, r := range radii {
		if !(0 <= r && r <= math.MaxFloat64) {
			return fmt.Errorf("--radii: %v: must be at least 0 and finite", r)
		}
	}
	return nil
}

func checkLeast(flag string, value, least int) error {
	if value < least {
		return fmt.Errorf("--%s %d: must be at least %d", flag, value, least)
	}
	return nil
}

// noEmptyFlag refuses a path that was given and is empty, as that of an unset variable is.
func noEmptyFlag(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = fmt.Errorf("--%s is empty: give a value, or leave the flag out", f.Name)
		}
	})
	return err
}

// renamed lets older names of flags, each before the newer one, mean the newer ones.
func renamed(names ...string) func(*pflag.FlagSet, string) pflag.NormalizedName {
	return func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		for i := 0; i < len(names); i += 2 {
			if name == names[i] {
				name = names[i+1]
			}
		}
		return pflag.NormalizedName(name)
	}
}

// one says what the one argument of a command is.
func one(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s takes one %s, and was given %d; see %s --help", c.Name(), what,
				len(args), c.CommandPath())
		}
		return nil
	}
}

// quoted is a path as a shell's command line takes it.
func quoted(path string) string { return oneline.Quoted(path) }
