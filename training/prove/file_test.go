package prove

import (
	"os"
	"testing"
	"time"
)

func TestScratch(t *testing.T) {
	path := os.Getenv("SCRATCH")
	if path == "" {
		t.Skip()
	}
	start := time.Now()
	p, err := File(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Λ %v body %.5f in %v", p.Lambda, p.Body, time.Since(start))
	for _, s := range p.Steps {
		t.Logf("%-50s %-10s %.5f through %.5f  %s", s.Node, s.Kind, s.Stretch, s.Through, s.Rule)
	}
}
