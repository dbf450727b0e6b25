# SPDX-License-Identifier: BSD-2-Clause
"""The windows of ONNX's convolutions and pools: strides, padding, ceil mode."""

from dataclasses import dataclass

from compiler.layers import Padding
from nets.builder import same_padding


@dataclass(frozen=True)
class Window:
    """kernel and stride (rows, columns); padding as given; beyond (rows, columns): what ceil mode adds below and at the right."""

    kernel: tuple
    stride: tuple
    padding: Padding
    beyond: tuple = (0, 0)

    @property
    def whole(self):
        """The padding together with what ceil mode adds."""
        return self.padding + Padding(0, 0, *self.beyond)


def window_of(node, size, kernel):
    """Return the Window of a Node over a map of `size` (rows, columns); UserError for what is not two-dimensional."""
    attributes = node.attributes
    stride = tuple(attributes.get("strides", (1, 1)))
    if len(kernel) != 2 or len(stride) != 2:
        raise node.refuse("its window must have two dimensions: rows and columns")
    padding = _padding(node, size, kernel, stride)
    if not attributes.get("ceil_mode", 0):
        return Window(tuple(kernel), stride, padding)
    spans = (size[0] + padding.top + padding.bottom, size[1] + padding.left + padding.right)
    inside = (size[0] + padding.top, size[1] + padding.left)
    beyond = tuple(_beyond(*numbers) for numbers in zip(spans, inside, kernel, stride, strict=True))
    return Window(tuple(kernel), stride, padding, beyond)


def _padding(node, size, kernel, stride):
    kind = node.attributes.get("auto_pad", "NOTSET")
    if kind in ("SAME_UPPER", "SAME_LOWER"):
        same = same_padding(size, kernel, stride)
        return same if kind == "SAME_UPPER" else Padding(same.bottom, same.right, same.top, same.left)
    if kind == "VALID":
        return Padding()
    pads = node.attributes.get("pads", (0, 0, 0, 0))
    if len(pads) != 4 or min(pads) < 0:
        raise node.refuse("its pads must be four numbers, none of them negative")
    return Padding(*pads)


def _beyond(span, inside, kernel, stride):
    """Return by how much the last window of ceil mode reaches beyond `span`; none begins beyond the map and the padding before it."""
    outputs = -(-(span - kernel) // stride) + 1
    if (outputs - 1) * stride >= inside:
        outputs -= 1
    return max(0, (outputs - 1) * stride + kernel - span)
