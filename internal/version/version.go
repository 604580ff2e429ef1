// Package version says which lipsmooth this program is of.
package version

import "runtime/debug"

// module is the path of lipsmooth's own module.
const module = "github.com/lipsmooth/lipsmooth"

// Unknown is the version of a program that doesn't say which it was built from, as a test's
// doesn't.
const Unknown = "unknown"

// String returns the version of the module that was built: a tag, or a pseudo-version with the
// revision of a checkout, which ends in +dirty where files were changed.
func String() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Unknown
	}
	return of(info)
}

func of(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path != module {
			continue
		}
		switch revision := settings["vcs.revision"]; {
		case m.Version != "" && m.Version != "(devel)":
			return m.Version
		case m == &info.Main && revision != "":
			if settings["vcs.modified"] == "true" {
				revision += "+dirty"
			}
			return revision
		}
	}
	return Unknown
}
