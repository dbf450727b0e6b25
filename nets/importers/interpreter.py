# SPDX-License-Identifier: BSD-2-Clause
"""TFLite's own interpreter with its reference kernels: what an imported network is held against, tensor by tensor."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter as LiteRT
from ai_edge_litert.interpreter import OpResolverType

from accel.errors import UserError
from compiler.expectation import first_difference
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


def differences(model, images, advance=lambda: None):
    """Return a sentence for each tensor of each int8 image [N, H, W, C] where the reference differs from the interpreter: none, where all are exact.

    model: of a TFLite file. Every tensor that both have, those of model.indices, is compared. advance: called after each image.
    """
    interpreter, sentences = Interpreter(model.source), []
    for place, image in enumerate(images):
        theirs, ours = interpreter.run(image), execute(model.network, image[np.newaxis])
        for name, number in model.indices.items():
            mine = ours[name][0]
            wrong = first_difference(theirs[number].reshape(mine.shape), mine)
            if wrong:
                sentences.append("image {}, tensor {!r} (number {} in the file), position {} (row, column, channel): TFLite's interpreter gives {}, "
                                 "the reference {}".format(place, name, number, *wrong))
        advance()
    return sentences
