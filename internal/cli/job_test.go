package cli

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// TestJobScript: job prints a script for Slurm that bash reads. The script asks Slurm to requeue
// the array. .ci/slurm runs it.
func TestJobScript(t *testing.T) {
	script := must(t, "job", "slurm")
	for _, line := range []string{"#SBATCH --array=0-3\n", "#SBATCH --requeue\n",
		"lipsmooth sample \"$1\" --shard auto "} {
		if !strings.Contains(script, line) {
			t.Errorf("no %s in\n%s", line, script)
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash to read the script:", err)
	}
	check := exec.Command(bash, "-n")
	check.Stdin = strings.NewReader(script)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("bash -n: %v\n%s", err, out)
	}
	refused(t, lipsmooth("job", "pbs"), `no engine "pbs"; known: kubernetes, slurm`)
}

// TestJobManifest checks the manifest for Kubernetes line by line. The keys of each parent have one
// depth. The manifest has the fields that an Indexed Job needs, one number of shards, and flags
// that sample has.
func TestJobManifest(t *testing.T) {
	manifest := must(t, "job", "kubernetes")
	if strings.Contains(manifest, "\t") || strings.Count(manifest, "\n---\n") != 1 {
		t.Error("want two documents, without tabs")
	}
	key := regexp.MustCompile(`^( *)(- )?([A-Za-z]+):( (.*))?$`)
	comment := regexp.MustCompile(`(^| +)#.*$`)
	fields := map[string][]string{} // values by path
	indents := map[string]int{}     // of a path's keys
	var path []string
	var depths []int // of the path's keys
	for line := range strings.Lines(manifest) {
		line = comment.ReplaceAllString(strings.TrimRight(line, "\n"), "")
		if line == "" || line == "---" {
			continue
		}
		m := key.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%q: no key", line)
			continue
		}
		depth := len(m[1]) + len(m[2])
		for len(path) > 0 && depths[len(path)-1] >= depth {
			path, depths = path[:len(path)-1], depths[:len(path)-1]
		}
		parent := strings.Join(path, ".")
		if other, there := indents[parent]; there && other != depth || len(path) == 0 && depth > 0 {
			t.Errorf("%q: indented otherwise than the other keys of %q", line, parent)
		}
		indents[parent] = depth
		path, depths = append(path, m[3]), append(depths, depth)
		name := strings.Join(path, ".")
		fields[name] = append(fields[name], m[5])
	}
	const pod = "spec.template.spec."
	for name, want := range map[string][]string{
		"apiVersion":          {"v1", "batch/v1"},
		"kind":                {"PersistentVolumeClaim", "Job"},
		"metadata.name":       {"lipsmooth", "lipsmooth"},
		"spec.completionMode": {"Indexed"},
		"spec.completions":    {"4"},
		"spec.parallelism":    {"4"},
		// the only one that podFailurePolicy allows
		pod + "restartPolicy":                              {"Never"},
		pod + "containers.env.name":                        {sample.ShardsVariable},
		pod + "containers.env.value":                       {`"4"`}, // a string, as completions says
		pod + "containers.command":                         {"[lipsmooth]"},
		pod + "containers.volumeMounts.mountPath":          {"/volume"},
		pod + "volumes.persistentVolumeClaim.claimName":    {"lipsmooth"},
		"spec.podFailurePolicy.rules.onPodConditions.type": {"DisruptionTarget"},
	} {
		if !slices.Equal(fields[name], want) {
			t.Errorf("%s: %q, want %q", name, fields[name], want)
		}
	}
	args := strings.Split(strings.Trim(strings.Join(fields[pod+"containers.args"], ""), "[]"), ", ")
	for i := range args {
		args[i] = strings.Trim(args[i], `"`)
	}
	c := sampleCommand()
	if args[0] != c.Name() {
		t.Fatal(args)
	}
	if err := c.ParseFlags(args[1:]); err != nil {
		t.Error(err)
	}
	if c.Flag("shard").Value.String() != "auto" || !strings.HasPrefix(c.Flag("out").Value.String(),
		"/volume/") || c.Flags().NArg() != 1 {
		t.Errorf("%v: want --shard auto, --out on the volume, and a model", args)
	}
}
