# SPDX-License-Identifier: BSD-2-Clause
"""Operators of a quantised ONNX graph that only move numbers about: they change a View, and cost a layer only where a reader cannot take it so."""

import math
from dataclasses import replace

from accel.errors import UserError
from compiler.ir import Padding
from nets.importers.qdq_graph import Pending


def flatten(where, value):
    """Return `value`, a View or Pending, as [N, C * H * W]. Raises UserError for a view that is moved about and for a map that is still to come."""
    if max(value.shape[:2]) > 1 and (isinstance(value, Pending) or value.moved):
        raise UserError(f"{where} flattens a map that is not quantised or is moved about before: put QuantizeLinear and DequantizeLinear before it")
    return replace(value, flat=True)


def reshape(where, value, shape):
    """Return `value` in the ONNX `shape` (its length is enough of the batch's dimension): flat, as it is, or as a map of one pixel."""
    height, width, channels = value.shape
    now = (channels * height * width,) if value.flat else (channels, height, width)
    wanted = tuple(shape[1:])
    if wanted.count(-1) == 1:
        known = -math.prod(wanted)
        wanted = tuple(math.prod(now) // known if size == -1 and known else size for size in wanted)
    wanted = tuple(now[index] if size == 0 and index < len(now) else size for index, size in enumerate(wanted))
    if wanted == now:
        return value
    if len(wanted) == 1 and wanted[0] == math.prod(now):
        return flatten(where, value)
    if len(wanted) == 3 and (wanted == (channels, height, width) or (max(value.shape[:2]) == 1 and wanted == (channels, 1, 1))):
        return replace(value, flat=False)
    raise UserError(f"{where} reshapes {now} to {wanted} an image: a map can only become [N, all of its numbers]")


def pad(where, view, pads):
    """Return a View with zeros around it: `pads` [2 * 4] as ONNX has them, batch first."""
    begin, end = pads[:4], pads[4:]
    if len(pads) != 8 or view.flat or begin[0] or end[0] or min(pads) < 0:
        raise UserError(f"{where} pads by {list(pads)}: only maps [N, C, H, W] can be padded, not their batch, and nothing can be cut off")
    channels = view.channels
    if begin[1] or end[1]:
        channels = (None,) * begin[1] + (channels or tuple(range(view.info.channels))) + (None,) * end[1]
    old = view.padding
    padding = Padding(old.top + begin[2], old.left + begin[3], old.bottom + end[2], old.right + end[3])
    return replace(view, padding=padding, channels=channels)


def take(where, view, ranges):
    """Return a View of a part: `ranges` are slices of (batch, channels, rows, columns); of rows and columns every n-th, from the first to the last.

    Raises UserError for other parts.
    """
    batch, channels, *maps = ranges
    sizes = view.shape[:2]
    whole = all(not part.start and (part.stop is None or part.stop >= size) for part, size in zip(maps, sizes, strict=True))
    if view.flat or batch != slice(None) or not whole or min(part.step or 1 for part in maps) < 1:
        raise UserError(f"{where} takes a part of a map that is not every n-th row and column of it, from the first to the last, or a run of channels")
    step = tuple(part.step or 1 for part in maps)
    if step != (1, 1) and view.padding != Padding():
        raise UserError(f"{where} takes every n-th row or column of a map that was padded: let it do so first")
    kept = (view.channels or tuple(range(view.info.channels)))[channels]
    if not kept:
        raise UserError(f"{where} takes no channel")
    everything = view.channels is None and len(kept) == view.info.channels and kept == tuple(range(len(kept)))
    return replace(view, step=tuple(old * new for old, new in zip(view.step, step, strict=True)), channels=None if everything else kept)


