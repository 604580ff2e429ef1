package cli

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

func TestMerge(t *testing.T) {
	job := smoke(t)
	noDevice(t)
	log, err := countlog.Open(job)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := log.All()
	if err != nil {
		t.Fatal(err)
	}
	// Two shards of the smoke job's run: its even and its odd rows.
	out := t.TempDir()
	shards := []string{filepath.Join(out, "part-0"), filepath.Join(out, "part-1")}
	for k, dir := range shards {
		run := log.Run
		run.Examples.Start, run.Examples.Stride, run.Examples.Count = run.Examples.At(k),
			2*run.Examples.Stride, len(rows)/2
		w, err := countlog.Create(dir, run)
		if err != nil {
			t.Fatal(err)
		}
		for i := k; i < len(rows); i += 2 {
			if err := w.Append(&rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(out, "all")
	refused(t, lipsmooth("merge", dir), "merge takes")
	refused(t, lipsmooth("merge", dir, shards[0], shards[0]), "index: 0 is in "+shards[0])
	if said := must(t, "merge", dir, shards[0], shards[1]); !strings.Contains(said,
		"20 of 20 examples, of 2 runs") {
		t.Error(said)
	}
	for _, file := range []string{countlog.RunFile, countlog.CountsFile} {
		if read(t, dir, file) != read(t, job, file) {
			t.Errorf("%s is not that of one run", file)
		}
	}
	must(t, "certify", dir, "--method", "mono")
	must(t, "verify", dir)
	other := filepath.Join(out, "signed")
	key := keyPair(t)
	must(t, "merge", other, "--sign", key, shards[0], shards[1])
	must(t, "verify", other, "--signed-by", key+".pub")
	refused(t, lipsmooth("merge", dir, shards[0]), "not empty")

	onRows(func(rows []string) []string { return slices.Delete(rows, 1, 2) })(t, shards[0])
	refused(t, lipsmooth("merge", filepath.Join(out, "x"), shards[0], shards[1]), shards[0],
		countlog.CountsFile+":3: example ")
	unseal(t, shards[0])
	other = filepath.Join(out, "partial")
	refused(t, lipsmooth("merge", other, shards[0], shards[1]), "is in no shard", "1 of 20")
	if said := must(t, "merge", other, "--partial", shards[0], shards[1]); !strings.Contains(said,
		"19 of 20 examples") {
		t.Error(said)
	}
	edit(t, func(s string) string { return strings.Replace(s, `"sigma": 0.`, `"sigma": 1.`, 1) },
		shards[0], countlog.RunFile)
	refused(t, lipsmooth("merge", filepath.Join(out, "x"), "--partial", shards[0], shards[1]),
		"sigma is ")
}
