// Package onnx serves classifiers of ONNX files through ONNX Runtime, on the CPU.
//
// # Inputs
//
// The input of a model may be float32, float16, float64 or uint8. Its axes may be [N, C, H, W] or
// [N, H, W, C], [N, H, W] for gray images, or one axis of all values, [N, H·W·C]. Every axis may be
// free or fixed. Options say what the file leaves open: --layout, --size, --channels.
//
// An image has the dataset's shape, [h, w, c], and is in [0, 1]. The noise is added first, so σ and
// every radius are in these units whatever the model wants. Then, in this order, the image is
// denoised if there is a [Denoiser], resized bilinearly and cropped if the model wants another
// size, given the model's channels, normalised by channel, (x - mean) / std, and laid out as the
// model's input. All of these steps are part of the classifier that is certified, and run.json
// keeps them.
//
// A model of uint8 gets 255 times the noisy image, rounded and clipped to 0, 1, …, 255. The
// rounding is a function of the noisy image alone. It is one more step of the base classifier, so
// votes certify the model with its rounding. A rounded classifier has no finite Lipschitz constant,
// so --lipschitz is refused.
//
// A diffusion model as a Denoiser gets x + σz at the first step of its schedule whose noise is at
// least σ. A schedule that isn't the model's own costs accuracy and keeps soundness.
//
// # Outputs
//
// The output may be logits or probabilities, one a class. One value an image is two classes: a
// logit z has the logits 0 and z, and a probability p has log(1-p) and log p. The last operator
// tells the two apart, Sigmoid or another, unless --scale does.
//
// # Batches
//
// The batch axis may be free or fixed. A model whose free axis takes only 1 image is run image by
// image. With --one-by-one every model is: then the answer for an image is a function of the image
// alone. Files that quantise dynamically need the flag, since their scale depends on a whole batch.
//
// A model is refused if its answer for an image is random or depends on the other images of the
// batch. A batch norm in training mode is refused in every case.
//
// A model may be declared random, with --random, if an operator of its file draws by chance. Votes
// certify its most frequent answer. It is run image by image, so its answer depends on no other
// image. The independence of its answers from run to run is the user's word.
//
// # Runtimes
//
// This package runs a file in ONNX Runtime, on the CPU. Package xla runs it on XLA, on CUDA where
// that is set up, and attacks need it there. The noise and the last bits of logits differ between
// the two, so the votes of a run belong to the runtime that run.json names. Package xla can't run
// a denoiser, a model that answers by chance, images one by one, and operators that onnx-gomlx
// doesn't convert.
//
// # An ImageNet classifier
//
// EfficientNet-Lite0 takes [N, 3, 224, 224] and images as (255x - 127)/128. In [0, 1] that is the
// mean 127/255 and the standard deviation 128/255:
//
//	lipsmooth sample efficientnet_lite0.onnx --data imagenet20 --labels labels.tsv \
//	    --classes imagenet --resize 256 --mean 0.498039 --std 0.501961 \
//	    --images 0 --sigma 0.12 --n 1000 --out im
//	lipsmooth certify im --method all
//
// Here imagenet20 is a folder of 20 validation images, and labels.tsv has a file name and a label
// from 0 to 999 in each line. Images are resized to a shorter side of 256 and cropped to 224×224
// before the noise. The model is right on 17 of the 20 without noise. At α = 0.001 the average
// certified radius is 0.121 by bonferroni, 0.132 by cpm and 0.133 by twobound.
//
// A model that was trained by Caffe takes blue first and 0 to 255 less a mean: --channels bgr --std
// 0.00392157 and a mean of three values in [0, 1], in the model's order.
//
// # Lipschitz constants
//
// Package training/prove proves the Lipschitz constant of many files, for images in [0, 1]. Its
// function Classifier gives the bound to a [Classifier], and run.json then says "proved from the
// file". The proof is of real arithmetic, as are all bounds here: no bound is known on what ONNX
// Runtime's float32 sums do to margins.
//
// Options.Lipschitz claims a constant of other files. Every certificate, table, figure and page
// that rests on a claim says "claimed". A claim that the margins contradict certifies nothing.
package onnx
