package version

import (
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	revision := []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified",
		Value: "true"}}
	for _, c := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{Main: debug.Module{Path: module, Version: "v1.2.3"}, Settings: revision},
			"v1.2.3"},
		{debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}, Settings: revision},
			"abc+dirty"},
		{debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"},
			Settings: revision[:1]},
			"abc"},
		{debug.BuildInfo{Main: debug.Module{Path: module}}, Unknown},
		// A Go program that imports the packages has a revision of its own.
		{debug.BuildInfo{Main: debug.Module{Path: "example.com/a"},
			Deps: []*debug.Module{{Path: module,
				Version: "v1.2.3"}}, Settings: revision}, "v1.2.3"},
		{debug.BuildInfo{Main: debug.Module{Path: "example.com/a"},
			Deps: []*debug.Module{{Path: module}}, Settings: revision}, Unknown},
	} {
		if got := of(&c.info); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	if String() == "" {
		t.Error("no version")
	}
}
