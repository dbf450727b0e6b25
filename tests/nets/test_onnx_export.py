# SPDX-License-Identifier: BSD-2-Clause
"""An exported network is valid ONNX and computes what its definition says."""

import numpy as np
import onnx
import onnxruntime
import pytest

from nets.definition import Draft
from nets.onnx_export import OPSET, write_onnx
from nets.paper import define
from tests.support.definition_runs import every_kind, random_weights, run


def averaged():
    draft = Draft("averaged", 6, 6, 3)
    draft.average_pool("average", draft.convolution("conv", "input", 10), 6)
    return draft.definition()


@pytest.mark.parametrize("definition", [every_kind(), averaged(), define("sparse-vgg-a")], ids=lambda definition: definition.name)
def test_an_exported_network_computes_what_the_definition_says(definition, tmp_path):
    weights = random_weights(definition)
    write_onnx(definition, weights, tmp_path / "network.onnx")
    images = np.random.default_rng(3).normal(size=(2, *definition.input_shape)).astype(np.float32)
    expected = run(definition, weights, images)[definition.output].reshape(2, -1)
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    for image, row in zip(images, expected, strict=True):
        got = session.run(None, {definition.input: image.transpose(2, 0, 1)[np.newaxis]})[0]
        np.testing.assert_allclose(got[0], row, rtol=1e-4, atol=1e-4 * np.abs(row).max())


def test_an_exported_network_says_its_shapes_and_its_opset(tmp_path):
    write_onnx(every_kind(), random_weights(every_kind()), tmp_path / "network.onnx")
    model = onnx.load(tmp_path / "network.onnx")
    shapes = [[dimension.dim_value for dimension in value.type.tensor_type.shape.dim] for value in (model.graph.input[0], model.graph.output[0])]
    assert shapes == [[1, 3, 13, 13], [1, 10]] and model.opset_import[0].version == OPSET == 17
    assert {node.op_type for node in model.graph.node} == {"Conv", "Relu", "Concat", "MaxPool", "Flatten", "Gemm"}
