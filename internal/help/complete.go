package help

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Values completes the last of values with commas between them. With paths, a path may stand in
// their place.
func Values(known []string, paths bool) cobra.CompletionFunc {
	directive := cobra.ShellCompDirectiveNoFileComp
	if paths {
		directive = cobra.ShellCompDirectiveDefault
	}
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		begun := typed[:strings.LastIndexByte(typed, ',')+1]
		var values []string
		for _, k := range known {
			values = append(values, begun+k)
		}
		return values, directive
	}
}

// Folders completes folders that hold a file of this name, the folders on the way to them, and
// names.
func Folders(holding string, names []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		found, directive := slices.Clone(names), cobra.ShellCompDirectiveNoFileComp
		paths, _ := filepath.Glob(typed + "*")
		for _, path := range paths {
			if info, err := os.Stat(path); err != nil || !info.IsDir() {
				continue
			}
			if _, err := os.Stat(filepath.Join(path, holding)); err != nil {
				path, directive = path+"/", directive|cobra.ShellCompDirectiveNoSpace
			}
			found = append(found, path)
		}
		return found, directive
	}
}
