package countlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

// FuzzRun: a run.json that is read is valid. Written and read again, it is the same run in the same
// bytes.
func FuzzRun(f *testing.F) {
	write := func(r Run) []byte {
		data, err := json.MarshalIndent(&r, "", "  ")
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	whole, bare := testRun(), testRun()
	bare.MarginMax, bare.MarginBins, bare.Model.Lambda, bare.Versions = 0, 0, rs.Constant{}, nil
	f.Add(write(whole))
	f.Add(write(bare))
	f.Add(write(stoppedRun()))
	f.Add(write(whole.Part(3, 7)))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRun(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %v", err)
			}
			return
		}
		if err := r.Validate(); err != nil {
			t.Error(err)
		}
		r.Edges()
		r.Examples.At(r.Examples.Count - 1)
		text, err := json.MarshalIndent(&r, "", "  ")
		if err != nil {
			t.Fatalf("%q is read and can't be written: %v", data, err)
		}
		again, err := parseRun(text)
		if err != nil {
			t.Fatalf("%s can't be read back: %v", text, err)
		}
		if d := difference(r, again); d != "" || !r.Created.Equal(again.Created) {
			t.Errorf("%q: %s", data, d)
		}
		if back, err := json.MarshalIndent(&again, "", "  "); err != nil ||
			!bytes.Equal(back, text) {
			t.Errorf("%s came back as %s, %v", text, back, err)
		}
	})
}

// FuzzRadii: rows that are read hold possible certificates. Written again, they read as the same
// rows.
func FuzzRadii(f *testing.F) {
	const head = "idx\tlabel\tpredict\tradius\tcorrect\ttime\n"
	f.Add(head + "20\t7\t7\t0.0734\t1\t0:00:15.4\n40\t3\t-1\t0.0\t0\t1\n")
	f.Add(head + "20\t7\t6\t1e-3\t0\t\r\n")
	f.Add(head)
	f.Add("\xef\xbb\xbfr;y;pred;id\n0.5;1;1;0\nAverage radius: 0.5\n")
	f.Add("# idx label predict radius correct sigma\n20 7 7 0.07 1 0.25\n40 7 7 0.07 2 0.5")
	f.Fuzz(func(t *testing.T, text string) {
		read, err := ReadRadii(strings.NewReader(text), "r.tsv")
		rows := read.Rows
		if err != nil {
			if rows != nil || !strings.HasPrefix(err.Error(), "r.tsv:") ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("%d rows beside %v", len(rows), err)
			}
			return
		}
		again := head
		for _, r := range rows {
			if !(r.Radius >= 0) || r.Class < 0 && r.Radius != 0 || r.Index < 0 || r.Label < 0 {
				t.Errorf("%+v", r)
			}
			correct := 0
			if r.Right() {
				correct = 1
			}
			again += fmt.Sprintf("%d\t%d\t%d\t%v\t%d\t1\n", r.Index, r.Label, r.Class, r.Radius,
				correct)
		}
		if got, err := ReadRadii(strings.NewReader(again), "r.tsv"); err != nil ||
			!reflect.DeepEqual(got.Results(), read.Results()) {
			t.Errorf("%q read back as %v, %v", again, got, err)
		}
	})
}
