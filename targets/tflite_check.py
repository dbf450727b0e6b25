# SPDX-License-Identifier: BSD-2-Clause
"""Holds a model that came as .tflite against TFLite's own interpreter, tensor by tensor."""

from compiler.expectation import describe_difference, first_difference
from compiler.reference import execute
from nets.zoo import importer


class TFLiteCheck:
    """TFLite's interpreter beside the reference for one Model of a .tflite file. Raises UserError where its packages are not installed."""

    def __init__(self, model):
        self.network, self.indices = model.network, model.indices
        self.interpreter = importer("interpreter").Interpreter(model.source)

    def difference(self, image):
        """Return the sentence on the first tensor of int8 `image` [H, W, C] in which reference and interpreter differ, or None where none does.

        It names layer, position and both values. What the SoC stores is held against the reference elsewhere, so that no difference here and none
        there is equality with TFLite.
        """
        ours, theirs = execute(self.network, image[None]), self.interpreter.run(image)
        for layer in self.network.layers:
            number = self.indices.get(layer.output)
            if number in theirs:
                values = ours[layer.output][0]
                found = first_difference(theirs[number].reshape(values.shape), values)
                if found:
                    return (f"{describe_difference(layer.name, layer.output, found)} (expected is what TFLite's interpreter gives for tensor "
                            f"{number} of the file)")
        return None


def tflite_check(model):
    """Return the TFLiteCheck of a Model, or None where it did not come as .tflite."""
    return TFLiteCheck(model) if model.indices else None
