// Package lip builds 1-Lipschitz layers (l2) and proves what a layer or a network can stretch.
//
// A layer is trained through a parametrisation (Bjorck, AOL, BCOP, Cayley, SOC, …: pure functions on
// nodes) and used, saved and proved in its effective form, the weights that those functions
// return. A Bound is a proof about effective weights, computed in float64 from the float32
// values as they are saved and rounded outward; nothing else reaches a certificate. What power iteration
// or ascent finds (Spectral, Observed) is an estimate, of another type.
//
// Bounds are of real arithmetic on those weights. By how much float32 may be off behind each layer is a proof of its own
// (ProveRounding), as each layer has one; Householder, which takes a sine, has none, and is refused there.
//
// A Layer is a value with public fields. A new one is one file; a new kind of Dense, Convolution, Residual or
// Activation is one file, with its reference, and one line in the table of that layer.
//
//   - Dense: bjorck, cayley (orthonormal rows or columns), aol, spectral (at most 1 in norm), normalised (LLN) and free for the
//     last layer, where the largest distance of two columns counts.
//   - Convolution, with circular or zero padding, stride and groups: bcop, cayley, soc (orthogonal), aol, spectral, free.
//   - Residual: sll, cpl, of images or flat; Affine, of LiResNet; Sandwich, dense.
//   - Activation: maxmin, groupsort, householder, abs, relu.
//   - AveragePool, NormPool, Depth, Flat.
//
// Every layer after 50 steps of Adam towards random targets, at the point of its steepest slope that ascent and
// iteration found: the smallest and largest singular value of its Jacobian, and what Bound proves
// (go test ./training/lip -run TrainedLayers -v; -update writes it here). A layer that claims to be orthogonal has a smallest value of 1.
//
//	layer                                          in      smallest  largest    bound
//	dense 1 (Björck)                               1        1.00000  1.00000  1.00000
//	dense 64 (Björck)                              64       1.00000  1.00000  1.00006
//	dense 16 (Björck)                              49       1.00000  1.00000  1.00004
//	dense 49 (Björck)                              16       1.00000  1.00000  1.00004
//	dense 31 (cayley)                              31       1.00000  1.00000  1.00005
//	dense 16 (cayley)                              49       1.00000  1.00000  1.00004
//	dense 49 (cayley)                              16       1.00000  1.00000  1.00004
//	dense 17 (aol)                                 31       0.21825  0.77564  0.77564
//	dense 17 (spectral)                            31       0.19492  1.01946  1.01946
//	dense 10 (normalised)                          31       0.60463  1.44496  1.44496
//	dense 10 (free)                                31       0.84039  2.43784  2.43784
//	sandwich 17                                    31       0.00000  0.99956  1.00009
//	sandwich 31                                    17       0.00000  0.99991  1.00010
//	conv 1×1 4 (bcop)                              3×5×6    1.00000  1.00000  1.00003
//	conv 3×3 8 (bcop)                              7×7×4    1.00000  1.00000  1.00003
//	conv 3×3 4 (bcop)                              5×9×8    1.00000  1.00000  1.00003
//	conv 5×5 2 (bcop)                              6×5×1    1.00000  1.00000  1.00001
//	conv 3×3 6 (bcop, stride 2)                    6×4×4    1.00000  1.00000  1.00004
//	conv 3×3 8 (bcop, stride 3)                    3×9×1    1.00000  1.00000  1.00004
//	conv 3×3 8 (bcop, 2 groups)                    5×7×4    1.00000  1.00000  1.00002
//	conv 3×3 4 (bcop, zero padding)                7×5×4    0.04605  1.00000  1.00003
//	conv 3×3 5 (cayley)                            5×7×5    1.00000  1.00000  1.00004
//	conv 3×3 6 (cayley)                            6×4×3    1.00000  1.00000  1.00003
//	conv 1×1 5 (cayley, stride 2)                  6×4×3    1.00000  1.00000  1.00004
//	conv 3×3 5 (soc)                               5×7×5    1.00000  1.00000  1.00001
//	conv 3×3 2 (soc)                               7×5×5    1.00000  1.00000  1.00001
//	conv 3×3 5 (soc, zero padding)                 7×5×3    1.00000  1.00000  1.00001
//	conv 3×3 5 (soc, stride 2)                     6×8×1    1.00000  1.00000  1.00001
//	conv 1×1 5 (aol)                               3×5×3    0.02837  1.00000  1.00001
//	conv 3×3 8 (aol)                               7×7×4    0.05909  0.76340  0.76341
//	conv 5×5 3 (aol)                               5×7×3    0.01255  0.65208  0.65209
//	conv 3×3 6 (aol, stride 3)                     3×9×2    0.30100  0.93621  0.93622
//	conv 3×3 4 (aol, zero padding)                 7×5×2    0.05143  0.75221  0.75225
//	conv 3×3 4 (aol, zero padding, stride 2)       7×5×4    0.09355  0.70701  0.70704
//	conv 3×3 6 (aol, 3 groups)                     5×7×3    0.08238  0.93379  0.93380
//	conv 3×3 4 (spectral)                          7×5×2    0.06533  1.00000  1.00001
//	conv 5×5 4 (spectral, zero padding, stride 3)  7×8×2    0.17743  1.00000  1.00005
//	conv 3×3 4 (free, zero padding, stride 2)      9×7×2    0.01391  0.37374  0.37376
//	affine residual 3×3 (LiResNet)                 7×5×4    0.00218  1.00000  1.00001
//	affine residual 3×3 (LiResNet, zero padding)   7×5×4    0.00045  1.00000  1.00005
//	residual 1×1 3 (SLL)                           3×5×2    0.01054  1.00000  1.00000
//	residual 3×3 3 (SLL)                           7×7×4    0.00079  1.00000  1.00000
//	residual 3×3 2 (SLL)                           5×9×4    0.00203  1.00000  1.00000
//	residual 3×3 2 (SLL, zero padding)             5×7×3    0.00107  1.00000  1.00000
//	residual 1×1 20 (SLL)                          17       0.02220  1.00000  1.00000
//	residual 3×3 8 (CPL)                           7×5×4    0.00595  1.00000  1.00004
//	residual 3×3 6 (CPL, zero padding)             5×7×3    0.00072  1.00650  1.00670
//	residual 1×1 20 (CPL)                          17       0.08243  1.00000  1.00406
//	MaxMin                                         5×3×6    1.00000  1.00000  1.00000
//	GroupSort 5                                    3×3×10   1.00000  1.00000  1.00000
//	GroupSort                                      7        1.00000  1.00000  1.00000
//	Householder                                    5×3×6    1.00000  1.00000  1.00000
//	absolute value                                 5×3×3    1.00000  1.00000  1.00000
//	ReLU                                           5×3×3    0.00000  1.00000  1.00000
//	l2 pool 3×3                                    9×3×3    1.00000  1.00000  1.00000
//	average pool 3×3                               9×3×3    0.33333  0.33333  0.33333
//	space to depth 3×3                             9×3×3    1.00000  1.00000  1.00000
//	flatten                                        5×3×3    1.00000  1.00000  1.00000
//
// For Residual with more units than channels no point may be found where the Jacobian reaches the bound: SLL with 8 units on 7×7×4 and a bound of
// 1 had at most 0.947, with 6 on 5×7×3 and zero padding 0.958. There the bound on ‖W‖ is what is checked to be tight (TestInnerBound).
//
// Training throughput, steps of batch 128 of the small conv net with one kind of layer in place of its unconstrained counterpart, XLA on a
// CPU of 2 cores (go test ./training/net -run XXX -bench Training -benchtime 60x): images/s, and the median ratio of steps taken in turns. A
// residual layer keeps the 48 channels that the convolution halves.
//
//	layer                        images/s  ratio
//	unconstrained                  16,700   1.00
//	conv aol                       14,300   0.89
//	conv bcop                      11,700   0.80
//	conv cayley                     6,100   0.37
//	conv soc                        4,900   0.28
//	conv spectral                  17,600   0.97
//	conv aol, zero padding         17,700   0.97
//	conv soc, zero padding          1,200   0.09  nine convolutions of max(in, out) channels each way
//	dense aol                      10,500   0.62
//	dense bjorck                   10,500   0.59
//	dense cayley                   14,000   0.78
//	dense normalised               17,200   0.97
//	dense spectral                 17,500   0.99
//	dense sandwich                 11,900   0.75
//	residual free                  12,000   0.72
//	residual affine                12,300   0.67
//	residual sll                    9,700   0.58
//	residual cpl                   10,400   0.58
//	activation abs                 19,400   1.08
//	activation groupsort            4,800   0.31  all channels of a layer
//	activation groupsort 4         14,900   0.76
//	activation householder         12,900   0.71
//	activation relu                20,000   1.04
//	pool average                   25,300   1.39
//	pool l2                        23,300   1.24
package lip
