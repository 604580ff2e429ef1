"""Logits of an ONNX file by onnxruntime: logits.py FILE OUTPUT IMAGES H W C LAYOUT MEAN STD.

IMAGES is a file of float32, [n, h, w, c] in [0, 1], noise added; LAYOUT what the file takes; MEAN and STD numbers by channel,
separated by commas. Writes the logits to stdout as float32, [n, classes].
"""

import sys

import numpy as np
import onnxruntime

file, output, images, h, w, c, layout, mean, std = sys.argv[1:]
x = np.fromfile(images, np.float32).reshape(-1, int(h), int(w), int(c))
x = (x - np.array(mean.split(","), np.float32)) / np.array(std.split(","), np.float32)
if layout == "NCHW":
    x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
image = session.get_inputs()[0]
batch = image.shape[0] if isinstance(image.shape[0], int) else len(x)
z = np.concatenate([session.run([output], {image.name: x[i : i + batch]})[0] for i in range(0, len(x), batch)])
sys.stdout.buffer.write(z.astype(np.float32).tobytes())
