//go:build !cgo

package onnx

import "errors"

var errNoCgo = errors.New("this build has no ONNX Runtime: build with CGO_ENABLED=1")

func start() (string, error) { return "", errNoCgo }

type session struct{}

func newSession([]byte, string, []value, value) (*session, error) { return nil, errNoCgo }
func (*session) run([]int64, ...feed) ([]float32, []int64, error) { return nil, nil, errNoCgo }
func (*session) close() error                                     { return nil }
