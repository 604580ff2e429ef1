// Package named finds entries of tables by their names.
package named

import (
	"fmt"
	"strings"
)

// Find returns the entry of list whose name it is. Its error is that of Unknown.
func Find[T any](kind, name string, list []T, of func(T) string) (entry T, err error) {
	var known []string
	for _, e := range list {
		if of(e) == name {
			return e, nil
		}
		known = append(known, of(e))
	}
	return entry, Unknown(kind, name, known)
}

// Unknown is the error of a name that isn't known. It says of what kind of entry there is none,
// which name may be meant, and the names that there are.
func Unknown(kind, name string, known []string) error {
	return fmt.Errorf("no %s %q%s; known: %s", kind, name, Hint(name, known),
		strings.Join(known, ", "))
}

// Hint is " (did you mean x?)" for the known name x that is nearest, and empty where none is near.
func Hint(name string, known []string) string {
	best, least := "", min(len(name), 1+max(1, len(name)/3))
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// distance is the number of bytes to add, to leave out, or to change, and of neighbours to swap,
// that lead from a to b (optimal string alignment).
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(last[j]+change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
