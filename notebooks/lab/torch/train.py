"""Trains a 1-Lipschitz network on MNIST in PyTorch, and exports it: python3 train.py FOLDER

FOLDER/images.u8 and labels.u8 are images, [count, 28, 28], and labels, a byte each. FOLDER/torch.onnx is the network.
Its weights hold the constraints, and nothing in the file says so.
"""

import os
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize


class AOL(nn.Module):
    """Scales the input channels of a kernel, [out, in, k, k], so that the convolution is 1-Lipschitz (Prach & Lampert 2022)."""

    def forward(self, w):
        v = w.transpose(0, 1)
        rows = F.conv2d(v, v, padding=w.shape[-1] - 1).abs().sum((1, 2, 3))
        return w * rows.rsqrt().reshape(1, -1, 1, 1)


class MaxMin(nn.Module):
    def forward(self, x):
        a, b = x.chunk(2, 1)
        return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], 1)


def aol(inputs, outputs):
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.orthogonal_(layer.weight.data.view(outputs, -1))
    parametrize.register_parametrization(layer, "weight", AOL())
    return layer


def network():
    last = nn.utils.parametrizations.orthogonal(nn.Linear(24 * 49, 10))
    return nn.Sequential(
        nn.PixelUnshuffle(2), aol(4, 16), MaxMin(), nn.PixelUnshuffle(2), aol(64, 24), MaxMin(), nn.Flatten(), last
    )


def trained(x, y, steps=300, batch=128, sigma=0.5):
    """The network, trained on images [count, 1, 28, 28] in [0, 1] and their labels."""
    torch.manual_seed(1)
    torch.set_num_threads(1)  # half a minute, and the same sums on any number of cores
    net = network()
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    slope = torch.optim.lr_scheduler.OneCycleLR(adam, 0.01, total_steps=steps)
    for _ in range(steps):
        i = torch.randint(len(x), (batch,))
        logits = net(x[i] + sigma * torch.randn_like(x[i]))
        # The true class has to lead by a margin.
        loss = F.cross_entropy((logits - 0.5 * F.one_hot(y[i], 10)) * 8, y[i])
        adam.zero_grad()
        loss.backward()
        adam.step()
        slope.step()
    for layer in net:
        if parametrize.is_parametrized(layer):
            parametrize.remove_parametrizations(layer, "weight")
    print(f"loss {loss:.3f}, accuracy {(net(x).argmax(1) == y).float().mean():.3f} on its training images")
    return net.eval()


def main(folder):
    x, y = (torch.from_file(path, size=os.path.getsize(path), dtype=torch.uint8) for path in (f"{folder}/images.u8", f"{folder}/labels.u8"))
    x, y = x.reshape(-1, 1, 28, 28) / 255, y.long()
    torch.onnx.export(
        trained(x, y), x[:1], f"{folder}/torch.onnx", input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}}, dynamo=False,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
