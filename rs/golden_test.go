package rs

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The golden files come from an independent oracle in 40 to 50 digits: testdata/README.md.

// goldenTSV returns the rows of a golden file as a map from column to number.
func goldenTSV(t *testing.T, name string) []map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	header := strings.Split(lines[0], "\t")
	var rows []map[string]float64
	for i, line := range lines[1:] {
		row := map[string]float64{}
		for j, field := range strings.Split(line, "\t") {
			if row[header[j]], err = strconv.ParseFloat(field, 64); err != nil {
				t.Fatalf("%s:%d: %v", name, i+2, err)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func goldenJSON(t *testing.T, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// near reports |got - want| <= tolerance, infinities being equal to themselves.
func near(got, want, tolerance float64) bool {
	return got == want || math.Abs(got-want) <= tolerance
}

// checkRadius takes the tolerance of testdata/README.md below the expected radius, and rounding
// alone above it.
func checkRadius(t *testing.T, row any, what string, got, want float64) {
	t.Helper()
	if !near(got, want, 1e-9*max(1, math.Abs(want))) || got > want+4e-16*math.Abs(want) {
		t.Errorf("%v: %s = %.17g, want %.17g", row, what, got, want)
	}
}

// panics reports an error unless f panics with a message of this package.
func panics(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "rs: ") {
			t.Errorf("%s: no panic of rs", what)
		}
	}()
	f()
}
