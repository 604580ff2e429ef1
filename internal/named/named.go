// Package named finds entries of tables by their names.
package named

import (
	"fmt"
	"strings"
)

// Find returns the entry of list whose name it is. Its error says of what kind of entry there is
// none, and lists the names that there are.
func Find[T any](kind, name string, list []T, of func(T) string) (entry T, err error) {
	var known []string
	for _, e := range list {
		if of(e) == name {
			return e, nil
		}
		known = append(known, of(e))
	}
	return entry, fmt.Errorf("no %s %q; known: %s", kind, name, strings.Join(known, ", "))
}
