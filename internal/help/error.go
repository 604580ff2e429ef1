package help

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// kinds are pflag's names of types in words.
var kinds = map[string]string{
	"bool": "true or false", "int": "a whole number", "uint64": "a whole number of at least 0",
	"float64": "a number", "float64Slice": "numbers separated by commas",
	"intSlice": "whole numbers separated by commas",
	"width":    "a whole number, nor one of the sizes xs, s, m",
}

// FlagError says what is wrong with a flag in the command's words.
func FlagError(c *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		f := bad.GetFlag()
		return fmt.Errorf("--%s %s: not %s; see %s --help", f.Name, bad.GetValue(),
			cmp.Or(kinds[f.Value.Type()], f.Value.Type()), c.CommandPath())
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		err = fmt.Errorf("%w%s", err, named.Hint("--"+unknown.GetSpecifiedName(), known))
	}
	return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
}
