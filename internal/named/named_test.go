package named

import "testing"

func TestFind(t *testing.T) {
	list := []struct{ name, doc string }{{"a", "first"}, {"b", "second"}}
	of := func(e struct{ name, doc string }) string { return e.name }
	if e, err := Find("letter", "b", list, of); e.doc != "second" || err != nil {
		t.Error(e, err)
	}
	if _, err := Find("letter", "c", list, of); err == nil ||
		err.Error() != `no letter "c"; known: a, b` {
		t.Error(err)
	}
}
