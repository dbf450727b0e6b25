# SPDX-License-Identifier: BSD-2-Clause
"""Checks a float network read from ONNX against onnxruntime."""

import numpy as np

from nets.float_run import run_float
from nets.importers.onnx_float import import_onnx_float
from tests.support.onnx_models import onnx_output


def check_against_runtime(path, shape, seed=0, dtype=np.float32, nhwc=False):
    """Return the FloatNetwork of the ONNX file `path`, whose output for random images [2, *shape] is onnxruntime's, NCHW or `nhwc`."""
    images = np.random.default_rng(seed).normal(size=(2, *shape)).astype(dtype)
    wanted = onnx_output(path, images)
    network = import_onnx_float(path)
    maps = images if nhwc else images.transpose(0, 2, 3, 1) if len(shape) == 3 else images[:, np.newaxis, np.newaxis]
    got = run_float(network, maps)[network.output]
    if wanted.ndim == 4 and not nhwc:
        wanted = wanted.transpose(0, 2, 3, 1)
    relative, absolute = (1e-3, 1e-2) if dtype == np.float16 else (1e-4, 1e-5)
    np.testing.assert_allclose(got.reshape(wanted.shape), wanted, rtol=relative, atol=absolute)
    return network
