# SPDX-License-Identifier: BSD-2-Clause
"""Random float networks, written as ONNX of several operator sets, come back as what onnxruntime computes."""

import numpy as np
import pytest

from nets.float_run import run_float
from nets.importers.onnx_float import import_onnx_float
from tests.support.float_to_onnx import float_to_onnx, nchw
from tests.support.onnx_models import onnx_output
from tests.support.random_floats import random_float_network, random_maps
from tests.support.slices import slice_of


@pytest.mark.parametrize("opset", [7, 11, 13, 22, 25])
@pytest.mark.parametrize("seed", slice_of(range(100), 10))
def test_a_random_network_is_read_as_it_runs(seed, opset, tmp_path):
    network = random_float_network(seed)
    images = random_maps(network, seed)
    path = float_to_onnx(network, opset).save(tmp_path / "m.onnx")
    wanted = onnx_output(path, nchw(images))
    for one in (network, import_onnx_float(path)):
        np.testing.assert_allclose(run_float(one, images)[one.output].reshape(wanted.shape), wanted, rtol=1e-4, atol=1e-5)
