# SPDX-License-Identifier: BSD-2-Clause
"""The networks of the SPARCNet paper, by name."""

from accel.errors import UserError
from nets.paper.alexnet import alexnet, alexnet_groups, sparse_alexnet
from nets.paper.squeezenet import squeezenet10, squeezenet11
from nets.paper.vgg import sparse_vgg_a, sparse_vgg_d, vgg_a, vgg_d

NETWORKS = {
    "vgg-a": vgg_a, "sparse-vgg-a": sparse_vgg_a, "vgg-d": vgg_d, "sparse-vgg-d": sparse_vgg_d,
    "alexnet": alexnet, "alexnet-groups": alexnet_groups, "sparse-alexnet": sparse_alexnet,
    "squeezenet10": squeezenet10, "squeezenet11": squeezenet11,
}

# Those whose input is an image of CIFAR-10.
CIFAR10 = tuple(name for name, define_it in NETWORKS.items() if define_it().input_shape == (32, 32, 3))
# Each reduced network, and the one that it is a reduction of.
BASELINES = {"sparse-vgg-a": "vgg-a", "sparse-vgg-d": "vgg-d", "sparse-alexnet": "alexnet"}


def define(name):
    """Return the Definition of a network of the paper. Raises UserError where there is none of that name."""
    if name not in NETWORKS:
        raise UserError(f"unknown network {name!r}: choose {', '.join(NETWORKS)}")
    return NETWORKS[name]()
