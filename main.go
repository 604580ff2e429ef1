// Lipsmooth certifies classifiers by randomized smoothing and Lipschitz networks.
package main

import (
	"os"

	"github.com/lipsmooth/lipsmooth/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
