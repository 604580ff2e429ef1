package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
)

// begun is config.json: what a training in a folder was started with.
type begun struct {
	Config   Config `json:"config"`
	DataHash string `json:"dataset_hash"`
	Backend  string `json:"backend"`
}

// begin claims the folder dir for a training, or finds that the same one was begun there.
func begin(dir string, want begun) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	path := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if text, err = json.MarshalIndent(want, "", "  "); err != nil {
			return err
		}
		return writeFile(path, append(text, '\n'))
	}
	if err != nil {
		return err
	}
	var have begun
	if err := json.Unmarshal(text, &have); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if have.DataHash != want.DataHash {
		return fmt.Errorf("%s: this training was begun on other data; choose another folder", path)
	}
	if have.Backend != want.Backend {
		return fmt.Errorf("%s: this training was begun on backend %s, not %s; choose another folder", path, have.Backend, want.Backend)
	}
	a, b := reflect.ValueOf(have.Config), reflect.ValueOf(want.Config)
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); x != y {
			return fmt.Errorf("%s: this training was begun with %s %v, not %v; choose another folder", path, a.Type().Field(i).Tag.Get("json"), x, y)
		}
	}
	return nil
}
