"""One peer as a child process of `lipsmooth bench`: peer.py NAME WEIGHTS BATCH SIGMA WIDTH SIDE PRECISION.

Reads image, kernels and dense weights from WEIGHTS (little-endian float32, as net.go writes them), warms up and writes
"ready VERSION". Then answers each line of stdin with one of stdout: "logits" with those of the image without noise,
"run SECONDS" with images and the seconds they took. Ends with stdin.
"""

import os
import sys
import time

import numpy as np

SIDE, PRECISION = int(sys.argv[6]), sys.argv[7]
COLOURS, CLASSES, STRIDES = 3, 10, (1, 2, 1, 2)


def read(path, width):
    """Image [SIDE, SIDE, 3], kernels [3, 3, in, out], dense [2 width, 10]."""
    flat = np.fromfile(path, "<f4").astype(np.float32)
    channels = (COLOURS, width, width, 2 * width, 2 * width)
    shapes = [(SIDE, SIDE, COLOURS)] + [(3, 3, i, o) for i, o in zip(channels, channels[1:])] + [(2 * width, CLASSES)]
    ends = np.cumsum([np.prod(s) for s in shapes])
    if len(flat) != ends[-1]:
        raise ValueError(f"{path}: {len(flat)} values, want {ends[-1]}")
    image, *kernels, dense = (part.reshape(s) for part, s in zip(np.split(flat, ends[:-1]), shapes))
    return image, kernels, dense


def channels_first(image, kernels):
    """Image [3, SIDE, SIDE] and kernels [out, in, 3, 3], mirrored in both directions of space.

    SAME padding with stride 2 adds a row after the image, "padding 1" one before it that counts and one after it that
    does not: of the mirrored image with mirrored kernels the second is the first, and the mean over space the same.
    """
    image = np.ascontiguousarray(image[::-1, ::-1].transpose(2, 0, 1))
    return image, [np.ascontiguousarray(k[::-1, ::-1].transpose(3, 2, 0, 1)) for k in kernels]


# Each peer returns its version, a function without arguments from the image to logits [10], and a vote step, which returns
# the votes [10] as an array of NumPy.


def jax_peer(image, kernels, dense, batch, sigma):
    import jax
    import jax.numpy as jnp

    inputs, precision = (jnp.bfloat16, None) if PRECISION == "bf16" else (jnp.float32, PRECISION.replace("tf32", "tensorfloat32"))
    options = {"precision": precision, "preferred_element_type": jnp.float32}

    def net(x):
        for kernel, stride in zip(kernels, STRIDES):
            x = jax.lax.conv_general_dilated(
                x.astype(inputs), kernel.astype(inputs), (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), **options
            )
            x = jax.nn.relu(x)
        return jnp.matmul(x.mean((1, 2)).astype(inputs), dense.astype(inputs), **options)

    @jax.jit
    def vote(key):
        key, draw = jax.random.split(key)
        noise = jax.random.normal(draw, (batch,) + image.shape, jnp.float32)
        winners = net(image + jnp.float32(sigma) * noise).argmax(-1)
        return key, (winners[:, None] == jnp.arange(CLASSES)).sum(0)

    key = jax.random.key(0)

    def step():
        nonlocal key
        key, votes = vote(key)
        return np.asarray(votes)

    return jax.__version__, lambda: np.asarray(jax.jit(net)(image[None]))[0], step


def onnxruntime_peer(image, kernels, dense, batch, sigma):
    """Leaves the net as a file, of any number of images, beside WEIGHTS."""
    import onnxruntime
    from onnx import TensorProto, checker, helper, numpy_helper

    image, kernels = channels_first(image, kernels)

    def model(batch):
        nodes, weights, last = [], [numpy_helper.from_array(dense, "dense")], "x"
        for i, (kernel, stride) in enumerate(zip(kernels, STRIDES)):
            weights.append(numpy_helper.from_array(kernel, f"kernel{i}"))
            nodes.append(helper.make_node("Conv", [last, f"kernel{i}"], [f"conv{i}"], strides=[stride] * 2, pads=[1] * 4))
            nodes.append(helper.make_node("Relu", [f"conv{i}"], [f"relu{i}"]))
            last = f"relu{i}"
        nodes.append(helper.make_node("GlobalAveragePool", [last], ["mean"]))
        nodes.append(helper.make_node("Flatten", ["mean"], ["features"]))
        nodes.append(helper.make_node("MatMul", ["features", "dense"], ["logits"]))
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *image.shape])
        z = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, CLASSES])
        graph = helper.make_graph(nodes, "net", [x], [z], weights)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        checker.check_model(made)
        return made

    def session(batch):
        return onnxruntime.InferenceSession(model(batch).SerializeToString(), providers=["CPUExecutionProvider"])

    with open(os.path.splitext(sys.argv[2])[0] + ".onnx", "wb") as file:
        file.write(model("n").SerializeToString())
    noisy, random = session(batch), np.random.default_rng(0)
    x = np.empty((batch,) + image.shape, np.float32)

    def step():
        random.standard_normal(dtype=np.float32, out=x)
        np.multiply(x, np.float32(sigma), out=x)
        np.add(x, image, out=x)
        return np.bincount(noisy.run(None, {"x": x})[0].argmax(-1), minlength=CLASSES)

    return onnxruntime.__version__, lambda: session(1).run(None, {"x": image[None]})[0][0], step


def torch_peer(layout, compiled):
    def peer(image, kernels, dense, batch, sigma):
        import torch
        from torch.nn.functional import conv2d

        form = getattr(torch, layout)
        image, kernels = channels_first(image, kernels)
        x, d = torch.from_numpy(image)[None].contiguous(memory_format=form), torch.from_numpy(dense)
        kernels = [torch.from_numpy(k).contiguous(memory_format=form) for k in kernels]
        noise = torch.empty((batch, *image.shape)).contiguous(memory_format=form)

        def net(x):
            for kernel, stride in zip(kernels, STRIDES):
                x = conv2d(x, kernel, stride=stride, padding=1).relu_()
            return x.mean((2, 3)) @ d

        def winners(noise):
            return net(x + sigma * noise).argmax(-1)

        if compiled:
            winners = torch.compile(winners)

        @torch.inference_mode()
        def step():
            return torch.bincount(winners(noise.normal_()), minlength=CLASSES).numpy()

        @torch.inference_mode()
        def logits():
            return net(x)[0].numpy()

        return torch.__version__, logits, step

    return peer


PEERS = {
    "jax": jax_peer,
    "onnxruntime": onnxruntime_peer,
    "torch-eager": torch_peer("contiguous_format", False),
    "torch-channels-last": torch_peer("channels_last", False),
    "torch-compile": torch_peer("channels_last", True),
}


def main(name, weights, batch, sigma, width, *_):
    # What a library prints goes to stderr.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    batch = int(batch)
    version, logits, step = PEERS[name](*read(weights, int(width)), batch, float(sigma))

    def vote():
        if (total := step().sum()) != batch:
            raise ValueError(f"{total} votes of {batch} images")

    for _ in range(3):
        vote()
    print("ready", version, file=answers)
    for line in sys.stdin:
        match line.split():
            case ["logits"]:
                print(*(float(z) for z in logits()), file=answers)
            case ["run", seconds]:
                vote()  # whoever ran before has come to rest, and caches are warm
                images, start, passed = 0, time.perf_counter(), 0.0
                while passed < float(seconds):
                    vote()
                    images, passed = images + batch, time.perf_counter() - start
                print(images, passed, file=answers)
            case _:
                raise ValueError(f"no such request: {line!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
