package show

import (
	"cmp"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var (
	// outline matches a path of straight lines and Bézier curves in absolute coordinates, as
	// figures write it. Most paths are letters.
	outline = regexp.MustCompile(` d="([MLQCZ0-9.,e+-]+)"`)
	segment = regexp.MustCompile(`[MLQCZ][^MLQCZ]*`)
	// decimals are more than two behind the point; a hundredth of a point is far less than a pixel.
	decimals = regexp.MustCompile(`(\.[0-9]{2})[0-9]+`)
)

// compact halves the size of an SVG. Its paths go from each point to the next in hundredths of a
// point. The steps are between rounded places, so no error adds up.
func compact(svg string) string {
	svg = outline.ReplaceAllStringFunc(svg, func(d string) string {
		return ` d="` + relative(d[4:len(d)-1]) + `"`
	})
	return decimals.ReplaceAllString(svg, "$1")
}

// relative writes a path in relative coordinates, rounded where it goes to, not how far.
func relative(path string) string {
	var b strings.Builder
	var at, begin [2]int
	last := byte(0)
	for _, s := range segment.FindAllString(path, -1) {
		kind := s[0] + 'a' - 'A'
		apart := kind == last && kind != 'm' // numbers go on where the letter is understood
		if !apart {
			b.WriteByte(kind)
		}
		if last = kind; kind == 'z' {
			at = begin
			continue
		}
		from := at
		for i, number := range strings.Split(s[1:], ",") {
			x, _ := strconv.ParseFloat(number, 64) // what outline matches
			at[i%2] = int(math.Round(100 * x))
			by := at[i%2] - from[i%2]
			text := strings.TrimPrefix(strconv.FormatFloat(math.Abs(float64(by))/100, 'f', -1, 64),
				"0")
			switch {
			case by < 0:
				b.WriteByte('-')
			case apart:
				b.WriteByte(' ')
			}
			b.WriteString(cmp.Or(text, "0"))
			apart = true
		}
		if kind == 'm' {
			begin = at
		}
	}
	return b.String()
}
