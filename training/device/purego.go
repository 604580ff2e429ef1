package device

import (
	"reflect"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// PureGo opens the pure-Go backend.
func PureGo() (compute.Backend, error) { return newBackend(gobackend.BackendName) }

// workers of the pure-Go backend are more than the operations that any graph here has ready at
// once. An operation that splits its work takes workers for the parts from its own pool (compute
// v0.1.2, Pool.Saturate). So a pool's worth of such operations, by default two a core, would wait
// for each other for ever.
const workers = 256

// widen gives a pure-Go backend that many workers, unless its configuration says how many.
func widen(b compute.Backend, config string) {
	name, options, _ := strings.Cut(config, ":")
	if name != gobackend.BackendName || strings.Contains(options, "parallelism") {
		return
	}
	if pool, ok := poolOf(b); ok {
		pool.SetMaxParallelism(workers)
	}
}

// pool is what the backend's field Workers, of an internal type, holds.
type pool interface {
	SetMaxParallelism(int)
	MaxParallelism() int
}

func poolOf(b compute.Backend) (pool, bool) {
	v := reflect.Indirect(reflect.ValueOf(b))
	if v.Kind() != reflect.Struct {
		return nil, false
	}
	field := v.FieldByName("Workers")
	if !field.IsValid() || !field.CanInterface() {
		return nil, false
	}
	p, ok := field.Interface().(pool)
	return p, ok
}
