# SPDX-License-Identifier: BSD-2-Clause
"""TFLite's own interpreter with its reference kernels: what an imported network is held against, tensor by tensor."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter as LiteRT
from ai_edge_litert.interpreter import OpResolverType

from accel.errors import UserError
from compiler.expectation import describe_difference, first_difference
from compiler.reference import execute
from nets.importers.tflite_file import read_tflite


class Interpreter:
    """Runs the TFLite file at `path`, which has one input. Raises UserError where it cannot be read or the interpreter refuses it."""

    def __init__(self, path):
        self._graph = read_tflite(path)
        try:
            self._runtime = LiteRT(model_content=Path(path).read_bytes(), experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                                   experimental_preserve_all_tensors=True, num_threads=1)
            self._runtime.allocate_tensors()
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(f"TFLite's interpreter refuses {path}: {' '.join(str(error).split())}") from error
        computed = [self._graph.inputs[0], *(operator.outputs[0] for operator in self._graph.operators)]
        self._numbers = [number for number in computed if self._graph.tensors[number].dtype in ("int8", "uint8")]

    def run(self, image):
        """Return {number of the tensor: int8 array of the shape in the file} for an int8 `image` with as many numbers as the input has.

        These are the network's numbers: uint8 tensors are given less 128, as `image` is. A float input is given the real values of `image` at
        the scale of the QUANTIZE that reads it.
        """
        tensor = self._graph.tensors[self._graph.inputs[0]]
        numbers = np.asarray(image, np.int8).reshape(tensor.shape)
        if tensor.dtype == "uint8":
            numbers = numbers.view(np.uint8) ^ 0x80
        elif tensor.dtype == "float32":
            numbers = self._real(numbers)
        self._runtime.set_tensor(tensor.number, numbers)
        self._runtime.invoke()
        return {number: _as_int8(self._runtime.get_tensor(number)) for number in self._numbers}

    def _real(self, numbers):
        target = next(self._graph.tensors[operator.outputs[0]] for operator in self._graph.operators if self._graph.inputs[0] in operator.inputs)
        return (numbers.astype(np.float32) - np.float32(target.zero_point)) * target.scale


def _as_int8(array):
    return (array ^ 0x80).view(np.int8) if array.dtype == np.uint8 else array


class Comparison:
    """The reference beside TFLite's interpreter, for one Model of a .tflite file. Raises UserError where the interpreter refuses the file."""

    def __init__(self, model):
        self._network, self._indices, self._interpreter = model.network, model.indices, Interpreter(model.source)
        self._writers = {layer.output: layer.name for layer in model.network.layers}

    def differences(self, image):
        """Yield a sentence for each tensor of int8 `image` [H, W, C] in which reference and interpreter differ, in the network's order.

        Every tensor that both have, those of the Model's indices, is compared.
        """
        ours, theirs = execute(self._network, image[np.newaxis]), self._interpreter.run(image)
        for name, number in self._indices.items():
            mine = ours[name][0]
            found = first_difference(theirs[number].reshape(mine.shape), mine)
            if found:
                yield (f"{describe_difference(self._writers.get(name, name), name, found)} (expected is what TFLite's interpreter gives for tensor "
                       f"{number} of the file)")

    def difference(self, image):
        """Return the first of these sentences, or None.

        What the SoC stores is held against the reference elsewhere, so that no difference here and none there is equality with TFLite.
        """
        return next(self.differences(image), None)


def differences(model, images, advance=lambda: None):
    """Return the sentences on all differences of each int8 image [N, H, W, C]: none, where every tensor is exact.

    advance: called after each image.
    """
    comparison, sentences = Comparison(model), []
    for place, image in enumerate(images):
        sentences += [f"image {place}, {sentence}" for sentence in comparison.differences(image)]
        advance()
    return sentences
