package cli

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

//go:embed jobs
var jobFiles embed.FS

// engines are what runs shards, by name, and the file that lets it.
var engines = map[string]string{"slurm": "array.sbatch", "kubernetes": "indexed-job.yaml"}

func engineNames() string { return strings.Join(slices.Sorted(maps.Keys(engines)), ", ") }

// jobFile is what job prints for an engine.
func jobFile(engine string) (string, error) {
	file, ok := engines[engine]
	if !ok {
		return "", fmt.Errorf("job: %w",
			named.Unknown("engine", engine, slices.Sorted(maps.Keys(engines))))
	}
	text, err := jobFiles.ReadFile("jobs/" + file)
	return string(text), err
}

func jobCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "job ENGINE",
		Short: "Print a job that samples a run in shards on a cluster",
		Long: `Print a template of a cluster job: an sbatch array script for slurm, or the manifest
of an Indexed Job for kubernetes. Each task samples one shard (lipsmooth sample --shard auto). A
killed task continues where it stopped. The comments of the template say how to submit the job and
how to merge the shards.`,
		Example: `  lipsmooth job slurm > array.sbatch && sbatch array.sbatch models/mnist runs/mnist
  lipsmooth job kubernetes > job.yaml && kubectl apply -f job.yaml`,
		Args:      one("engine: " + engineNames()),
		ValidArgs: slices.Sorted(maps.Keys(engines)),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := jobFile(args[0])
			if err == nil {
				printer(cmd).Raw(text)
			}
			return err
		},
	}
}
