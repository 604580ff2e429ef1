package countlog

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

// stoppedRun logs scores by two maps of draws that may end early, on a grid.
func stoppedRun() Run {
	r := testRun()
	r.Dataset.Classes = 3
	r.Scores = []string{"softmax,t=1", "sparsemax,t=0.5"}
	r.Until = Until{Rule: "radius>=0.5", Method: "twobound", Alpha: 0.001, Stops: []int{50, 100}}
	r.Noise = Noise{Kind: Discrete, Steps: 1020, Rounding: 0.01}
	return r
}

// stopped is evidence of that run, of 50 estimation draws.
func stopped(r *Run) *rs.Evidence {
	short := *r
	short.N = 50
	e := synthetic(&short, 50)
	e.Stops, e.Rounding = r.Until.Stops, r.Noise.Rounding
	edges := rs.ScoreEdges()
	for _, text := range r.Scores {
		m, err := rs.ParseScoreMap(text)
		if err != nil {
			panic(err)
		}
		s := rs.Scores{Map: m}
		for c := range r.Dataset.Classes {
			h := rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
			h.Counts[1], h.Counts[10*c+5], h.Counts[len(edges)] = 20, 25, 5
			s.Classes = append(s.Classes, h)
		}
		e.Scores = append(e.Scores, s)
	}
	return e
}

func TestScoresAndStops(t *testing.T) {
	dir, r := t.TempDir(), stoppedRun()
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	e := stopped(&r)
	if err := w.Append(e); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := log.All()
	if err != nil || len(rows) != 1 || !reflect.DeepEqual(&rows[0], e) ||
		difference(log.Run, r) != "" {
		t.Errorf("%+v, %v\nwant %+v", rows, err, e)
	}
	header, _, _ := strings.Cut(string(counts(t, dir)), "\n")
	if !strings.HasSuffix(header, "margins\tscores softmax,t=1\tscores sparsemax,t=0.5") {
		t.Errorf("columns %s", header)
	}

	p := newParser(&r)
	line := string(p.appendRow(nil, e))
	line = line[:len(line)-1]
	for _, c := range []struct{ old, new, want string }{
		{"\t1:20", "\t1:19", "scores softmax,t=1: 49 draws of class 0, the row has 50"},
		{line, line + "0", "scores sparsemax,t=0.5: more than 150 draws"},
		{line, line[:strings.LastIndex(line, "\t")], "10 columns, want 11"},
		{line, line[:strings.LastIndex(line, "\t")+1],
			"scores sparsemax,t=0.5: 0 draws of class 0"},
	} {
		bad := strings.Replace(line, c.old, c.new, 1)
		if _, err := p.row([]byte(bad)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", bad, err, c.want)
		}
	}
	for want, change := range map[string]func(e *rs.Evidence){
		"scores by 1 maps, the run has 2": func(e *rs.Evidence) {
			e.Scores = e.Scores[:1]
		},
		"scores sparsemax,t=0.5: its map": func(e *rs.Evidence) {
			e.Scores[1].Map.T = 3
		},
		"estimation: 51 draws, the run's end at [50 1": func(e *rs.Evidence) { e.Estimation[0]++ },
		"margins: ": func(e *rs.Evidence) { e.Margins.Counts[0]++ },
	} {
		e := stopped(&r)
		change(e)
		if _, err := p.line(nil, e); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestStoppedRunValidates(t *testing.T) {
	for want, change := range map[string]func(r *Run){
		"scores: no map of scores": func(r *Run) {
			r.Scores[0] = "max,t=1"
		},
		"scores: softmax: want each once, as softmax,t=1": func(r *Run) {
			r.Scores[0] = "softmax"
		},
		"scores: softmax,t=1: want each once": func(r *Run) {
			r.Scores[1] = r.Scores[0]
		},
		"scores: 17 maps": func(r *Run) {
			r.Scores = make([]string, 17)
		},
		"noise: ": func(r *Run) {
			r.Noise.Kind = "pink"
		},
		"noise: {Kind:discrete Steps:0": func(r *Run) {
			r.Noise.Steps = 0
		},
		`until: "radius" is no rule`: func(r *Run) {
			r.Until.Rule = "radius"
		},
		`until: no method "none"`: func(r *Run) {
			r.Until.Method = "none"
		},
		"until: cpm doesn't say how far": func(r *Run) {
			r.Until.Method = "cpm"
		},
		"until.alpha: 1, want": func(r *Run) {
			r.Until.Alpha = 1
		},
		"until.stops: [], want rising": func(r *Run) {
			r.Until.Stops = nil
		},
		"until.stops: [50 99], want rising": func(r *Run) {
			r.Until.Stops[1] = 99
		},
		"until.stops: 60, want them rising, all but the last mu": func(r *Run) {
			r.Until.Stops[0] = 60
		},
	} {
		r := stoppedRun()
		change(&r)
		if err := r.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// FuzzScoresRow is FuzzRow for a run that logs scores and may stop.
func FuzzScoresRow(f *testing.F) {
	r := stoppedRun()
	p := newParser(&r)
	line := p.appendRow(nil, stopped(&r))
	f.Add(line[:len(line)-1])
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := p.row(line)
		if err != nil {
			return
		}
		back, err := p.line(nil, e)
		if err != nil || !bytes.Equal(back, append(bytes.Clone(line), '\n')) {
			t.Errorf("%q came back as %q, %v", line, back, err)
		}
	})
}
