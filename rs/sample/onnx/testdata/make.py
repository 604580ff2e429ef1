#!/usr/bin/env python3
"""Makes the ONNX files of the tests, and beside each the logits that onnxruntime gives in Python.

  python3 -m venv v && v/bin/pip install numpy onnx onnxruntime==1.32.0 && v/bin/python make.py [folder]

Weights are He-scaled normals of one seed. The images are those of image() in model_test.go: hashed pixel numbers.
A TSV has a row an image and a column a class. Files whose name begins with bad are to be refused.
"""
import os, sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
COUNT, SIZE, CLASSES = 5, (16, 16, 3), 10


def images(shape, count=COUNT):
    v = np.arange(count * np.prod(shape), dtype=np.uint32) * np.uint32(2654435761)
    v ^= v >> np.uint32(15)
    v *= np.uint32(2246822519)
    v ^= v >> np.uint32(13)
    return ((v >> np.uint32(8)).astype(np.float32) / np.float32(2**24)).reshape(count, *shape)


class Graph:
    """Nodes and weights in the order they are added; every call returns the name of what it makes."""

    def __init__(self, seed, dtype=np.float32):
        self.rng, self.dtype, self.nodes, self.inits = np.random.default_rng(seed), dtype, [], []

    def const(self, a, name=None):
        name = name or f"w{len(self.inits)}"
        self.inits.append(nh.from_array(np.asarray(a), name))
        return name

    def weight(self, *shape, fan=None, scale=1.0):
        fan = fan or np.prod(shape[1:])
        return self.const((self.rng.standard_normal(shape) * scale * np.sqrt(2 / fan)).astype(self.dtype))

    def op(self, kind, *inputs, out=None, **attributes):
        out = out or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(h.make_node(kind, list(inputs), [out], name=f"node{len(self.nodes)}", **attributes))
        return out

    def conv(self, x, cin, cout, k=3, stride=1, group=1, bias=True):
        w = [self.weight(cout, cin // group, k, k)] + ([self.weight(cout, fan=100)] if bias else [])
        return self.op("Conv", x, *w, strides=[stride] * 2, pads=[k // 2] * 4, kernel_shape=[k, k], group=group)

    def dense(self, x, cin, cout, out=None):
        return self.op("Add", self.op("MatMul", x, self.weight(cin, cout, fan=cin)), self.weight(cout, fan=100), out=out)

    def pooled(self, x):
        return self.op("Flatten", self.op("GlobalAveragePool", x))

    def model(self, shape, out="logits", out_shape=None, elem=T.FLOAT, more=(), opset=17):
        g = h.make_graph(self.nodes, "net", [h.make_tensor_value_info("image", elem, shape)],
                         [h.make_tensor_value_info(out, elem, out_shape or [shape[0], CLASSES])] + list(more), self.inits)
        return h.make_model(g, opset_imports=[h.make_opsetid("", opset)], ir_version=8, producer_name="make.py")


def residual(g, x, classes=CLASSES, out="logits"):
    x = g.op("Relu", g.conv(x, 3, 8))
    for _ in range(2):
        x = g.op("Relu", g.op("Add", x, g.conv(g.op("Relu", g.conv(x, 8, 8)), 8, 8)))
    return g.dense(g.pooled(x), 8, classes, out=out)


def depthwise(g, x):
    x = g.op("Relu", g.conv(x, 3, 12, stride=2))
    for _ in range(2):
        x = g.op("Clip", g.conv(x, 12, 12, group=12), g.const(np.float32(0)), g.const(np.float32(6)))
        x = g.op("Relu", g.conv(x, 12, 12, k=1))
    return g.dense(g.pooled(x), 12, CLASSES, out="logits")


def attention(g, x, tokens, width, heads):
    def split(y, perm):
        y = g.op("Reshape", y, g.const(np.array([0, tokens, heads, width // heads], np.int64)))
        return g.op("Transpose", y, perm=perm)

    q, k, v = (g.dense(x, width, width) for _ in range(3))
    s = g.op("MatMul", split(q, [0, 2, 1, 3]), split(k, [0, 2, 3, 1]))
    s = g.op("Softmax", g.op("Mul", s, g.const(np.float32((width / heads) ** -0.5))), axis=-1)
    y = g.op("Transpose", g.op("MatMul", s, split(v, [0, 2, 1, 3])), perm=[0, 2, 1, 3])
    return g.dense(g.op("Reshape", y, g.const(np.array([0, tokens, width], np.int64))), width, width)


def vit(g, x, width=16, patch=4):
    tokens = (SIZE[0] // patch) * (SIZE[1] // patch)
    x = g.op("Conv", x, g.weight(width, 3, patch, patch), kernel_shape=[patch] * 2, strides=[patch] * 2)
    x = g.op("Transpose", g.op("Reshape", x, g.const(np.array([0, width, tokens], np.int64))), perm=[0, 2, 1])
    x = g.op("Add", x, g.weight(1, tokens, width, fan=50))
    norm = lambda y: g.op("LayerNormalization", y, g.const(np.ones(width, np.float32)), g.const(np.zeros(width, np.float32)), axis=-1)
    for _ in range(2):
        x = g.op("Add", x, attention(g, norm(x), tokens, width, 2))
        y = g.dense(norm(x), width, 2 * width)
        e = g.op("Erf", g.op("Mul", y, g.const(np.float32(2**-0.5))))
        gelu = g.op("Mul", g.op("Mul", y, g.const(np.float32(0.5))), g.op("Add", e, g.const(np.float32(1))))
        x = g.op("Add", x, g.dense(gelu, 2 * width, width))
    return g.dense(g.op("ReduceMean", norm(x), axes=[1], keepdims=0), width, CLASSES, out="logits")


def batchnorm(g, x):
    for cin, cout in [(3, 8), (8, 16)]:
        x = g.conv(x, cin, cout, bias=False)
        v = lambda lo, hi: g.const(g.rng.uniform(lo, hi, cout).astype(np.float32))
        x = g.op("Relu", g.op("BatchNormalization", x, v(0.5, 1.5), v(-0.2, 0.2), v(-0.2, 0.2), v(0.5, 2)))
        pool = "MaxPool" if cin == 3 else "AveragePool"
        x = g.op(pool, x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.op("Flatten", x)
    return g.op("Gemm", x, g.weight(CLASSES, 256), g.weight(CLASSES, fan=100), transB=1, out="logits")


def run(model, x, batch, out=None, folder=None):
    """x, [n, ...], in batches of batch, the last one padded with zeros."""
    s = ort.InferenceSession(model if isinstance(model, str) else model.SerializeToString(), providers=["CPUExecutionProvider"])
    n, rows = len(x), []
    x = np.concatenate([x, np.zeros((-n % batch, *x.shape[1:]), x.dtype)])
    for i in range(0, n, batch):
        rows.append(s.run([out] if out else None, {"image": x[i : i + batch]})[0])
    return np.concatenate(rows)[:n].astype(np.float32)


def save(name, model, logits=None):
    if isinstance(model, onnx.ModelProto):
        onnx.checker.check_model(model) if not name.startswith("bad") else None
        onnx.save(model, os.path.join(OUT, name + ".onnx"))
    if logits is not None:
        with open(os.path.join(OUT, name + ".tsv"), "w") as f:
            for row in logits:
                f.write("\t".join(f"{v:.9g}" for v in row) + "\n")


nchw = lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2))
X = images(SIZE)
MEAN, STD = np.float32([0.5, 0.4, 0.3]), np.float32([0.25, 0.2, 0.3])

g = Graph(1)
residual(g, "image")
m = g.model([2, 3, 16, 16])
save("residual", m, run(m, nchw((X - MEAN) / STD), 2))

# The same with its weights in a file of its own.
m = onnx.ModelProto.FromString(m.SerializeToString())
for name in ("external.onnx", "external.onnx.data"):
    if os.path.exists(os.path.join(OUT, name)):
        os.remove(os.path.join(OUT, name))
onnx.save(m, os.path.join(OUT, "external.onnx"), save_as_external_data=True, location="external.onnx.data", size_threshold=256)

g = Graph(2)
depthwise(g, "image")
m = g.model([1, 3, 16, 16])
save("depthwise", m, run(m, nchw(X), 1))

g = Graph(3)
vit(g, "image")
m = g.model(["n", 3, 16, 16])
save("vit", m, run(m, nchw(X), COUNT))

g = Graph(4)
batchnorm(g, "image")
m = g.model(["n", 3, 16, 16])
save("batchnorm", m, run(m, nchw(X), COUNT))

# Channels last, height and width free, gray images.
g = Graph(5)
x = g.op("Relu", g.conv(g.op("Transpose", "image", perm=[0, 3, 1, 2]), 1, 8, stride=2))
g.dense(g.pooled(x), 8, CLASSES, out="logits")
m = g.model(["n", "height", "width", 1])
save("nhwc", m, run(m, images((12, 20, 1)), COUNT))

# Probabilities beside the features that they come from.
g = Graph(6)
residual(g, "image", out="score")
g.op("Softmax", "score", axis=-1, out="probabilities")
m = g.model(["n", 3, 16, 16], out="probabilities", more=[h.make_tensor_value_info("score", T.FLOAT, ["n", CLASSES])])
save("softmax", m, np.log(run(m, nchw(X), COUNT, "probabilities")))

g = Graph(7, np.float16)
residual(g, "image")
m = g.model([4, 3, 16, 16], elem=T.FLOAT16)
save("float16", m, run(m, nchw(X).astype(np.float16), 4))

# What resized and cropped are to be: onnxruntime's own Resize in front of the depthwise net, of whole images of 24×20 to
# 16×16, and of their short side to 18 (so to 21×18), of which the middle 16×16 is taken.
BIG = images((24, 20, 3))
for name, to, (top, left) in [("resized", (16, 16), (0, 0)), ("cropped", (21, 18), (2, 1))]:
    g = Graph(2)
    y = g.op("Resize", "image", "", "", g.const(np.array([COUNT, 3, *to], np.int64)), mode="linear", coordinate_transformation_mode="half_pixel")
    ends = [np.array(v, np.int64) for v in ([top, left], [top + 16, left + 16], [2, 3])]
    y = g.op("Slice", y, *map(g.const, ends))
    g.rng = np.random.default_rng(2)
    depthwise(g, y)
    m = g.model([COUNT, 3, 24, 20])
    save(name, None, run(m, nchw(BIG), COUNT))

# The net of BenchmarkBatch, that of the project's comparison with others; its weights are all alike, which takes no room.
g, x = Graph(9), "image"
for cin, cout, stride in [(3, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 2)]:
    w = g.op("ConstantOfShape", g.const(np.array([cout, cin, 3, 3], np.int64)), value=nh.from_array(np.float32([0.01])))
    x = g.op("Relu", g.op("Conv", x, w, strides=[stride] * 2, pads=[1] * 4, kernel_shape=[3, 3]))
g.op("MatMul", g.pooled(x), g.weight(64, CLASSES), out="logits")
save("bench", g.model(["n", 3, 32, 32]))

# Of equal images it says something else each time.
g = Graph(10)
x = g.dense(g.pooled("image"), 1, CLASSES)
g.op("Add", x, g.op("RandomNormalLike", x), out="logits")
save("random", g.model(["n", 1, "height", "width"]))

# The mean of a batch's logits is taken off, so that an answer depends on the other images.
g = Graph(10)
x = g.dense(g.pooled("image"), 1, CLASSES)
g.op("Sub", x, g.op("ReduceMean", x, axes=[0]), out="logits")
save("beside", g.model(["n", 1, "height", "width"]))

# Denoisers. Of images of variance 0.25 around gray a diffusion model knows the mean of what was there, a factor of what it sees:
# what it says of the noise, the image and the velocity. The step is a whole number an image, one number, or a scalar.
kept = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
mean = np.sqrt(kept) * 0.25 / (kept * 0.25 + 1 - kept)
noise = (1 - np.sqrt(kept) * mean) / np.sqrt(1 - kept)
velocity = np.sqrt(kept) * noise - np.sqrt(1 - kept) * mean
STEP = {"noise": (T.INT64, ["n"]), "image": (T.FLOAT, []), "velocity": (T.INT32, [1])}
for name, factors in {"noise": noise, "image": mean, "velocity": velocity}.items():
    g = Graph(11)
    at = g.op("Cast", "t", to=T.INT64)
    f = g.op("Reshape", g.op("Gather", g.const(factors.astype(np.float32)), at), g.const(np.array([-1, 1, 1, 1], np.int64)))
    y = g.op("Mul", "image", f, out="guess" if name != "image" else None)
    if name == "image":
        g.op("Concat", y, "image", axis=1, out="guess")
    channels = 6 if name == "image" else 3
    kind, shape = STEP[name]
    graph = h.make_graph(g.nodes, "net", [h.make_tensor_value_info("t", kind, shape), h.make_tensor_value_info("image", T.FLOAT, ["n", 3, 16, 16])],
                         [h.make_tensor_value_info("guess", T.FLOAT, ["n", channels, 16, 16])], g.inits)
    save(f"denoiser-{name}", h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8))

# One without a step, of channels last, before the vision transformer.
g = Graph(12)
x = g.op("Transpose", "image", perm=[0, 3, 1, 2])
x = g.conv(g.op("Relu", g.conv(x, 3, 4)), 4, 3)
g.op("Transpose", x, perm=[0, 2, 3, 1], out="clean")
m = g.model([2, 16, 16, 3], out="clean", out_shape=[2, 16, 16, 3])
clean = run(m, X, 2)
g = Graph(3)
vit(g, "image")
save("denoiser", m, run(g.model(["n", 3, 16, 16]), nchw(clean), COUNT))

# Small diffusion networks, which see their step as waves. What is to come out is written here a second time, from the papers, in numpy.
COSINE = np.cos((np.arange(1001) / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
SCHEDULE = {"linear": kept, "cosine": np.cumprod(1 - np.minimum(0.999, 1 - COSINE[1:] / COSINE[:-1])),
            "kept.txt": np.round(1 / (1 + np.linspace(0.01, 3, 40) ** 2), 6)}
with open(os.path.join(OUT, "kept.txt"), "w") as f:
    f.writelines(f"{k:g}\n" for k in SCHEDULE["kept.txt"])
NOISY = X * np.float32(1.6) - np.float32(0.3)  # as noise leaves them


def diffusion(g, x, t, cout, half, waves=4):
    to = T.FLOAT16 if half else T.FLOAT
    t = g.op("Reshape", g.op("Cast", t, to=T.FLOAT), g.const(np.array([-1, 1], np.int64)))
    angle = g.op("Mul", t, g.const((0.001 * 4.0 ** np.arange(waves)).astype(np.float32)))
    e = g.op("Cast", g.op("Concat", g.op("Sin", angle), g.op("Cos", angle), axis=1), to=to)
    e = g.op("Reshape", g.dense(e, 2 * waves, 8), g.const(np.array([-1, 8, 1, 1], np.int64)))
    return g.conv(g.op("Relu", g.op("Add", g.conv(x, 3, 8), e)), 8, cout)


# name: type and shape of the step, shape of images, of the output, schedule, sigma, what it predicts, float16
for name, (kind, step, shape, out_shape, schedule, sigma, predicts, half) in {
    "diffusion-noise": (T.INT64, ["n"], ["n", 3, 16, 16], ["n", 3, 16, 16], "linear", 0.25, "noise", False),
    "diffusion-wide": (T.FLOAT, [], [2, 16, 16, 3], [2, 16, 16, "c"], "cosine", 0.5, "noise", False),
    "diffusion-image": (T.INT32, [1], ["n", 3, "h", "w"], ["n", 3, "h", "w"], "kept.txt", 0.12, "image", False),
    "diffusion-velocity": (T.INT64, [4], ["n", 3, 16, 16], ["n", 3, "h", "w"], "cosine", 1, "velocity", True),
}.items():
    g, last, wide, elem = Graph(13, np.float16 if half else np.float32), shape[-1] == 3, name.endswith("wide"), T.FLOAT16 if half else T.FLOAT
    x = g.op("Transpose", "x", perm=[0, 3, 1, 2]) if last else "x"
    y = diffusion(g, x, "t", 6 if wide else 3, half)
    g.op(*(["Transpose", y] if last else ["Identity", y]), out="guess", **({"perm": [0, 2, 3, 1]} if last else {}))
    graph = h.make_graph(g.nodes, "net", [h.make_tensor_value_info("x", elem, shape), h.make_tensor_value_info("t", kind, step)],
                         [h.make_tensor_value_info("guess", elem, out_shape)], g.inits)
    m = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    k = SCHEDULE[schedule]
    t = next(t for t in range(len(k)) if (1 - k[t]) / k[t] >= (2 * sigma) ** 2)
    a, b = np.float32(np.sqrt(k[t])), np.float32(np.sqrt(1 - k[t]))
    x = a * (2 * NOISY - 1)
    session, batch, clean = ort.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]), 4 if half else 2, []
    for i in range(0, COUNT, batch):
        part = np.concatenate([x[i : i + batch], np.zeros((batch, *SIZE), np.float32)])[:batch]
        given = (part if last else nchw(part)).astype(np.float16 if half else np.float32)
        at = np.full([batch if v == "n" else v for v in step], t, h.tensor_dtype_to_np_dtype(kind))
        y = session.run(None, {"x": given, "t": at})[0].astype(np.float32)
        y = (y if last else y.transpose(0, 2, 3, 1))[..., :3]
        y = {"noise": (part - b * y) / a, "image": y, "velocity": a * part - b * y}[predicts]
        clean.append((np.clip(y, -1, 1) + 1) / 2)
    g = Graph(3)
    vit(g, "image")
    save(name, m, run(g.model(["n", 3, 16, 16]), nchw(np.concatenate(clean)[:COUNT]), COUNT))

# Denoisers to be refused: of three inputs, two outputs, a step of another type, images of half the size, said or not, and one
# of roots of negative numbers.
for name, op, inputs, outputs in [
    ("inputs", "Identity", [("t", T.INT64, ["n"]), ("label", T.INT64, ["n"])], [("clean", T.FLOAT, ["n", 3, 16, 16])]),
    ("outputs", "Identity", [], [("clean", T.FLOAT, ["n", 3, 16, 16]), ("image2", T.FLOAT, ["n", 3, 16, 16])]),
    ("step", "Identity", [("t", T.DOUBLE, ["n"])], [("clean", T.FLOAT, ["n", 3, 16, 16])]),
    ("size", "AveragePool", [], [("clean", T.FLOAT, ["n", 3, 8, 8])]),
    ("open-size", "AveragePool", [], [("clean", T.FLOAT, ["n", "c", "h", "w"])]),
    ("values", "Sqrt", [], [("clean", T.FLOAT, ["n", 3, 16, 16])]),
]:
    g = Graph(8)
    y = g.op("Sub", "image", g.const(np.float32(2))) if op == "Sqrt" else "image"
    g.op(op, y, out="clean", **({"kernel_shape": [2, 2], "strides": [2, 2]} if op == "AveragePool" else {}))
    if name == "outputs":
        g.op("Identity", "image", out="image2")
    graph = h.make_graph(g.nodes, "net", [h.make_tensor_value_info(*v) for v in [("image", T.FLOAT, ["n", 3, 16, 16]), *inputs]],
                         [h.make_tensor_value_info(*v) for v in outputs], g.inits)
    save(f"bad-denoiser-{name}", h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8))

# To be refused.
g = Graph(8)
x = g.op("Nonesuch", "image")
g.dense(g.pooled(x), 3, CLASSES, out="logits")
save("bad-operator", g.model(["n", 3, 16, 16]))
g.nodes[0].domain = "com.example"
m = g.model(["n", 3, 16, 16])
m.opset_import.append(h.make_opsetid("com.example", 1))
save("bad-domain", m)

g = Graph(8)
w = np.full((3, CLASSES), 0.1, np.float32)
w[1, 2] = np.nan
g.op("MatMul", g.pooled("image"), g.const(w, "head"), out="logits")
save("bad-nan", g.model(["n", 3, 16, 16]))

g = Graph(8)
x = g.dense(g.pooled("image"), 3, CLASSES)
g.op("Softmax", x, axis=0, out="logits")
save("bad-softmax", g.model(["n", 3, 16, 16]))

g = Graph(8)
g.op("Relu", g.conv("image", 3, 4), out="logits")
save("bad-output", g.model(["n", 3, 16, 16], out_shape=["n", 4, 16, 16]))

g = Graph(8)
g.dense(g.pooled(g.op("Cast", "image", to=T.FLOAT)), 3, CLASSES, out="logits")
m = g.model(["n", 3, 16, 16], elem=T.INT32)
m.graph.output[0].type.tensor_type.elem_type = T.FLOAT
save("bad-type", m)

g = Graph(8)
g.dense(g.pooled("image"), 3, CLASSES, out="logits")
m = g.model(["n", 3, 16, 16])
m.graph.input.append(h.make_tensor_value_info("mask", T.FLOAT, ["n"]))
save("bad-inputs", m)
