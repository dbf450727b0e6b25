# SPDX-License-Identifier: BSD-2-Clause
"""The weight stream that the CPU's kernels read: one set, one pass, whole pixels, whatever the accelerator's plan is."""

from dataclasses import replace

from accel.errors import UserError
from compiler.weight_stream import tile_stream
from compiler.window import plain_window

# The firmware's kernel has tables of this size.
MAX_INPUT_BLOCKS = 1023


def cpu_stream(config, layer, zero_point, channels):
    """Return the bytes for a convolution with `channels` input channels: for each output plane the masks and weights, then the parameters.

    Weights are all of int8, and the input's zero point is folded into the bias. Raises UserError where the kernel's tables are too small.
    """
    # A channel that the dynamic mask clears counts as its zero point: as if it weighed nothing.
    layer = replace(layer, weights=layer.kept_weights, dynamic_mask=None)
    window = plain_window(config, layer.kernel, channels)
    if window.blocks > MAX_INPUT_BLOCKS:
        raise UserError(f"layer {layer.name!r} has {window.blocks} blocks of input channels, but the CPU's kernel can take {MAX_INPUT_BLOCKS}")
    return b"".join(tile_stream(config, layer, window, zero_point, first, 1, (range(window.blocks),), whole_weights=True).data
                    for first in range(0, len(layer.weights), config.columns))
