package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/training/export"
	"github.com/spf13/cobra"
)

func exportCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "export MODEL",
		Short: "Write a trained model as an ONNX file, for other tools",
		Long: `Write a model that lipsmooth trained as an ONNX file. Its input is "images", [N,
channels, height, width] in [0, 1]. Its output is "logits", [N, classes]. Both are float32, and N
is free. The weights are the proved ones, so the Λ in the file's metadata holds for the file in real
arithmetic. The float32 error of another runtime isn't proved.

Where ONNX Runtime is installed (setup --onnx), export compares the file's logits on random images
with the model's. It keeps the file only if they agree within 1e-5, or 1e-5 of the largest.`,
		Example: "  lipsmooth export models/mnist-0.25 --onnx mnist.onnx",
		Args:    one("model's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case path == "":
				return fmt.Errorf("name the file to write: --onnx f.onnx")
			case !strings.EqualFold(filepath.Ext(path), ".onnx"):
				return fmt.Errorf("--onnx %s: the name of an ONNX file ends in .onnx", path)
			case isONNX(args[0]):
				return fmt.Errorf("%s is a file: export takes the folder of a model that "+
					"lipsmooth trained", args[0])
			}
			if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
				return fmt.Errorf("--onnx %s: not a regular file: choose another name", path)
			}
			m, err := loadTrained(args[0])
			if err != nil {
				return err
			}
			f, err := export.Model(m)
			if err != nil {
				return err
			}
			compared, err := f.WriteFile(path, m)
			if err != nil {
				return fmt.Errorf("--onnx %w", err)
			}
			w := cmd.OutOrStdout()
			proof := fmt.Sprintf("Λ = %.5f, proved, of real arithmetic", m.Lambda.Value())
			if err := m.Unproved(); err != nil {
				proof = err.Error()
			}
			fmt.Fprintf(w, "%s: %d operators of version %d, %d bytes; model %s, %.12s: %s\n", path,
				f.Operators, export.Opset, f.Size(), m.Identity().Name, m.Hash, proof)
			fmt.Fprintln(w, compared)
			return nil
		},
	}
	c.Flags().StringVar(&path, "onnx", "", "ONNX file to write; one of that name is replaced")
	return c
}
