"""Make the ONNX files of networks with Lipschitz constraints, as PyTorch's libraries export them.

For each file, families.json has the product of the layers' largest singular values. Each is that of
the layer's dense Jacobian by numpy. The last layer counts with the largest distance of two rows.

Needs torch, onnx, deel-torchlip and orthogonium: python make.py in this folder.
"""

import contextlib
import copy
import json
import math
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as rt
import torch
from torch import nn
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent


class MaxMin(nn.Module):
    def forward(self, x):
        a, b = x.chunk(2, 1)
        return torch.cat([torch.max(a, b), torch.min(a, b)], 1)


class AOLConv(nn.Module):
    """AOL (Prach & Lampert 2022), its rescaling frozen into the kernel."""

    def __init__(self, i, o, k, **how):
        super().__init__()
        w = torch.randn(o, i, k, k) / math.sqrt(i * k * k)
        gram = F.conv2d(w.transpose(0, 1), w.transpose(0, 1), padding=k - 1).abs().sum((1, 2, 3))
        self.conv = nn.Conv2d(i, o, k, **how)
        self.conv.weight.data = w / gram.sqrt().reshape(1, -1, 1, 1)

    def forward(self, x):
        return self.conv(x)


class CPL(nn.Module):
    """x - 2/‖W‖²·Wᵀ·relu(W·x + b) (Meunier et al. 2022), by convolutions."""

    def __init__(self, c, h, k, norm):
        super().__init__()
        self.w = nn.Parameter(torch.randn(h, c, k, k) / math.sqrt(c * k * k))
        self.b = nn.Parameter(0.1 * torch.randn(h))
        self.h2 = (2 / norm(self.w) ** 2).item()
        self.pad = k // 2

    def forward(self, x):
        y = torch.relu(F.conv2d(x, self.w, self.b, padding=self.pad))
        return x - self.h2 * F.conv_transpose2d(y, self.w, padding=self.pad)


class SLL(nn.Module):
    """x - 2·W·T⁻¹·relu(Wᵀ·x + b) (Araujo et al. 2023), dense."""

    def __init__(self, c, h):
        super().__init__()
        self.w = nn.Parameter(torch.randn(h, c) / math.sqrt(c))
        q = torch.exp(0.3 * torch.randn(h))
        gram = (self.w @ self.w.T).abs() * q[None, :] / q[:, None]
        self.t = nn.Parameter(2 / gram.sum(1))
        self.b = nn.Parameter(0.1 * torch.randn(h))

    def forward(self, x):
        y = torch.relu(F.linear(x, self.w, self.b))
        return x - F.linear(self.t * y, self.w.T)


class SOC(nn.Module):
    """The exponential series of a skew convolution (Singla & Feizi 2021)."""

    def __init__(self, c, k, mode="zeros"):
        super().__init__()
        w = torch.randn(c, c, k, k) / math.sqrt(c * k * k)
        self.w = nn.Parameter(0.7 * (w - w.transpose(0, 1).flip(2, 3)))
        self.b = nn.Parameter(0.1 * torch.randn(c, 1, 1))
        self.k, self.mode = k, mode

    def forward(self, x):
        y = term = x
        for n in range(1, 10):
            if self.mode == "circular":
                p = self.k // 2
                term = F.conv2d(F.pad(term, (p, p, p, p), mode="circular"), self.w) / n
            else:
                term = F.conv2d(term, self.w, padding=self.k // 2) / n
            y = y + term
        return y + self.b


class BRO(nn.Module):
    """x ↦ (I - 2·V·(VᵀV)⁻¹·Vᵀ)·x, a block reflector (Lai et al. 2025), dense."""

    def __init__(self, c, r):
        super().__init__()
        v = torch.randn(c, r)
        w = torch.eye(c) - 2 * v @ torch.linalg.inv(v.T @ v) @ v.T
        self.w, self.b = nn.Parameter(w), nn.Parameter(0.1 * torch.randn(c))

    def forward(self, x):
        return F.linear(x, self.w, self.b)


class LOT(nn.Module):
    """A convolution that is orthogonal at every frequency (Xu et al. 2022; Cayley: Trockman & Kolter
    2021), as a kernel of the image's size with circular padding."""

    def __init__(self, c, n):
        super().__init__()
        w = torch.randn(c, c, n, n) / math.sqrt(c * n * n)
        f = torch.fft.fft2(w.double()).permute(2, 3, 0, 1)
        u, _, vh = torch.linalg.svd(f)
        self.w = nn.Parameter(torch.fft.ifft2((u @ vh).permute(2, 3, 0, 1)).real.float())
        self.n = n

    def forward(self, x):
        return F.conv2d(F.pad(x, (0, self.n - 1, 0, self.n - 1), mode="circular"), self.w)


class Unit(nn.Module):
    """A dense layer whose rows have norm 1 (last-layer normalisation)."""

    def __init__(self, i, o):
        super().__init__()
        self.lin = nn.Linear(i, o)
        self.lin.weight.data /= self.lin.weight.data.norm(dim=1, keepdim=True)

    def forward(self, x):
        return self.lin(x)


def conv_norm(n):
    """The norm of a zero-padded convolution of n×n images, by its matrix."""

    def norm(w):
        eye = torch.eye(w.shape[1] * n * n).reshape(-1, w.shape[1], n, n)
        return torch.linalg.matrix_norm(F.conv2d(eye, w, padding=w.shape[2] // 2).flatten(1), 2)

    return norm


def baked(model):
    """The model with its parametrisations computed and left out."""
    from torch.nn.utils import parametrize

    for m in model.modules():
        if parametrize.is_parametrized(m):
            for name in list(m.parametrizations):
                parametrize.remove_parametrizations(m, name)
    parametrize.cached = contextlib.nullcontext  # tracing refuses it
    return model


def train(model, shape, classes, steps=20):
    """Some steps of SGD, so that layers are in the state in which they will be used."""
    params = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.Adam(params, 3e-3)
    x = torch.rand(32, *shape)
    y = torch.randint(0, classes, (32,))
    for _ in range(steps):
        opt.zero_grad()
        F.cross_entropy(5 * model(x), y).backward()
        opt.step()


def torchlip_dense():
    from deel import torchlip as lip

    m = lip.Sequential(
        nn.Flatten(), lip.SpectralLinear(36, 32), lip.GroupSort2(), lip.SpectralLinear(32, 16),
        lip.GroupSort(4), lip.SpectralLinear(16, 16), lip.FullSort(), lip.FrobeniusLinear(16, 10))
    train(m, (1, 6, 6), 10)
    return m.vanilla_export(), (1, 6, 6)


def torchlip_conv():
    from deel import torchlip as lip

    m = lip.Sequential(
        lip.SpectralConv2d(3, 8, 3, padding=1), lip.GroupSort2(), lip.ScaledAvgPool2d(2),
        lip.SpectralConv2d(8, 8, 3, padding=1), lip.MaxMin(), lip.ScaledL2NormPool2d(2),
        nn.Flatten(), lip.SpectralLinear(64, 16), lip.GroupSort2(), lip.FrobeniusLinear(16, 10))
    train(m, (3, 8, 8), 10)
    return m.vanilla_export(), (3, 8, 8)


def torchlip_circular():
    from deel import torchlip as lip

    m = lip.Sequential(
        lip.SpectralConv2d(1, 8, 3, padding=1, padding_mode="circular"), lip.GroupSort2(),
        lip.InvertibleDownSampling(2), lip.SpectralConv2d(32, 8, 3, padding=1), lip.FullSort(),
        nn.Flatten(), lip.FrobeniusLinear(128, 10, disjoint_neurons=True))
    train(m, (1, 8, 8), 10)
    return m.vanilla_export(), (1, 8, 8)


def orthogonium_aoc():
    import orthogonium.layers as ol
    from orthogonium.layers.conv.AOC import AdaptiveOrthoConv2d
    from orthogonium.layers.conv.AOL.aol import AOLConv2D
    from orthogonium.layers.conv.SLL.sll_layer import SDPBasedLipschitzResBlock
    from orthogonium.layers.conv.adaptiveSOC import AdaptiveSOCConv2d

    m = nn.Sequential(
        AdaptiveOrthoConv2d(3, 8, 3, padding=1), ol.MaxMin(),
        AdaptiveOrthoConv2d(8, 16, 4, stride=2, padding=1), ol.MaxMin(),
        AdaptiveOrthoConv2d(16, 16, 3, padding=1, groups=2), ol.Abs(),
        nn.AvgPool2d(2), nn.Flatten(), ol.OrthoLinear(64, 16), ol.MaxMin(),
        ol.UnitNormLinear(16, 10))
    train(m, (3, 8, 8), 10)
    return baked(m), (3, 8, 8)


def orthogonium_sll_aol_soc():
    import orthogonium.layers as ol
    from orthogonium.layers.conv.AOC import AdaptiveOrthoConv2d
    from orthogonium.layers.conv.AOL.aol import AOLConv2D
    from orthogonium.layers.conv.SLL.sll_layer import SDPBasedLipschitzResBlock
    from orthogonium.layers.conv.adaptiveSOC import AdaptiveSOCConv2d

    m = nn.Sequential(
        AdaptiveSOCConv2d(3, 8, 3, padding=1), ol.MaxMin(), AOLConv2D(8, 8, 3, padding=1), ol.MaxMin(),
        SDPBasedLipschitzResBlock(8, 2, 3), nn.Flatten(), ol.OrthoLinear(128, 8), ol.MaxMin(),
        ol.UnitNormLinear(8, 10))
    train(m, (3, 8, 8), 10, 5)
    return baked(m), (3, 8, 8)


def aol():
    return nn.Sequential(
        AOLConv(3, 8, 3, padding=1), MaxMin(), AOLConv(8, 8, 3, padding=1, stride=2), MaxMin(),
        nn.Flatten(), Unit(128, 10)), (3, 8, 8)


def cpl_sll():
    return nn.Sequential(
        CPL(3, 8, 3, conv_norm(4)), CPL(3, 8, 3, conv_norm(4)), nn.Flatten(), SLL(48, 20), SLL(48, 20),
        Unit(48, 10)), (3, 4, 4)


def soc():
    return nn.Sequential(
        SOC(4, 3), MaxMin(), SOC(4, 3, "circular"), MaxMin(), nn.PixelUnshuffle(2), nn.Flatten(),
        Unit(64, 10)), (4, 4, 4)


def bronet():
    return nn.Sequential(
        nn.Flatten(), BRO(48, 12), MaxMin(), BRO(48, 12), MaxMin(), Unit(48, 10)), (3, 4, 4)


def lot():
    return nn.Sequential(
        LOT(4, 4), MaxMin(), LOT(4, 4), MaxMin(), nn.Flatten(), Unit(64, 10)), (4, 4, 4)


def plain():
    m = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=4, stride=2), nn.BatchNorm2d(8), nn.LeakyReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(32, 10))
    train(m, (3, 8, 8), 10)
    return m, (3, 8, 8)


FAMILIES = [torchlip_dense, torchlip_conv, torchlip_circular, orthogonium_aoc, orthogonium_sll_aol_soc, aol, cpl_sll, soc, bronet, lot, plain]


LINEAR = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.AvgPool2d, AOLConv, SOC, BRO,
          LOT, Unit)


def jacobian(f, shape):
    x = torch.rand(1, *shape, dtype=torch.float64)
    j = torch.autograd.functional.jacobian(lambda v: f(v).flatten(), x)
    return j.reshape(j.shape[0], -1).numpy()


def product(model, shape):
    """The product of the layers' largest singular values, of the last the largest distance of two
    rows. Layers that aren't linear count as 1; MaxPool2d(2) doesn't overlap."""
    model = copy.deepcopy(model).double().eval()
    layers, total, x = list(model), 1.0, torch.rand(1, *shape, dtype=torch.float64)
    for k, layer in enumerate(layers):
        linear = [m for m in layer.modules() if isinstance(m, LINEAR)]
        if linear and not isinstance(layer, (CPL, SLL)) and "Lipschitz" not in type(layer).__name__:
            j = jacobian(layer, x.shape[1:])
            if k == len(layers) - 1:
                d = j[:, None, :] - j[None, :, :]
                total *= np.linalg.norm(d, axis=2).max()
            else:
                total *= np.linalg.norm(j, 2)
        x = layer(x)
    return total


def short(x):
    return [round(float(v), 6) for v in x.flatten()]


def main():
    only, out = sys.argv[1:], {}
    for seed, family in enumerate(FAMILIES):
        name = family.__name__.replace("_", "-")
        if only and name not in only:
            continue
        try:
            torch.manual_seed(seed)
            model, shape = family()
            model.eval()
            path = HERE / f"{name}.onnx"
            x = (torch.rand(1, *shape) * 256).floor() / 256
            torch.onnx.export(model, x, path, opset_version=17, input_names=["images"],
                              output_names=["logits"], dynamic_axes={"images": {0: "N"}})
            m = onnx.load(path)
            del m.graph.value_info[:]
            for node in m.graph.node:
                node.ClearField("doc_string")
            onnx.save(m, path)
            y = rt.InferenceSession(path.read_bytes()).run(None, {"images": x.numpy()})[0]
            out[name] = {"shape": shape, "product": product(model, shape),
                         "image": (256 * x).int().flatten().tolist(), "logits": short(y)}
            print(name, path.stat().st_size, out[name]["product"])
        except Exception as e:
            print(name, "FAILED", type(e).__name__, str(e)[:300])
    if not only:
        (HERE / "families.json").write_text(json.dumps(out))


if __name__ == "__main__":
    main()
