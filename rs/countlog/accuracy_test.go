package countlog

import (
	"testing"
)

// Accuracy counts labelled rows alone, and tells guessing from knowing.
func TestAccuracy(t *testing.T) {
	r := testRun()
	dir := t.TempDir()
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		e := synthetic(&r, r.Examples.At(i))
		e.Clean.Class = 7
		switch {
		case i == 0:
			e.Label = -1
		case i < 7:
			e.Label = e.Class
		default:
			e.Label = (e.Class + 1) % 10
		}
		if err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, err := log.Accuracy()
	if err != nil || a.Rows != 12 || a.Labelled != 11 || a.Noisy != 6 || a.Cleans != 11 {
		t.Errorf("%+v, %v", a, err)
	}
	for _, c := range []struct {
		a       Accuracy
		text    string
		guessed bool
	}{
		{Accuracy{Rows: 4}, "no accuracy: none of the 4 images has a label", false},
		{Accuracy{Rows: 50, Labelled: 50, Clean: 46, Cleans: 50, Noisy: 40, Classes: 10},
			"clean accuracy 0.92, under noise 0.80", false},
		{Accuracy{Rows: 50, Labelled: 40, Noisy: 10, Classes: 10},
			"under noise 0.25, of the 40 images of 50 that have a label", false},
		{Accuracy{Rows: 20, Labelled: 20, Clean: 0, Cleans: 20, Classes: 1000},
			"clean accuracy 0.00, under noise 0.00", true},
		{Accuracy{Rows: 5, Labelled: 5, Clean: 0, Cleans: 5, Classes: 1000},
			"clean accuracy 0.00, under noise 0.00", false}, // too few to tell
	} {
		if c.a.String() != c.text || c.a.Guessed() != c.guessed {
			t.Errorf("%+v: %s, %v", c.a, c.a, c.a.Guessed())
		}
	}
}
