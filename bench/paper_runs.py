# SPDX-License-Identifier: BSD-2-Clause
"""What bench/paper.py runs in litex_sim: the paper's networks, trained where the project keeps weights of them, else with random ones."""

from dataclasses import replace
from functools import partial

from bench.soc_runs import run_networks
from bench.trained import TRAINED, trained_network
from nets.definition import Definition, Draft
from nets.paper import define
from nets.random_network import random_network

CONFIGS = ("arty-35", "arty-100")
# Of the weights of alexnet-fc, what pruning leaves.
FC_DENSITY = 0.25
# What the tables and bars say of the two halves of AlexNet.
ALEXNET_NOTE = "no groups, dense random weights, with the max pools between them; pool5 and both response normalisations left out"
FC_NOTE = f"random weights pruned to {FC_DENSITY:.0%}, of fc8 to none"


def alexnet_convolutions():
    """Return AlexNet's conv1 to conv5 without groups, with the two max pools between them; pool5 and the response normalisations are left out."""
    whole = define("alexnet")
    names = [layer.name for layer in whole.layers]
    return Definition("alexnet-convs", whole.input_shape, whole.layers[:names.index("conv5") + 1])


def alexnet_fully_connected():
    """Return AlexNet's three fully connected layers."""
    draft = Draft("alexnet-fc", 6, 6, 256)
    draft.dense("fc8", draft.dense("fc7", draft.dense("fc6", "input", 4096, relu=True), 4096, relu=True), 1000)
    return draft.definition()


# Whole networks, for images a second and for baseline beside reduced.
WHOLE = ("vgg-a", "sparse-vgg-a", "vgg-d", "sparse-vgg-d", "alexnet", "sparse-alexnet", "squeezenet10", "squeezenet11")
RUNS = {**{name: partial(define, name) for name in WHOLE}, "alexnet-convs": alexnet_convolutions, "alexnet-fc": alexnet_fully_connected}


def network_of(name):
    """Return (compiler's Network of the run `name`, int8 images or None for random ones)."""
    if name in TRAINED:
        return trained_network(name)
    return replace(random_network(RUNS[name](), density=FC_DENSITY if name == "alexnet-fc" else 1.0), name=name), None


def weights_of(name):
    """Return what the tables say of the weights of the run `name`."""
    return "trained weights, real image" if name in TRAINED else "random weights"


def measure(names, config, jobs):
    """Return {name: Measured} of the runs `names` on the configuration of the name `config`. Raises UserError where a tensor is not exact."""
    networks, images = zip(*(network_of(name) for name in names), strict=True) if names else ((), ())
    return run_networks(networks, config, jobs, images=images) if names else {}
