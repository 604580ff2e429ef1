package certify

import "fmt"

func ExampleSettings_Caption() {
	fmt.Println(Settings{Dataset: "MNIST", Split: "test", Sigma: 0.25, N0: 100, N: 10000,
		Alpha: 0.001, Images: 200, Seed: 1}.Caption())
	// Output: MNIST test, σ = 0.25, n0 = 100, n = 10000, α = 0.001, 200 images, seed 1
}
