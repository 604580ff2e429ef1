package help

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// words are what stands for the value of a flag, by the name of its type.
var words = map[string]string{
	"bool": "", "int": "N", "uint64": "N", "float64": "X", "string": "NAME", "duration": "TIME",
	"intSlice": "N,…", "float64Slice": "X,…", "stringSlice": "NAME,…", "stringArray": "NAME",
	"width": "N",
}

// own are words by the name of the flag.
var own = map[string]string{"out": "PATH", "model": "PATH", "data": "PATH", "labels": "PATH",
	"denoiser": "PATH", "run": "PATH", "beside": "PATH", "html": "PATH", "copy": "PATH",
	"classes": "PATH", "until": "RULE", "shard": "I/N"}

// head is a flag as one gives it, with a word for its value.
func head(f *pflag.Flag) string {
	word, ok := words[f.Value.Type()]
	if !ok {
		word = "VALUE"
	}
	if special := own[f.Name]; special != "" && f.Value.Type() == "string" {
		word = special
	}
	if word == "" {
		return "--" + f.Name
	}
	return "--" + f.Name + " " + word
}

// usage says what a flag does, and its default where the text doesn't say that.
func usage(f *pflag.Flag) string {
	text := f.DefValue
	if strings.Contains(f.Usage, "default") || empty(text) {
		return f.Usage
	}
	if list, ok := strings.CutPrefix(text, "["); ok {
		var parts []string
		for part := range strings.SplitSeq(strings.TrimSuffix(list, "]"), ",") {
			if x, err := strconv.ParseFloat(part, 64); err == nil {
				part = strconv.FormatFloat(x, 'g', -1, 64)
			}
			parts = append(parts, part)
		}
		text = strings.Join(parts, ",")
	}
	return fmt.Sprintf("%s (default %s)", f.Usage, text)
}

// empty tells a default that says nothing.
func empty(text string) bool {
	switch text {
	case "", "0", "false", "[]", "-1":
		return true
	}
	return false
}
