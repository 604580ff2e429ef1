package figures

import (
	"embed"
	"fmt"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

//go:embed published
var publishedFiles embed.FS

// Published and the name of a dataset, mnist or cifar10, name curves for [ReadOther] that this
// package holds. They have the largest average radius of their noise level, among the logs in the
// repository of SmoothMix.
const Published = "published-"

// publishedSource says what published curves are, for captions.
const publishedSource = "200 quantiles of the radii of 10,000 images, 100,000 draws each, " +
	"α = 0.001, from the logs in the repository of SmoothMix (Jeong et al. 2021)"

// published are the curves of a dataset.
func published(dataset string) (curves []Other, err error) {
	name := "published/" + dataset + ".tsv"
	file, err := publishedFiles.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s%s: no such curves; there are %[1]smnist and %[1]scifar10",
			Published, dataset)
	}
	defer file.Close()
	t, err := table.Read(file, name)
	if err != nil {
		return nil, err
	}
	for _, column := range t.Columns {
		radii, right, err := t.Numbers(column)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		results := make([]rs.Result, len(radii))
		for i, r := range radii {
			results[i].Class = rs.Abstain
			if right[i] {
				results[i].Certificate = rs.Certificate{Radius: r}
			}
		}
		curves = append(curves, Other{Name: column, Results: results, Source: publishedSource})
	}
	return curves, nil
}
