# SPDX-License-Identifier: BSD-2-Clause
"""What the SqueezeNets with weights for ImageNet share: their arrays, and how Caffe's networks take their images. Their layers: nets.paper.squeezenet."""

from nets.defined_float import float_network
from nets.paper import define
from nets.preprocessing import Preprocessing

# The centre of 227 x 227 of an image of 256 x 256, blue first, minus the data set's mean.
CAFFE_IMAGENET = Preprocessing(mean=(104.0, 117.0, 123.0), bgr=True, size=(227, 227))


def convolution_shapes(name):
    """Return {layer: shape [O, I, kernel height, kernel width]} of the SqueezeNet `name`, in its layers' order."""
    definition, shapes = define(name), {}
    for layer in definition.weighted:
        outputs, height, width, inputs = definition.weights_shape(layer)
        shapes[layer.name] = outputs, inputs, height, width
    return shapes


def array_shapes(layers):
    """Return {array: shape} of a weights file for the {layer: shape} of convolution_shapes."""
    return {f"{layer}.{part}": shape[:length] for layer, shape in layers.items() for part, length in (("weight", 4), ("bias", 1))}


def squeezenet(name, arrays):
    """Return the FloatNetwork of `arrays` {"<layer>.weight": [O, I, H, W], "<layer>.bias": [O]}. The score is the mean of conv10's map after ReLU."""
    definition = define(name)
    return float_network(definition, {layer.name: (arrays[f"{layer.name}.weight"].transpose(0, 2, 3, 1), arrays[f"{layer.name}.bias"])
                                      for layer in definition.weighted})
