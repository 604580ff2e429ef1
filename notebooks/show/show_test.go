package show

import (
	"bytes"
	"flag"
	"fmt"
	"image/png"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares HTML with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden.html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// square is an image of 2 by 2: black, grey, white and what is beyond.
func square() Image {
	return Image{Pixels: []float32{0, 0.5, 1, 1.7}, Height: 2, Width: 2, Channels: 1}
}

func TestTable(t *testing.T) {
	golden(t, "table", gather(func() {
		Table(&table.Table{Columns: []string{"method", "radius"},
			Rows: [][]string{{"a < b", "0.5"}, {"none", ""}}})
	}))
}

func TestRows(t *testing.T) {
	got := gather(func() {
		Rows([]string{"class", "p"}, []any{"seven", 0.123456}, []any{"eight", 1})
	})
	for _, want := range []string{">0.1235<", `right">1</td>`, `left">seven</td>`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	panics(t, "a row of 1 cells under 2 columns", func() { Rows([]string{"a", "b"}, []any{1}) })
}

func TestImages(t *testing.T) {
	m := square()
	m.Class, m.Wrong, m.Radius, m.Attack, m.Note = "<7>", true, 1.25, 2.5, "n = 100"
	golden(t, "images", gather(func() { Images(m, square()) }))
}

// TestPixels decodes the picture of each image again.
func TestPixels(t *testing.T) {
	colour := Image{Pixels: []float32{1, 0, 0.2, 0, 1, -3}, Height: 1, Width: 2, Channels: 3}
	for _, c := range []struct {
		image Image
		want  string
	}{
		{square(), "[0 0 0] [128 128 128] [255 255 255] [255 255 255]"},
		{colour, "[255 0 51] [0 255 0]"},
	} {
		img, err := png.Decode(bytes.NewReader(c.image.png()))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				r, g, b, _ := img.At(x, y).RGBA()
				got = append(got, fmt.Sprint([]uint32{r >> 8, g >> 8, b >> 8}))
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("got %s, want %s", s, c.want)
		}
	}
	panics(t, "3 pixels are no image of [2, 2, 1]",
		func() { Images(Image{Pixels: make([]float32, 3), Height: 2, Width: 2, Channels: 1}) })
	panics(t, "1 or 3 channels",
		func() { Images(Image{Pixels: make([]float32, 2), Height: 1, Width: 1, Channels: 2}) })
}

// TestFigure decodes the SVG that a frame holds, and looks for its size on the screen.
func TestFigure(t *testing.T) {
	for name, draw := range map[string]func(){
		"figure": func() { Figure(figures.Exact(1)) },
		"plot":   func() { Plot(plot.New()) },
	} {
		got := gather(draw)
		data := regexp.MustCompile(`src="data:image/svg\+xml,([^"]*)"`).FindStringSubmatch(got)
		if data == nil {
			t.Fatalf("%s: no SVG in %.200s", name, got)
		}
		svg, err := url.PathUnescape(data[1])
		if err != nil {
			t.Fatal(err)
		}
		size := regexp.MustCompile(`<svg width='([0-9.]+)pt' height='[0-9.]+pt' ` +
			`viewBox='0 0 ([0-9.]+) `).FindStringSubmatch(svg)
		if size == nil {
			t.Fatalf("%s: no size in %.300s", name, svg)
		}
		shown, _ := strconv.ParseFloat(size[1], 64)
		if paper, _ := strconv.ParseFloat(size[2], 64); math.Abs(shown-1.5*paper) > 0.1 {
			t.Errorf("%s: shown %g points wide, on paper %g", name, shown, paper)
		}
	}
	panics(t, "no data", func() { Figure(nil, fmt.Errorf("no data")) })
}

func TestFrames(t *testing.T) {
	drawn := []float64{}
	golden(t, "frames", gather(func() {
		Frames(`"σ"`, []float64{0.25, 1}, func(sigma float64) {
			drawn = append(drawn, sigma)
			HTML(fmt.Sprintf("<p>noise %g</p>", sigma))
			HTML("<p>twice</p>")
		})
	}))
	if len(drawn) != 2 {
		t.Errorf("drawn at %v, want every value once", drawn)
	}
	panics(t, "no value", func() { Frames("n", nil, func(int) {}) })
}

// TestSliders: the last knob moves fastest, and the page begins with the frame of the starts. What
// frames have in common is there once.
func TestSliders(t *testing.T) {
	golden(t, "sliders", gather(func() {
		Sliders(func(at ...any) {
			HTML(fmt.Sprintf("<p>common</p>\n<p>%d draws &amp; %s</p>", at...))
		}, Over("n", 1, 3, 4), Over("method", 0, "mono", "cpm"))
	}))
	panics(t, "slider over n: no value at 2",
		func() { Sliders(func(...any) {}, Over("n", 2, 3, 4)) })
}

func TestStatus(t *testing.T) {
	var shown []string
	s := &Status{show: func(_, html string) { shown = append(shown, html) }}
	for _, text := range []string{"first\nsec", "ond\nthird", " & last\r", "unfinished"} {
		if n, err := s.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	s.Close()
	want := []string{"<small>first</small>", "<small>second</small>",
		"<small>third &amp; last</small>", ""}
	if fmt.Sprint(shown) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", shown, want)
	}
}

func TestProgress(t *testing.T) {
	var shown []string
	done := progress(&Status{show: func(_, html string) { shown = append(shown, html) }},
		"sampling", 1000)
	for i := range 1000 {
		done(i + 1)
	}
	if len(shown) != 101 || shown[100] != "" {
		t.Errorf("shown %d times, and at last %q; want once a percent, and nothing at the end",
			len(shown), shown[len(shown)-1])
	}
	const want = `<small>sampling <progress max="1000" value="10"></progress> 10 of 1000</small>`
	if shown[1] != want {
		t.Errorf("got %q, want %q", shown[1], want)
	}
}

func panics(t *testing.T, with string, f func()) {
	t.Helper()
	defer func() {
		if r := recover(); !strings.Contains(fmt.Sprint(r), with) {
			t.Errorf("panic %v, want one with %q", r, with)
		}
	}()
	f()
}

func TestCanvas(t *testing.T) {
	var shown []string
	c := &Canvas{"here", func(id, html string) { shown = append(shown, id+": "+html) }}
	for _, text := range []string{"first", "second"} {
		c.Draw(func() { HTML(text) })
	}
	if want := "[here: first here: second]"; fmt.Sprint(shown) != want {
		t.Errorf("got %q, want %q", shown, want)
	}
}
