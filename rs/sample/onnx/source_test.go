package onnx

import (
	"errors"
	"testing"
)

// ONNX Runtime's errors are cut to their message.
func TestExplain(t *testing.T) {
	const at = "/onnxruntime_src/onnxruntime/core/"
	for text, want := range map[string]string{
		"Error running network: Status Message: " + at + "providers/cpu/tensor/reshape_helper.h:47 " +
			"onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, " +
			"onnxruntime::TensorShapeVector&, bool) size was false. Input shape:{25,3}": "" +
			"Status Message: size was false. Input shape:{25,3}",
		"Error creating C session: Exception: " + at + "framework/op_node_proto_helper.cc:11 " +
			"T onnxruntime::OpNodeProtoHelper<Impl_t>::Get(std::function<void(int)>, " +
			"const std::string&) const [with T = long int; Impl_t = Context] No attribute": "" +
			"Exception: No attribute",
		at + "graph/model.cc:181 onnxruntime::Model::Model(onnx::ModelProto&&) Unsupported": "" +
			"Unsupported",
		"Fatal error: com.example:Nonesuch(-1) is not a registered function/op": "" +
			"ONNX Runtime 1.0 has no operator com.example:Nonesuch",
		"Load model failed (a b)": "Load model failed (a b)",
	} {
		if got := explain(errors.New(text), "1.0").Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
