// Package lip is for networks with a proved Lipschitz constant. It builds 1-Lipschitz layers (l2),
// and it proves how much a layer or a network can stretch a difference of two inputs.
//
// A layer trains through a parametrisation: a pure function on nodes, such as Bjorck, AOL or BCOP.
// The function returns the layer's effective weights. The layer is used, saved and proved in those
// weights. Where an optimiser keeps variables orthonormal, layers take them as they are: see
// Stiefel.
//
// A Bound is a proof about effective weights, and nothing else reaches a certificate. Bounds are
// computed in float64 from the float32 weights as they are saved, and rounded outward. Power
// iteration and ascent give estimates, which have another type: see Spectral and Observed.
//
// A Bound holds for real arithmetic on the weights. A Rounding is a second proof: it bounds the
// error of float32 behind each layer. XLA flushes numbers below 2⁻¹²⁶ to zero, so even a layer that
// only moves or compares values is off by up to 2⁻¹²⁶ a value. Chain.Rounding refuses a layer
// without such a proof.
//
// # Layers
//
// A Layer is a value with public fields.
//
//   - Dense: bjorck, bro and cayley have orthonormal rows or columns. The norm of aol is at most 1,
//     of spectral about 1. Last layers are normalised (LLN) or free, as the largest distance of two
//     columns counts there.
//   - Convolution, with circular or zero padding, stride and groups: bcop, bro, cayley and soc are
//     orthogonal. The norm of aol and rko is at most 1, of spectral about 1; free has any. rko is
//     orthogonal where its stride is its kernel's side. At a stride, bcop is AOC (Boissin et al.
//     2025). Kernels have odd sides: 2×2 at stride 2 is Depth and a 1×1 convolution. With zero
//     padding, bcop has a norm of at most 1 and isn't orthogonal: it loses what leaves the image.
//   - Residual: sll and cpl, of images or flat; Affine, of LiResNet; Sandwich, dense.
//   - Activation: maxmin, groupsort, householder, abs, beta-abs, relu. The first three need
//     channels in whole groups and refuse others, as deel-torchlip does. Padding would add channels
//     of no meaning.
//   - Centring, which subtracts the batch's mean while it trains.
//   - Prototypes, which give the logits by the distance to the nearest plane.
//   - SpatialShift, of LipNeXt. AveragePool, NormPool, Depth, Flat.
//
// A new layer is one file with its weights, application, bound, matrix and rounding. A new kind of
// Dense, Convolution, Residual or Activation is one file, with its reference, and one line in the
// table of that layer. TestExtension adds one of each.
//
// # How tight the bounds are
//
// The table has every layer after 50 steps of Adam towards random targets. Ascent and iteration
// find the point where the layer is steepest. The columns give the smallest and the largest
// singular value of the Jacobian there, and the proved bound. An orthogonal layer has a smallest
// value of 1, and keeps it: TestStaysOrthogonal trains for 200 steps. The command is go test
// ./training/lip -run TrainedLayers -v; with -update it writes the table here.
//
//	layer                                          in      smallest  largest    bound
//	dense 1 (Björck)                               1        1.00000  1.00000  1.00000
//	dense 64 (Björck)                              64       1.00000  1.00000  1.00006
//	dense 16 (Björck)                              49       1.00000  1.00000  1.00004
//	dense 49 (Björck)                              16       1.00000  1.00000  1.00004
//	dense 31 (cayley)                              31       1.00000  1.00000  1.00005
//	dense 16 (cayley)                              49       1.00000  1.00000  1.00004
//	dense 49 (cayley)                              16       1.00000  1.00000  1.00004
//	dense 31 (bro)                                 31       1.00000  1.00000  1.00005
//	dense 16 (bro)                                 49       1.00000  1.00000  1.00004
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
//	conv 3×3 4 (bcop, zero padding)                7×5×4    0.04282  1.00000  1.00003
//	conv 3×3 6 (rko)                               5×7×3    0.09931  0.85545  0.85546
//	conv 3×3 6 (rko, zero padding, stride 2)       5×7×3    0.03665  0.78656  0.78660
//	conv 3×3 7 (rko, stride 3)                     6×9×1    1.00000  1.00000  1.00004
//	conv 3×3 5 (cayley)                            5×7×5    1.00000  1.00000  1.00004
//	conv 3×3 6 (cayley)                            6×4×3    1.00000  1.00000  1.00003
//	conv 1×1 5 (cayley, stride 2)                  6×4×3    1.00000  1.00000  1.00004
//	conv 3×3 5 (bro)                               5×7×5    1.00000  1.00000  1.00004
//	conv 3×3 4 (bro, stride 2, 2 groups)           6×8×2    1.00000  1.00000  1.00002
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
//	β-Abs                                          5×3×3    1.00000  1.00000  1.00000
//	ReLU                                           5×3×3    0.00000  1.00000  1.00000
//	batch centring                                 5×3×3    1.00000  1.00000  1.00000
//	batch centring                                 7        1.00000  1.00000  1.00000
//	spatial shift                                  5×3×9    1.00000  1.00000  1.00000
//	spatial shift                                  1×2×4    1.00000  1.00000  1.00000
//	l2 pool 3×3                                    9×3×3    1.00000  1.00000  1.00000
//	average pool 3×3                               9×3×3    0.33333  0.33333  0.33333
//	space to depth 3×3                             9×3×3    1.00000  1.00000  1.00000
//	flatten                                        5×3×3    1.00000  1.00000  1.00000
//
// A Residual with more units than channels may reach its bound at no point that is found. SLL with
// 8 units on 7×7×4 and a bound of 1 had at most 0.947; with 6 units on 5×7×3 and zero padding it
// had 0.958. There, TestInnerBound checks that the bound on ‖W‖ is tight.
//
// # How fast they train
//
// The table has the training rate of the small conv net with one kind of layer in place of its
// unconstrained counterpart, as a ratio to the unconstrained net's rate. That net trains on 16,700
// images/s on an idle CPU of 2 cores, with XLA and a batch of 128. The ratio is the median over
// steps taken in turns, so that other load falls on both nets. A residual layer keeps the 48
// channels that the convolution halves. SOC with zero padding takes nine convolutions each way, of
// the wider side's channels, and groupsort alone sorts all channels of a layer. Dense BRO
// orthonormalises a quarter as many columns as its wider side has units, here 294. The command is
// go test ./training/net -run XXX -bench Training -benchtime 60x.
//
//	layer                     ratio
//	conv aol                   0.89
//	conv bcop                  0.80
//	conv bro                   0.40
//	conv cayley                0.37
//	conv rko                   1.03
//	conv soc                   0.28
//	conv spectral              0.97
//	conv aol, zero padding     0.97
//	conv soc, zero padding     0.09
//	dense aol                  0.62
//	dense bjorck               0.63
//	dense bro                  0.11
//	dense cayley               0.78
//	dense normalised           0.97
//	dense spectral             0.99
//	dense sandwich             0.75
//	residual free              0.72
//	residual affine            0.67
//	residual sll               0.58
//	residual cpl               0.58
//	activation abs             1.08
//	activation beta-abs        1.04
//	activation groupsort       0.31
//	activation groupsort 4     0.76
//	activation householder     0.71
//	activation relu            1.04
//	pool average               1.39
//	pool l2                    1.24
package lip
