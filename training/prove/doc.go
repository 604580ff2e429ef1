// Package prove proves a bound on the Lipschitz constant (l2) of a classifier from its ONNX file,
// whoever trained it. It reads the graph and the weights. It needs no claim of the file's author.
//
// A Proof holds for real arithmetic with the weights as they are stored. Casts between widths of
// floating-point numbers count as the identity. All bounds are in float64 and rounded outward.
//
// # Runs of a file
//
// [File] proves a bound for images as the file takes them. [Classifier] proves one for images in
// [0, 1], through all that lies between an image and the logits whose margins are logged. lipsmooth
// sample does so by itself, and so can a program:
//
//	file, err := onnx.Load("m.onnx", onnx.Options{Mean: mean, Std: std})
//	bound, err := prove.Classifier(ctx, file, prove.Options{})
//	result, err := sample.Draw(ctx, nil, file, images, sample.Default(), "run")
//
// The run's Λ is then proved from the file. Where err says that nothing is proved, the run has
// votes alone, or a claim.
//
// # How it works
//
// The graph becomes a list of values of one image: sums of linear maps, and activations. Each
// operation has to treat the images of a batch alike and apart. Where the batch is free, the graph
// is read for two sizes and has to be the same. Integers that follow from the number of images may
// only be multiples of it, and only give the first axis of a shape.
//
// Each value is then a sum of linear maps of roots, which are the image and what activations
// return. Linear maps that follow each other are one map: a batch norm is folded into its
// convolution, padding belongs to its convolution, and small maps are multiplied out. A bound on a
// map's norm is the least of several proved ones: Schur's test, the row sums of A·Aᵀ, Gram
// iteration at the frequencies of a torus, and the Cholesky factorisation of s² - AᵀA. Bounds take
// at most Options.Work operations. What isn't affordable any more has a looser bound.
//
// # Rules
//
// Let α bound how much a root changes with the image.
//
//   - A sum of maps M of roots changes by at most Σ‖M‖·α; by the root of Σ(‖M‖·α)² where the
//     maps have no row in common.
//   - An elementwise activation has proved slopes. Sorting, which MaxMin and GroupSort are,
//     permutes entries, so it is 1-Lipschitz; Max and Min of the same values count as one sort.
//     A pool of the largest entries counts how often its windows overlap.
//   - x - Nᵀ·D·φ(N·x) with slopes of φ in [0, 1] and D ≥ 0 is symmetric in each region, with
//     eigenvalues between 1 - ‖D^½·N‖² and 1. SLL and CPL are such steps.
//   - M·φ(N·x) with slopes in [0, 1] is at most half the square of the norm of [t·Mᵀ, N/t], t >
//     0, and at most ½‖M·N‖ + ½‖M‖·‖N‖.
//   - A polynomial of a skew convolution, as SOC computes it, has the largest size of the
//     polynomial on an interval of the imaginary axis.
//   - A difference of two logits counts the distance of two rows of the last map.
//
// # How tight it is
//
// The files of testdata/make.py are exported by PyTorch's libraries. The table has the proved
// bound, and the product of the layers' largest singular values by numpy. TestFamilies has the
// bound within 5% of the product.
//
//	file                     Λ        product
//	torchlip-dense           1.49758  1.49738
//	torchlip-conv            0.63229  0.63220
//	torchlip-circular        0.69347  0.69343
//	orthogonium-aoc          0.72955  0.72952
//	orthogonium-sll-aol-soc  1.30096  1.29810
//	aol                      0.47152  0.47147
//	cpl-sll                  1.62003  1.61938
//	soc                      1.58630  1.58620
//	bronet                   1.67576  1.67556
//	lot                      1.57939  1.57929
//	plain                    4.85618  6.94549
//
// # What is refused
//
// An operation of which nothing is proved stops the proof, and the error names it. Softmax,
// LayerNormalization, attention, control flow and operators of other domains are such operations. A
// choice by Where has no proof, as rounded weights may make it jump.
package prove
