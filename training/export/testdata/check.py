"""Checks ONNX files and runs them: check.py FOLDER.

Beside each FOLDER/NAME.onnx lies NAME.images, float32 in the file's own shape. Writes NAME.logits, float32, and
NAME.json, the metadata.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

for file in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    onnx.checker.check_model(str(file), full_check=True)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (images,), (logits,) = session.get_inputs(), session.get_outputs()
    assert (images.name, logits.name, images.shape[0], logits.shape[0]) == ("images", "logits", "N", "N"), file
    x = np.fromfile(file.with_suffix(".images"), np.float32).reshape(-1, *images.shape[1:])
    z = session.run(None, {"images": x})[0]
    # The batch is free: an image alone, and three.
    for n in (1, 3):
        assert np.abs(session.run(None, {"images": x[:n]})[0] - z[:n]).max() < 1e-5, file
    z.astype(np.float32).tofile(file.with_suffix(".logits"))
    model = onnx.load(str(file))
    assert model.producer_name == "lipsmooth", file
    file.with_suffix(".json").write_text(json.dumps({p.key: p.value for p in model.metadata_props}))
