# SPDX-License-Identifier: BSD-2-Clause
"""SqueezeNet v1.1 for ImageNet, of arrays float16 or float32.

The input is blue, green, red of 0 to 255 minus 104, 117, 123, of the centre 227 x 227 pixels. conv10 has no padding, as the authors' prototxt has it
(ncnn's conversion gives it one).
"""

from nets.networks._squeezenet import CAFFE_IMAGENET, array_shapes, convolution_shapes, squeezenet
from nets.networks.arrays import read_arrays

WHAT = "SqueezeNet v1.1 for ImageNet (weights_fp16.npz)"
PREPROCESSING = CAFFE_IMAGENET

_LAYERS = convolution_shapes("squeezenet11")


def build(path):
    """Return the FloatNetwork of the weights file `path`. Raises UserError where it is not that file."""
    return squeezenet("squeezenet11", read_arrays(path, array_shapes(_LAYERS)))
