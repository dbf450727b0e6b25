# SPDX-License-Identifier: BSD-2-Clause
"""SqueezeNet v1.0 for ImageNet: dense or sparse weights as an .npz, or the file of Deep Compression, compressed_SqueezeNet.net.

The input is blue, green, red of 0 to 255 minus 104, 117, 123, of the centre 227 x 227 pixels. conv10 has padding 1.
"""

from pathlib import Path

from nets.networks._squeezenet import CAFFE_IMAGENET, array_shapes, convolution_shapes, squeezenet
from nets.networks.arrays import read_arrays
from nets.networks.deep_compression import read_compressed

WHAT = "SqueezeNet v1.0 for ImageNet, dense or sparse (weights.npz, or Deep Compression's compressed_SqueezeNet.net)"
PREPROCESSING = CAFFE_IMAGENET

_LAYERS = convolution_shapes("squeezenet10")


def build(path):
    """Return the FloatNetwork of the weights file `path`. Raises UserError where it is not that file."""
    arrays = read_compressed(path, _LAYERS) if Path(path).suffix == ".net" else read_arrays(path, array_shapes(_LAYERS))
    return squeezenet("squeezenet10", arrays)
