# SPDX-License-Identifier: BSD-2-Clause
"""LeNet-5 for MNIST as Caffe has it, pruned by Dynamic Network Surgery: two convolutions, each with a 2x2 maximum, and two dense layers.

The input is the grey value / 256 of 28 x 28 pixels. ReLU follows the first dense layer only. Dense layers flatten channels first.
"""

from nets.float_builder import RELU, FloatBuilder
from nets.networks.arrays import read_arrays
from nets.preprocessing import Preprocessing

WHAT = "pruned LeNet-5 for MNIST (Dynamic Network Surgery's lenet5_sparse.npz)"
PREPROCESSING = Preprocessing(scale=1 / 256, size=(28, 28))

_SHAPES = {"conv1_w": (20, 1, 5, 5), "conv2_w": (50, 20, 5, 5), "ip1_w": (500, 800), "ip2_w": (10, 500)}
_SHAPES |= {f"{name[:-2]}_b": shape[:1] for name, shape in _SHAPES.items()}


def build(path):
    """Return the FloatNetwork of the weights file `path`. Raises UserError where it is not that file."""
    arrays = read_arrays(path, _SHAPES)
    build = FloatBuilder("lenet", *PREPROCESSING.size, 1)
    tensor = "input"
    for number in (1, 2):
        weights = arrays[f"conv{number}_w"].transpose(0, 2, 3, 1)
        tensor = build.convolution(f"conv{number}", tensor, weights, arrays[f"conv{number}_b"], activation=None)
        tensor = build.max_pool(f"pool{number}", tensor, (2, 2), (2, 2))
    hidden = build.dense("ip1", tensor, arrays["ip1_w"].reshape(500, 50, 4, 4).transpose(0, 2, 3, 1), arrays["ip1_b"], RELU)
    build.dense("ip2", hidden, arrays["ip2_w"].reshape(10, 1, 1, 500), arrays["ip2_b"])
    return build.network([str(digit) for digit in range(10)])
