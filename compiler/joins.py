# SPDX-License-Identifier: BSD-2-Clause
"""The kinds of layers that read several maps: addition and concatenation."""

from dataclasses import dataclass

from accel.errors import UserError
from compiler.layers import check_same_numbers, check_scaling


@dataclass(frozen=True)
class Add:
    """TFLite's int8 ADD of two maps of one shape: each minus its zero point, times 2**20, scaled; their sum scaled, plus zero point, clamped.

    The shifts are positive left; those of the inputs lie between -31 and 0, as a scale of at most 1 has them.
    """

    name: str
    input: str
    other: str
    output: str
    input_multiplier: int
    input_shift: int
    other_multiplier: int
    other_shift: int
    output_multiplier: int
    output_shift: int
    clamp_min: int = -128
    clamp_max: int = 127

    op = "add"
    left_shift = 20

    @property
    def inputs(self):
        """The names of the two tensors."""
        return self.input, self.other

    def output_shape(self, shape, other):
        """Return the shape of both inputs."""
        return tuple(shape)

    def macs(self, shape, other):
        """An addition multiplies nothing that counts."""
        return 0

    def scaling(self, index):
        """Return (multiplier, shift) of input `index`."""
        return ((self.input_multiplier, self.input_shift), (self.other_multiplier, self.other_shift))[index]

    def check(self, where, source, other, target):
        """Raise UserError where the shapes differ or a number is out of range."""
        if source.shape != other.shape:
            raise UserError(f"{where}: it adds maps of {source.shape} and {other.shape}, but they must have the same shape")
        for multiplier, shift in (self.scaling(0), self.scaling(1)):
            check_scaling(where, multiplier, shift, 0)
        check_scaling(where, self.output_multiplier, self.output_shift)


@dataclass(frozen=True)
class Concat:
    """The channels of several maps, one map after the other. All have the same height, width, scale and zero point."""

    name: str
    inputs: tuple
    output: str

    op = "concat"
    clamp_min, clamp_max = -128, 127

    @property
    def input(self):
        """The name of the first tensor."""
        return self.inputs[0]

    def output_shape(self, *shapes):
        """Return the shape of all channels together."""
        return (*shapes[0][:2], sum(shape[2] for shape in shapes))

    def macs(self, *shapes):
        """A concatenation multiplies nothing."""
        return 0

    def check(self, where, *infos):
        """Raise UserError where the maps do not fit together; the last of `infos` is the output's."""
        *sources, target = infos
        for source in sources:
            if source.shape[:2] != target.shape[:2]:
                raise UserError(f"{where}: {source.name!r} has {source.height} x {source.width} pixels, but {target.name!r} has "
                                f"{target.height} x {target.width}")
            check_same_numbers(where, source, target)
