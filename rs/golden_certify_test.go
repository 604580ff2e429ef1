package rs

import (
	"reflect"
	"testing"
)

func TestGoldenCertify(t *testing.T) {
	var cases []struct {
		Note                  string
		Alpha, Sigma          float64
		Selection, Estimation Votes
		CPMBuckets            [][]int `json:"cpm_buckets"`
		Results               map[string]struct {
			Pred      int
			Radius    float64
			Top, M    int
			AlphaEach float64 `json:"alpha_each"`
			PA, PB    *float64
		}
	}
	goldenJSON(t, "certify_counts.json", &cases)
	methods := map[string]Method{
		"pearson_clopper": Mono{},
		"bonferroni":      Bonferroni{}, "bonferroni_clip": Bonferroni{Clip: true},
		"cpm": CPM{}, "cpm_clip": CPM{Clip: true},
		"two_bound": TwoBound{}, "two_bound_clip": TwoBound{Clip: true},
	}
	for _, c := range cases {
		e := &Evidence{Sigma: c.Sigma, Selection: c.Selection, Estimation: c.Estimation,
			Class: c.Selection.Top()}
		if got := Partition(c.Selection, e.Class); !reflect.DeepEqual(got, c.CPMBuckets) {
			t.Errorf("%s: buckets %v, want %v", c.Note, got, c.CPMBuckets)
		}
		for name, want := range c.Results {
			got, err := methods[name].Certify(e, c.Alpha)
			if err != nil {
				t.Errorf("%s: %s: %v", c.Note, name, err)
				continue
			}
			if got.Class != want.Pred || want.Top != e.Class {
				t.Errorf("%s: %s: class %d, want %d", c.Note, name, got.Class, want.Pred)
			}
			checkRadius(t, c.Note, name, got.Radius, want.Radius)
			times := 0
			for _, s := range got.Ledger {
				times += s.Times
				if !near(s.Alpha, want.AlphaEach, 1e-16) {
					t.Errorf("%s: %s: %g a bound, want %g", c.Note, name, s.Alpha, want.AlphaEach)
				}
				p := want.PA
				if s.Upper {
					p = want.PB
				}
				if p == nil || !near(s.Value, *p, 1e-12**p) {
					t.Errorf("%s: %s: bound %v, want %v", c.Note, name, s, p)
				}
			}
			if times != want.M {
				t.Errorf("%s: %s: %d bounds, want %d", c.Note, name, times, want.M)
			}
		}
	}
}
