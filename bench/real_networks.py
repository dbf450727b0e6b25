# SPDX-License-Identifier: BSD-2-Clause
"""What bench/networks.py runs: trained networks as others published them, and real inputs for each."""

from dataclasses import replace
from functools import partial

from accel.errors import UserError
from nets.importers.interpreter import differences
from nets.mlperf_tiny import tiny_model, tiny_samples

IMAGES = 3


def tiny_network(name):
    """Return (network, int8 images): a network of MLPerf Tiny, from its unmodified file, and the first of its labelled inputs.

    Raises UserError where a tensor of the reference differs from TFLite's interpreter's, and where the real data are not there.
    """
    model = tiny_model(name)
    images, _ = tiny_samples(name, model.network, IMAGES)
    wrong = differences(model, images)
    if wrong:
        raise UserError(f"{name} is not TFLite's: {'; '.join(wrong[:3])}")
    return replace(model.network, name=name), images


# Name -> function that returns (network of that name, images).
NETWORKS = {name: partial(tiny_network, name) for name in ("resnet8", "dscnn", "vww")}
