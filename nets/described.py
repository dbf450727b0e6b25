# SPDX-License-Identifier: BSD-2-Clause
"""Networks that come as arrays and a description in Python, by name. A network of one's own is one more module in nets/networks and one more row."""

from collections.abc import Callable
from dataclasses import dataclass

from accel.errors import UserError
from nets.networks import ai85, lenet, squeezenet10, squeezenet11, vgg7
from nets.preprocessing import Preprocessing


@dataclass(frozen=True)
class Described:
    """build(weights file) returns a FloatNetwork, or a compiler.ir.Network where the arrays are integers; `what` it is; what its images become."""

    build: Callable
    what: str
    preprocessing: Preprocessing


NETWORKS = {module.__name__.rpartition(".")[2]: Described(module.build, module.WHAT, module.PREPROCESSING)
            for module in (ai85, lenet, squeezenet10, squeezenet11, vgg7)}
DESCRIBED = {name: network.what for name, network in NETWORKS.items()}


def described(name, weights_path):
    """Return the FloatNetwork or Network `name` with the weights of a file. Raises UserError where there is no such name or the file is another."""
    if name not in NETWORKS:
        raise UserError(f"no network {name!r} is described: choose {', '.join(NETWORKS)}")
    return NETWORKS[name].build(weights_path)
