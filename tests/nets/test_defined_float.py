# SPDX-License-Identifier: BSD-2-Clause
"""A definition with weights as a float network computes what the definition says."""

import numpy as np
import pytest

from nets.defined_float import float_network
from nets.definition import Draft
from nets.float_run import run_float
from nets.paper import define
from tests.support.definition_runs import every_kind, random_weights, run


def averaged():
    draft = Draft("averaged", 6, 6, 3)
    draft.average_pool("average", draft.convolution("conv", "input", 10), 6)
    return draft.definition()


@pytest.mark.parametrize("definition", [every_kind(), averaged(), define("sparse-vgg-a")], ids=lambda definition: definition.name)
def test_a_float_network_computes_what_its_definition_says(definition):
    weights = random_weights(definition)
    network = float_network(definition, weights)
    images = np.random.default_rng(3).normal(size=(2, *definition.input_shape)).astype(np.float32)
    expected, got = run(definition, weights, images), run_float(network, images)
    for layer in definition.layers:
        np.testing.assert_allclose(got[layer.output].reshape(expected[layer.output].shape), expected[layer.output], rtol=1e-4,
                                   atol=1e-4 * np.abs(expected[layer.output]).max(), err_msg=layer.name)


def test_a_layer_without_weights_is_refused():
    with pytest.raises(TypeError):
        float_network(averaged(), {})
