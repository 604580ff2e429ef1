package data

import "fmt"

func ExampleOpenFS() {
	// Any fs.FS will do, such as os.DirFS; these are four idx files.
	train, test, err := OpenFS(idxTree().fs(), "tiny")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(train)
	fmt.Println(test)
	images := make([]float32, 2*test.Size())
	if err := test.Images(images, []int{0, 1}); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%.3f %d\n", images[test.Size():], test.Label(1))
	// Output:
	// tiny train: 4 images of 2×3×1, 4 classes
	// tiny test: 2 images of 2×3×1, 4 classes
	// [0.024 0.027 0.031 0.035 0.039 0.043] 1
}

func ExampleOrder() {
	fmt.Println(Order(10, 0, 0))
	fmt.Println(Order(10, 0, 1))
	// Output:
	// [4 5 8 1 0 9 7 3 6 2]
	// [6 4 5 9 8 3 7 2 0 1]
}
