package sample

import "testing"

// The tuning images of a plan lie between those of the run, whatever the sizes.
func TestExamples(t *testing.T) {
	for size := 2; size < 70; size++ {
		for images := 0; images <= size+1; images++ {
			for tuning := 0; tuning <= size; tuning++ {
				run, other, err := Plan{Images: images, Tuning: tuning}.examples(size)
				if err != nil {
					if tuning == 0 || images > 0 && images < size {
						t.Errorf("%d, %d of %d: %v", images, tuning, size, err)
					}
					continue
				}
				most := images
				if images == 0 {
					most = size
				}
				if last := run.At(run.Count - 1); run.Count != min(most, size) || last >= size ||
					last+size/run.Count+1 < size {
					t.Errorf("%d of %d: %v", images, size, run)
				}
				if other.Count > tuning || tuning > 0 && other.Count == 0 {
					t.Errorf("%d, %d of %d: %d tuning images", images, tuning, size, other.Count)
				}
				for i := range other.Indices() {
					if i < 0 || i >= size || run.Position(i) >= 0 {
						t.Errorf("%d, %d of %d: tuning image %d", images, tuning, size, i)
					}
				}
			}
		}
	}
}
