# SPDX-License-Identifier: BSD-2-Clause
"""ONNX files come through the zoo by what they are, float or quantised, and each is read and folded once."""

import numpy as np
import pytest

from nets.importers import onnx_file, onnx_float, qdq
from nets.zoo import load_model
from tests.support.onnx_models import OnnxBuilder


def _float_model(path):
    build = OnnxBuilder((3, 6, 6))
    build.add("Conv", "input", build.constant(np.random.default_rng(1).normal(size=(4, 3, 3, 3))))
    return build.save(path)


def _quantised_model(path):
    build = OnnxBuilder((3, 6, 6))
    scale, zero = build.constant(np.float32(0.05)), build.constant(0, np.int8)
    source = build.add("DequantizeLinear", build.add("QuantizeLinear", "input", scale, zero), scale, zero)
    weights = build.add("DequantizeLinear", build.constant(np.random.default_rng(1).integers(-127, 128, (4, 3, 3, 3)), np.int8), scale, zero)
    build.add("DequantizeLinear", build.add("QuantizeLinear", build.add("Conv", source, weights), scale, zero), scale, zero)
    return build.save(path)


@pytest.mark.parametrize("write, real", [(_float_model, True), (_quantised_model, False)])
def test_an_onnx_file_is_read_once_and_quantised_only_where_it_is_float(write, real, tmp_path, monkeypatch):
    reads, read = [], onnx_file.read_onnx

    def counted(path):
        reads.append(path)
        return read(path)

    for module in (onnx_file, onnx_float, qdq):
        monkeypatch.setattr(module, "read_onnx", counted)
    path = write(tmp_path / "m.onnx")
    model = load_model(str(path), calibration=lambda shape: np.random.default_rng(2).normal(size=(4, *shape)).astype(np.float32))
    assert reads == [path] and model.source == path and (model.real is not None) == real
    assert [layer.op for layer in model.network.layers] == ["conv2d"]
