# SPDX-License-Identifier: BSD-2-Clause
"""What has been translated of a TFLite graph so far: tensors, layers, names and notes, as the operators' functions ask for them."""

from dataclasses import replace

import numpy as np

from accel.errors import UserError
from compiler.ir import Network, Padding, TensorInfo
from nets.builder import same_padding
from nets.importers.tflite_checks import refuse, short_name
from nets.importers.tflite_names import Names, clean_name, shared_scope
from nets.importers.tflite_numbers import ACTIVATIONS, activation_range
from nets.model import Model

_SAME = 0  # tflite.Padding.SAME


class Translation:
    """The network as it grows. Each TFLite tensor that is computed stands for one of the network, several of them perhaps for the same."""

    def __init__(self, graph):
        self.graph, self.tensors, self.layers, self.notes, self.indices = graph, {}, [], [], {}
        self._names, self._scope = Names(), shared_scope([tensor.name for tensor in graph.tensors])
        self._standing, self._padded = {}, {}
        self.input = None

    def refuse(self, operator, problem, cure):
        """Raise the UserError that names the operator, what is wrong with it and what to change in the model."""
        refuse(self.graph, operator, problem, cure)

    def note(self, operator, what):
        """Keep a sentence on an operator that was left out or expressed by something else."""
        self.notes.append(f"{operator.kind} {short_name(self.graph, operator)!r} {what}")

    def tensor(self, number):
        """Return the file's tensor of a number."""
        return self.graph.tensors[number]

    def info(self, name):
        """Return the TensorInfo of a tensor of the network."""
        return self.tensors[name]

    def declare_input(self, number):
        """Declare the network's input: the file's tensor `number`."""
        tensor = self.tensor(number)
        self.input = self._declare(self._names.unique(clean_name("input", tensor.name, self._scope)), tensor.map_shape, tensor, number)

    def declare_output(self, operator, shape, suffix=""):
        """Declare what an operator writes as a map of `shape`; returns its name, which is the layer's too. Refuses a shape that is not the file's.

        suffix: for a tensor before the output that the file does not have; it has the output's numbers.
        """
        number = operator.outputs[0]
        tensor = self.tensor(number)
        if not suffix and np.prod(shape) != np.prod(tensor.shape):
            self.refuse(operator, f"declares an output of {list(tensor.shape)}, but gives a map of {list(shape)}",
                        "export the model anew with fixed shapes")
        name = self._names.unique(clean_name(operator.kind, tensor.name, self._scope) + suffix)
        return self._declare(name, shape, tensor, None if suffix else number)

    def _declare(self, name, shape, tensor, number):
        self.tensors[name] = TensorInfo(name, *shape, float(tensor.scale), tensor.zero_point)
        if number is not None:
            self._standing[number], self.indices[name] = name, number
        return name

    def require_same_numbers(self, operator, tolerance=0.0):
        """Refuse where the operator's input and output differ in zero point, or in scale by more than `tolerance`."""
        source, target = self.tensor(operator.inputs[0]), self.tensor(operator.outputs[0])
        if abs(source.scale - target.scale) > tolerance or source.zero_point != target.zero_point:
            self.refuse(operator, f"changes scale {source.scale} and zero point {source.zero_point} to {target.scale} and {target.zero_point}",
                        "export the model anew; a converter gives input and output the same")

    def take_scale(self, name, other):
        """Give the tensor `name` of the network the scale of another."""
        self.tensors[name] = replace(self.info(name), scale=self.info(other).scale)

    def put(self, operator, kind, *reads, suffix="", **values):
        """Append the layer of `kind` that `reads` tensors of the network and writes the operator's output, whose name it gets; returns it."""
        layer = kind("", *reads, "", **values)
        name = self.declare_output(operator, layer.output_shape(*(self.info(name).shape for name in layer.inputs)), suffix)
        self.layers.append(replace(layer, name=name, output=name))
        return self.layers[-1]

    def rename(self, operator, padding=Padding()):
        """Let the operator's output stand for its input's map, with a border of zero points around it where `padding` says so."""
        source, target = operator.inputs[0], operator.outputs[0]
        self._standing[target] = self.name(operator, padded=True)
        self._padded[target] = self.border(source) + padding

    def border(self, number):
        """Return the Padding that PADs have put around the file's tensor `number`."""
        return self._padded.get(number, Padding())

    def name(self, operator, place=0, padded=False):
        """Return the network's name of the operator's input at `place`. Refuses constants, and borders but where `padded`."""
        number = operator.inputs[place]
        if number not in self._standing:
            self.refuse(operator, f"has the constant or missing input {place}", "only weights, biases and the factors of a MUL may be constant")
        if not padded and self.border(number) != Padding():
            self.refuse(operator, "reads what a PAD writes", "only convolutions and pools can take a PAD in; let it be followed by one")
        return self._standing[number]

    def map_name(self, operator, place=0, padded=False):
        """Return `name` of an input whose rows, columns and channels matter. Refuses where a RESHAPE has regrouped them."""
        name, number = self.name(operator, place, padded), operator.inputs[place]
        shape, pad = self.info(name).shape, self.border(number)
        seen, padded_shape = self.tensor(number).map_shape, (shape[0] + pad.top + pad.bottom, shape[1] + pad.left + pad.right, shape[2])
        if seen != padded_shape:
            self.refuse(operator, f"reads a map of {list(padded_shape)} that a RESHAPE made {list(seen)}",
                        "only a RESHAPE of the network's input or before fully connected layers can be imported; remove it")
        return name

    def reshape_input(self, operator):
        """Give the network's input the shape that the operator gives it, where it is the input, no layer has read it and it becomes a map."""
        name, target = self._standing[operator.inputs[0]], self.tensor(operator.outputs[0])
        if name == self.input and len(target.shape) > 2 and not any(name in layer.inputs for layer in self.layers):
            height, width, channels = target.map_shape
            self.tensors[name] = replace(self.info(name), height=height, width=width, channels=channels)

    def window(self, operator, kernel):
        """Return (stride, Padding) of a window of (height, width) over input 0, a PAD before it included.

        A stride that leaves the window one place is made the smallest that does: files have such as large as the map.
        """
        number, options = operator.inputs[0], operator.options
        sizes, stride, pad = self.tensor(number).map_shape[:2], (options["stride_h"], options["stride_w"]), Padding()
        if options["padding"] == _SAME:
            pad = same_padding(sizes, kernel, stride)
        spans = (sizes[0] + pad.top + pad.bottom, sizes[1] + pad.left + pad.right)
        stride = tuple(max(1, min(step, span - size + 1)) for step, span, size in zip(stride, spans, kernel, strict=True))
        return stride, pad + self.border(number)

    def clamp(self, operator, activation=None):
        """Return {clamp_min, clamp_max} of the operator's output: of its fused activation, or of the one named."""
        tensor = self.tensor(operator.outputs[0])
        fused = operator.options.get("fused_activation_function", 0)
        try:
            low, high = activation_range(activation or ACTIVATIONS[fused], tensor.scale, tensor.zero_point)
        except UserError as error:
            self.refuse(operator, f"cannot be computed, since {error}", "use RELU, RELU6, RELU_N1_TO_1 or none")
        return {"clamp_min": low, "clamp_max": high}

    def model(self):
        """Return the Model. Raises UserError where the output is not computed, or is padded."""
        graph, number = self.graph, self.graph.outputs[0]
        if number not in self._standing or self.border(number) != Padding():
            raise UserError(f"{graph.path}: the output {self.tensor(number).name!r} is no operator's, or a PAD's: export the model anew")
        network = Network(graph.path.stem, self.input, self._standing[number], self.tensors, tuple(self.layers))
        return Model(network, graph.path, None, tuple(self.notes), self.indices)
