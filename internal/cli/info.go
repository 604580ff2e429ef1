package cli

import (
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/spf13/cobra"
)

func infoCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "info",
		Short:   "Show backend, devices, versions and where things are cached",
		Example: "  lipsmooth info",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := cmd.OutOrStdout()
			cache, err := device.CacheDir()
			if err != nil {
				return err
			}
			_, info, err := device.Open(cmd.Context(), device.Options{NoInstall: true, Log: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			row := func(name string, value any) { fmt.Fprintf(w, "%-10s %v\n", name, value) }
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
					row(name, "not found: "+oneLine(err))
				} else {
					row(name, d)
				}
			}
			return nil
		},
	}
}

func setupCommand() *cobra.Command {
	var cuda bool
	c := &cobra.Command{
		Use:     "setup",
		Short:   "Install the XLA plugin into the user's cache folder",
		Long:    "Install the pinned XLA plugin, checked by its hash, into the user's cache folder. Other commands do it by themselves when they need it.",
		Example: "  lipsmooth setup --cuda",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := device.Install(cmd.Context(), cuda, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), path)
			return nil
		},
	}
	c.Flags().BoolVar(&cuda, "cuda", false, "the plugin for NVIDIA GPUs")
	return c
}
