package backend

import "testing"

// TestPlatform: names and paths of plugins as go-xla and the Python wheels have them.
func TestPlatform(t *testing.T) {
	for plugin, want := range map[string]string{
		"cpu": "cpu", "cuda13": "cuda", "/x/pjrt_c_api_cpu_plugin.so": "cpu",
		"/x/xla_cuda_plugin.so": "cuda", "/cpu/nvidia.so": "cuda", "/x/tpu.so": "tpu",
	} {
		if got := Platform(plugin); got != want {
			t.Errorf("%s: %s, want %s", plugin, got, want)
		}
	}
}
