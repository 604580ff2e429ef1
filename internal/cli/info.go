package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/spf13/cobra"
)

func infoCommand() *cobra.Command {
	var ref string
	var sigma float64
	var flags onnx.Options
	var set data.Options
	c := &cobra.Command{
		Use: "info [m.onnx]",
		Short: "Show backend, devices, versions and where things are cached, or what is " +
			"understood of an ONNX file",
		Example: "  lipsmooth info\n  lipsmooth info m.onnx --data cifar10 --mean 0.49,0.48,0.45 " +
			"--std 0.25,0.24,0.26",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w := cmd.OutOrStdout()
			if len(args) == 1 {
				if err := cmp.Or(checkONNX(&flags), checkSigma(sigma)); err != nil {
					return err
				}
				return describe(w, args[0], ref, described{flags, set, sigma})
			}
			for _, name := range slices.Concat([]string{"data", "sigma"}, onnxNames, setNames) {
				if cmd.Flags().Changed(name) {
					return fmt.Errorf("--%s is for an ONNX file: give the file",
						name)
				}
			}
			cache, err := device.CacheDir()
			if err != nil {
				return err
			}
			_, info, err := device.Open(cmd.Context(),
				device.Options{NoInstall: true, Log: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			row := func(name string, value any) { fmt.Fprintf(w, "%-10s  %v\n", name, value) }
			row("backend", info)
			row("reopen", "GOMLX_BACKEND="+info.Config)
			for _, d := range info.Devices {
				row("device", d)
			}
			row("cores", runtime.GOMAXPROCS(0))
			row("cache", cache)
			for _, name := range slices.Sorted(maps.Keys(info.Versions)) {
				row(name, info.Versions[name])
			}
			for _, name := range data.Names() {
				if d, err := data.Load(name, data.Test); err != nil {
					row(name, "not found: "+oneline.Error(err).Error())
				} else {
					row(name, d)
				}
			}
			if path, err := onnx.Library(); err != nil {
				row("onnx", oneline.Error(err).Error())
			} else {
				row("onnx", path)
			}
			return nil
		},
	}
	c.Flags().StringVar(&ref, "data", "",
		"of an ONNX file: dataset whose images it is to take, mnist, cifar10, or a path; default: "+
			"images of its own size")
	c.Flags().Float64Var(&sigma, "sigma", 0.5,
		"of an ONNX file with a --denoiser: the noise that it is to take away")
	bindONNX(c.Flags(), &flags)
	bindSet(c.Flags(), &set)
	return c
}

// described is how an ONNX file and a dataset are read.
type described struct {
	file  onnx.Options
	set   data.Options
	sigma float64
}

// describe tells what is understood of an ONNX file, and of the dataset ref.
func describe(w io.Writer, path, ref string, o described) error {
	var d *data.Dataset
	if ref == "" && o.set != (data.Options{}) {
		return fmt.Errorf("--%s: of a dataset: give it with --data", strings.Join(setNames, ", --"))
	}
	if ref != "" {
		var err error
		if d, err = loadFor(path, o.file, ref, o.set); err != nil {
			return err
		}
	}
	c, err := serve(path, o.file, d)
	if err != nil {
		return err
	}
	defer c.Close()
	lines, err := c.Describe(o.sigma)
	if err != nil {
		return err
	}
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
	if d != nil {
		fmt.Fprintln(w, "dataset:", d)
		printSet(w, d)
	}
	return nil
}

func setupCommand() *cobra.Command {
	var cuda, ort bool
	c := &cobra.Command{
		Use:   "setup",
		Short: "Install the XLA plugin, or ONNX Runtime, into the user's cache folder",
		Long: "Install the pinned XLA plugin, checked by its hash, into the user's cache " +
			"folder. Other commands do it by themselves when they need it.\nWith --onnx, install " +
			"ONNX Runtime, which classifiers of ONNX files need; " + onnx.LibraryPath +
			" names one of your own.",
		Example: "  lipsmooth setup --cuda\n  lipsmooth setup --onnx",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var path string
			var err error
			if ort {
				path, err = onnx.Install(cmd.Context(), cmd.ErrOrStderr())
			} else {
				path, err = device.Install(cmd.Context(), cuda, cmd.ErrOrStderr())
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), path)
			return nil
		},
	}
	c.Flags().BoolVar(&cuda, "cuda", false, "the plugin for NVIDIA GPUs")
	c.Flags().BoolVar(&ort, "onnx", false, "ONNX Runtime, for the CPU")
	c.MarkFlagsMutuallyExclusive("cuda", "onnx")
	return c
}
