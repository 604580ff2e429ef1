package onnx

// For tests in package onnx_test, which imports what imports this package.
var (
	OpenInTest = open
	TestImages = testImages
)
