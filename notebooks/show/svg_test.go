package show

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/figures"
)

func TestRelative(t *testing.T) {
	for path, want := range map[string]string{
		"M0,0L233.86,0L233.86,185.55L0,185.55Z": "m0 0l233.86 0 0 185.55-233.86 0z",
		"M10,20L10.004,20L10.008,20L10.012,20":  "m10 20l0 0 .01 0 0 0", // no error adds up
		"M1,1Q2,3,4,5Q4,4,-4.5,4ZM1,1.5C1,2,3,4,5,6": "m1 1q1 2 3 4 0-1-8.5-1zm0 .5c0 .5 2 2.5 4 " +
			"4.5",
		"M5,5L6,6ZL7,7":              "m5 5l1 1zl2 2",
		"M1e-05,-0.25L-10.5,1.2e+02": "m0-.25l-10.5 120.25",
		"M-94.775,-8.1475L-95.777,-8.1475L-96.849,-10.505L10.07,3"://
		"m-94.78-8.15l-1 0-1.07-2.36 106.92 13.51",
	} {
		if got := relative(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// TestCompact goes along both: the same places, within a hundredth of a point, in half the bytes.
func TestCompact(t *testing.T) {
	f, err := figures.Exact(0.1)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	small := compact(b.String())
	if len(small) > b.Len()*6/10 {
		t.Errorf("%d bytes of %d", len(small), b.Len())
	}
	paths := regexp.MustCompile(` d="([^"]*)"`)
	was, is := paths.FindAllStringSubmatch(b.String(), -1), paths.FindAllStringSubmatch(small, -1)
	if len(was) != len(is) || len(was) < 10 {
		t.Fatalf("%d paths, want %d", len(is), len(was))
	}
	for i := range was {
		if strings.Contains(was[i][1], "A") {
			continue
		}
		want, got := places(was[i][1]), places(is[i][1])
		if len(got) != len(want) {
			t.Fatalf("%d numbers in %s, want %d", len(got), is[i][1], len(want))
		}
		for k := range want {
			if math.Abs(got[k]-want[k]) > 0.0051 {
				t.Errorf("path %d: %g, want %g", i, got[k], want[k])
			}
		}
	}
}

// places returns the coordinates that a path comes to, absolute.
func places(path string) (all []float64) {
	var at, begin [2]float64
	for _, s := range regexp.MustCompile(`[a-zA-Z][^a-zA-Z]*`).FindAllString(
		strings.ReplaceAll(path, "e", "E"), -1) {
		size := map[string]int{"M": 2, "L": 2, "Q": 4, "C": 6}[strings.ToUpper(s[:1])]
		if size == 0 {
			at = begin
			continue
		}
		from := at
		for i, text := range regexp.MustCompile(`-?[0-9.]+`).FindAllString(s[1:], -1) {
			if i%size == 0 {
				from = at
			}
			x, _ := strconv.ParseFloat(text, 64)
			if s[0] >= 'a' {
				x += from[i%2]
			}
			at[i%2] = x
			all = append(all, x)
		}
		if strings.ToUpper(s[:1]) == "M" {
			begin = at
		}
	}
	return all
}
