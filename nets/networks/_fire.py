# SPDX-License-Identifier: BSD-2-Clause
"""What the SqueezeNets share: fire modules, and how Caffe's networks for ImageNet take their images."""

from nets.float_builder import FloatBuilder
from nets.preprocessing import Preprocessing

# The centre of 227 x 227 of an image of 256 x 256, blue first, minus the data set's mean.
CAFFE_IMAGENET = Preprocessing(mean=(104.0, 117.0, 123.0), bgr=True, size=(227, 227))
CLASSES = 1000

# Of each fire module: filters of its squeeze convolution, and of each of its two expand convolutions.
FIRES = {"fire2": (16, 64), "fire3": (16, 64), "fire4": (32, 128), "fire5": (32, 128), "fire6": (48, 192), "fire7": (48, 192), "fire8": (64, 256),
         "fire9": (64, 256)}


def convolution_shapes(conv1):
    """Return {layer: shape [O, I, kernel height, kernel width]} of a SqueezeNet, in its layers' order; conv1: (filters, kernel) of the first."""
    filters, kernel = conv1
    shapes, inputs = {"conv1": (filters, 3, kernel, kernel)}, filters
    for fire, (squeeze, expand) in FIRES.items():
        shapes |= {f"{fire}.squeeze1x1": (squeeze, inputs, 1, 1), f"{fire}.expand1x1": (expand, squeeze, 1, 1),
                   f"{fire}.expand3x3": (expand, squeeze, 3, 3)}
        inputs = 2 * expand
    return shapes | {"conv10": (CLASSES, inputs, 1, 1)}


def array_shapes(layers):
    """Return {array: shape} of a weights file for the {layer: shape} of convolution_shapes."""
    return {f"{layer}.{part}": shape[:length] for layer, shape in layers.items() for part, length in (("weight", 4), ("bias", 1))}


def squeezenet(name, arrays, pooled, last_padding):
    """Return the FloatNetwork of `arrays` {"<layer>.weight": [O, I, H, W], "<layer>.bias": [O]}.

    pooled: the layers that a 3x3 maximum with stride 2 follows; last_padding: that of conv10. The score is the mean of conv10's map after ReLU.
    """
    build = FloatBuilder(name, *CAFFE_IMAGENET.size, 3)

    def convolution(layer, source, **fields):
        return build.convolution(layer, source, arrays[f"{layer}.weight"].transpose(0, 2, 3, 1), arrays[f"{layer}.bias"], **fields)

    def pool(layer, source):
        return build.max_pool(f"pool{layer.removeprefix('conv').removeprefix('fire')}", source, (3, 3), (2, 2)) if layer in pooled else source

    tensor = pool("conv1", convolution("conv1", "input", stride=(2, 2)))
    for fire in FIRES:
        narrow = convolution(f"{fire}.squeeze1x1", tensor)
        wide = convolution(f"{fire}.expand1x1", narrow), convolution(f"{fire}.expand3x3", narrow, padding=1)
        tensor = pool(fire, build.concatenation(fire, *wide))
    build.global_average("pool10", convolution("conv10", tensor, padding=last_padding))
    return build.network()
