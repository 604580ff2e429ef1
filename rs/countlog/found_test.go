package countlog

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const certificates = "idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t3\t3\t0.5\t1\t1\n"

func TestSourceSigma(t *testing.T) {
	for path, want := range map[string]float64{
		"cifar10_resnet110_noise_0.12_sigma_0.50.tsv": 0.5,
		"resnet110/noise_0.25/test/sigma_0.50":        0.5,
		"resnet110/noise_0.25/test/log.txt":           0.25,
		"noise0.25.csv":                               0.25,
		"noise=1.npy":                                 1,
		"sigma=0.5_n.csv.gz":                          0.5,
		"Sigma-.5":                                    0.5,
		"certify_σ1.00_N0_100":                        1,
		"noise_sd_0.12.tsv":                           0.12,
		"sigma_25/log":                                0, // hundredths, or of 255
		"noise_0.25/sigma_25":                         0.25,
		"sigma_0.25_vs_sigma_0.50":                    0,
		"sigma_0.5.1":                                 0,
		"log.tsv":                                     0,
	} {
		if got := (Source{Path: path}).Sigma(); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// TestFindSources: the layout of locuslab/smoothing's logs, among other files.
func TestFindSources(t *testing.T) {
	dir := t.TempDir()
	for path, text := range map[string]string{
		"noise_0.25/test/sigma_0.25":  certificates,
		"noise_0.50/test/sigma_0.50":  certificates,
		"noise_0.50/test/pred.csv":    "idx,label,predict,correct\n0,1,1,1\n",
		"noise_0.50/log.txt":          "epoch\ttime\tlr\n0\t1\t2\n",
		"noise_0.50/checkpoint.pth":   "PK\x03\x04",
		"noise_0.50/.sigma_0.50.swp":  certificates,
		".git/sigma_0.12":             certificates,
		"README.md":                   certificates,
		"noise_0.50/test/sigma_1.tsv": certificates,
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if os.Symlink(dir, link) != nil {
		link = dir
	}
	for _, dir := range []string{dir, link} {
		found, skipped, err := FindSources(dir, nil)
		var paths []string
		for _, s := range found {
			paths = append(paths, strings.TrimPrefix(s.Path, dir+string(filepath.Separator)))
		}
		if want := []string{"noise_0.25/test/sigma_0.25", "noise_0.50/test/sigma_0.50",
			"noise_0.50/test/sigma_1.tsv"}; err != nil || !slices.Equal(paths, want) {
			t.Errorf("%v, %v", paths, err)
		}
		if len(skipped) != 2 {
			t.Error(skipped)
		}
	}
	if _, _, err := FindSources(filepath.Join(dir, ".git"), nil); err != nil {
		t.Error(err)
	}
	if _, _, err := FindSources(t.TempDir(), nil); err == nil ||
		!strings.Contains(err.Error(), "no table of votes or certificates in this folder") {
		t.Error(err)
	}
	write := filepath.Join(dir, "noise_0.25", "test", "two.tsv")
	os.WriteFile(write, []byte("idx\tlabel\ty\tpredict\tradius\n"), 0o644)
	if _, _, err := FindSources(dir, nil); err == nil ||
		!strings.Contains(err.Error(), write+`:1: columns "label" and "y"`) {
		t.Error(err)
	}
}

func TestOpenSource(t *testing.T) {
	want, err := ReadRadii(strings.NewReader(certificates), "")
	if err != nil {
		t.Fatal(err)
	}
	same := func(s Source, err error) {
		t.Helper()
		for range 2 { // a source can be read twice
			if err == nil {
				var got Radii
				got, err = s.Radii()
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%+v", got)
				}
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
	same(OpenSource("-", strings.NewReader(certificates)))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(certificates))
	z.Close()
	same(OpenSource("-", &zipped))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.WriteString(certificates)
	w.Close()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(path); err == nil {
		same(OpenSource(path, nil))
	}
	if _, err := OpenSource("-", nil); err == nil {
		t.Error("a file - that isn't there")
	}
}

// TestTables: names tell the draws of a folder, or it is refused.
func TestTables(t *testing.T) {
	votes := []byte(foreignHeader + "0\t1\t[2, 0, 3]\n")
	for _, c := range []struct{ a, b, selection string }{
		{"x_N0_100.tsv", "x_N0_100_N_1000.tsv", "x_N0_100.tsv"},
		{"x_N0_100_N_1000.tsv", "x_N0_100.tsv", "x_N0_100.tsv"},
		{"estimation.csv", "selection.csv", "selection.csv"},
		{"my_selection_votes.tsv.gz", "my_estimation_votes.tsv.gz", "my_selection_votes.tsv.gz"},
		{"a.tsv", "b.tsv", ""},
	} {
		a, b := Source{Path: c.a, Content: votes}, Source{Path: c.b, Content: votes}
		if m, err := Tables([]Source{a, b}, false); (err == nil) != (c.selection != "") ||
			err == nil && (m.Selection.Path != c.selection ||
				m.Estimation.Path == c.selection) {
			t.Errorf("%s, %s: %s, %v", c.a, c.b, m.Selection.Path, err)
		}
		want := c.selection
		if want == "" {
			want = c.a
		}
		if m, err := Tables([]Source{a, b}, true); err != nil || m.Selection.Path != want {
			t.Errorf("%s, %s in order: %s, %v", c.a, c.b, m.Selection.Path, err)
		}
	}
	vote := Source{Path: "d/v_0.50.csv", Content: votes}
	labels := Source{Path: "l.npy", Content: []byte(array("<i8", "1,", "\x01", 8))}
	if m, err := Tables([]Source{labels, vote}, true); err != nil || m.Labels.Path != "l.npy" ||
		m.Estimation.Path != vote.Path || m.Name != "v_0.50" {
		t.Errorf("%+v, %v", m, err)
	}
	for want, sources := range map[string][]Source{
		"labels alone":         {labels},
		"two arrays of labels": {labels, vote, labels},
		"3 tables of votes":    {vote, vote, vote},
		"name one kind":        {vote, {Path: "c", Content: []byte(certificates)}},
	} {
		if _, err := Tables(sources, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestImportLabels: true classes come from an array of their own.
func TestImportLabels(t *testing.T) {
	votes := array("<u2", "3, 2", "\x05\x05\x06\x04\x07\x03", 2)
	for labels, want := range map[string]string{
		array("<i8", "3,", "\x01\x00\x01", 8):     "",
		array("<i8", "4,", "\x01\x00\x01\x01", 8): "",
		array("<i8", "2,", "\x01\x00", 8):         "v.npy:3: index 2, but l.npy has 2 labels",
		array("<i8", "3,", "\x01\x02\x01", 8):     "v.npy:2: label 2, want one of 2 classes",
		array("|i1", "3,", "\x01\xff\x01", 1):     "l.npy:2: -1, want a class from 0",
		array("|i1", "3, 1", "\x01\x00\x01", 1):   "l.npy: want the labels, one a row, as an array",
	} {
		m := Import{Estimation: Source{Path: "v.npy", Content: []byte(votes)},
			Labels: Source{Path: "l.npy", Content: []byte(labels)}, Sigma: 0.5, Split: 2}
		dir := filepath.Join(t.TempDir(), "run")
		_, _, err := m.Write(t.Context(), dir)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		log, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := log.All()
		if err != nil || len(rows) != 3 || rows[0].Label != 1 || rows[1].Label != 0 ||
			rows[2].Estimation.Total() != 8 || log.Run.Versions["imported l.npy"] == "" {
			t.Errorf("%+v, %v, %v", rows, log.Run.Versions, err)
		}
	}
	m := Import{Estimation: write(t, "v.tsv", foreignHeader+"0\t1\t[2, 3]\n"), Sigma: 0.5, Split: 2,
		Labels: Source{Path: "l.npy", Content: []byte(array("|u1", "1,", "\x00", 1))}}
	if _, _, err := m.Write(t.Context(), filepath.Join(t.TempDir(), "run")); err == nil ||
		!strings.Contains(err.Error(), "v.tsv:2: the table has labels, and so has l.npy") {
		t.Error(err)
	}
}
