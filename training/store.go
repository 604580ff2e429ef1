package training

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/support/exceptions"
)

// saveStore writes the variables of store as the folder dir, whole or not at all. It writes a
// folder beside dir, reads it back and compares, which shows a full disk, and then renames it. At
// any moment in between, loadStore finds the old folder or the new one.
func saveStore(store *model.Store, dir string) error {
	next, last := dir+".new", dir+".old"
	if err := os.RemoveAll(next); err != nil {
		return err
	}
	handler, err := checkpoint.Build(store).Dir(next).ExcludeAllParams().Keep(1).Done()
	if err == nil {
		err = handler.Save()
	}
	// The handler made itself the loader of missing variables. Nothing is missing.
	store.SetLoader(nil)
	if err != nil {
		return fmt.Errorf("can't save %s: %w", dir, err)
	}
	want, err := hash(store, "/")
	if err != nil {
		return err
	}
	back, err := readStore(next)
	if err != nil {
		return fmt.Errorf("can't save %s (is the disk full?): %w", dir, err)
	}
	if got, err := hash(back, "/"); err != nil || got != want {
		return fmt.Errorf("can't save %s: what was written reads back differently "+
			"(is the disk full?)", dir)
	}
	back.Finalize()
	// Where dir is missing, last is all there is until next takes its place.
	if _, err := os.Stat(dir); err == nil {
		if err := os.RemoveAll(last); err != nil {
			return err
		}
		if err := os.Rename(dir, last); err != nil {
			return err
		}
	}
	if err := os.Rename(next, dir); err != nil {
		return err
	}
	return os.RemoveAll(last)
}

// loadStore reads what saveStore wrote. Where there is nothing, its error is os.ErrNotExist.
func loadStore(dir string) (*model.Store, error) {
	for _, d := range []string{dir, dir + ".old"} {
		if _, err := os.Stat(d); err == nil {
			return readStore(d)
		}
	}
	return nil, fmt.Errorf("%s: no weights here: restore them or train again: %w",
		dir, os.ErrNotExist)
}

func readStore(dir string) (*model.Store, error) {
	store := model.NewStore()
	var err error
	if caught := exceptions.TryCatch[error](func() {
		_, err = checkpoint.Load(store).Dir(dir).ExcludeAllParams().Immediate().Done()
	}); caught != nil {
		err = caught
	}
	if err != nil {
		return nil, fmt.Errorf(
			"%s can't be read (cut off or damaged? restore it or train again): %w", dir, err)
	}
	store.SetLoader(nil)
	return store, nil
}

// hash identifies the variables of a store under a path by name, shape and bits: SHA-256, in hex.
func hash(store *model.Store, under string) (string, error) {
	variables := map[string]*model.Variable{}
	for v := range store.IterVariables() {
		if strings.HasPrefix(v.Path(), under) {
			variables[v.Path()] = v
		}
	}
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(variables)) {
		value, err := variables[path].Value()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %s\n", path, value.Shape())
		if err := value.ConstBytes(func(b []byte) { h.Write(b) }); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// state starts a stream of random numbers that depends on seed, purpose and position alone.
func state(seed uint64, purpose string, position uint64) []uint64 {
	h := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", seed, purpose, position))
	order := binary.LittleEndian
	return []uint64{order.Uint64(h[0:]), order.Uint64(h[8:]), order.Uint64(h[16:])}
}
