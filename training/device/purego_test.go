package device

import (
	"runtime"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Many operations that are ready at once, each split into parts, come to an end. With the pool that
// the backend has by itself, this test hangs.
func TestPureGoEnds(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	b, err := PureGo()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Finalize()
	exec, err := NewExec(b, func(x *Node) *Node {
		sum := ScalarZero(x.Graph(), dtypes.Float32)
		for i := range 32 {
			y := AddScalar(x, float64(i))
			sum = Add(sum, ReduceAllSum(Einsum("bij,bkj->bik", y, y)))
		}
		return sum
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	x := tensors.FromShape(shapes.Make(dtypes.Float32, 512, 8, 8))
	for range 100 {
		if _, err := exec.Call(x); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWorkers(t *testing.T) {
	for config, want := range map[string]int{"go": workers, "go:ops_sequential": workers,
		"go:parallelism=3": 3} {
		b, err := newBackend(config)
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := poolOf(b); !ok || p.MaxParallelism() != want {
			t.Errorf("%s: %v, %v: does the backend have another pool now, which needs no widening?",
				config, p, ok)
		}
		b.Finalize()
	}
}
