# SPDX-License-Identifier: BSD-2-Clause
"""The PyTorch module of a definition computes what the definition says; masks and cuts leave the rest as it was."""

import numpy as np
import pytest

from nets.count import count
from nets.paper import define
from tests.support.definition_runs import every_kind, run

torch = pytest.importorskip("torch", reason="training needs torch (make train)")
from nets.torch_net import DefinedNet, cut_net, folded_weights  # noqa: E402 (needs torch)

pytestmark = pytest.mark.full


def trained(definition, seed=5):
    """A DefinedNet whose batch norms are as training leaves them: of any numbers."""
    torch.manual_seed(seed)
    net = DefinedNet(definition)
    for norm in net.norms.values():
        for values in (norm.weight.data, norm.running_var):
            values.uniform_(0.5, 2)
        for values in (norm.bias.data, norm.running_mean):
            values.normal_()
    return net.eval()


def images(definition, count=3):
    return np.random.default_rng(6).normal(size=(count, *definition.input_shape)).astype(np.float32)


def maps(net, pictures):
    with torch.no_grad():
        return {name: values.permute(0, 2, 3, 1).numpy() for name, values in net.maps(torch.tensor(pictures.transpose(0, 3, 1, 2))).items()}


@pytest.mark.parametrize("definition", [every_kind(), define("sparse-vgg-a")], ids=lambda definition: definition.name)
def test_every_tensor_is_what_the_definition_and_the_folded_weights_say(definition):
    net, pictures = trained(definition), images(definition)
    expected = run(definition, folded_weights(net), pictures)
    for name, values in maps(net, pictures).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-3, atol=1e-4 * np.abs(expected[name]).max(), err_msg=name)


@pytest.mark.parametrize("name", ["vgg-a", "sparse-vgg-d", "squeezenet11"])
def test_the_module_has_the_parameters_that_are_counted(name):
    definition = define(name)
    net = DefinedNet(definition)
    norms = sum(norm.weight.numel() for norm in net.norms.values())
    assert sum(value.numel() for value in net.parameters()) - norms == count(definition).parameters


@pytest.mark.parametrize("size", [16, 24])
def test_smaller_images_come_to_as_many_classes(size):
    assert DefinedNet(define("vgg-a")).eval()(torch.zeros(2, 3, size, size)).shape == (2, 10)


def test_masked_connections_are_zero_and_the_others_as_before():
    definition = every_kind()
    net = trained(definition)
    before = {name: weights for name, (weights, _) in folded_weights(net).items()}
    masks = {"conv2": np.arange(16 * 4).reshape(16, 4) % 3 == 0, "hidden": np.arange(20 * 180).reshape(20, 180) % 2 == 0}
    net.set_masks(masks)
    after = {name: weights for name, (weights, _) in folded_weights(net).items()}
    np.testing.assert_array_equal(after["conv2"], before["conv2"] * masks["conv2"][:, None, None, :])
    np.testing.assert_array_equal(after["hidden"].reshape(20, -1), before["hidden"].reshape(20, -1) * masks["hidden"])
    np.testing.assert_array_equal(after["conv1"], before["conv1"])
    assert all((net.connections()[name] == mask).all() for name, mask in masks.items())


def test_a_cut_network_is_the_larger_one_without_filters_that_give_nothing():
    definition = define("sparse-vgg-a")
    net = trained(definition)
    silent = {}
    for layer in definition.weighted[:-1]:  # of each branch's filters, every second one gives 0 whatever it reads
        silent[layer.name] = torch.arange(layer.outputs) % 2 == 1
        net.norms[layer.name].weight.data[silent[layer.name]] = 0
        net.norms[layer.name].bias.data[silent[layer.name]] = 0
    smaller = cut_net(net, 0.5).eval()
    assert count(smaller.definition).parameters < 0.4 * count(definition).parameters
    pictures = images(definition)
    np.testing.assert_allclose(maps(smaller, pictures)["classifier"], maps(net, pictures)["classifier"], rtol=1e-3, atol=1e-4)
