# SPDX-License-Identifier: BSD-2-Clause
"""The plans of the layers that bench/kernels.py measures are good enough on paper: run this file to see them as a table."""

import pytest

from accel.config import CONFIGS
from compiler.ir import Padding
from compiler.program import compile_network
from tests.support.networks import convolution

ARTY = CONFIGS["arty-35"]
SAME = Padding(1, 1, 1, 1)

# Name -> (network, the utilisation that the measurement must reach).
KERNELS = {
    "conv3x3-64": (lambda **more: convolution((32, 32), 64, 64, padding=SAME, **more), 0.90),
    "conv3x3-16": (lambda **more: convolution((32, 32), 16, 16, padding=SAME, **more), 0.85),
    "conv3x3-rgb": (lambda **more: convolution((32, 32), 3, 64, padding=SAME), 0.68),
    "conv3x3-256": (lambda **more: convolution((8, 8), 256, 256, padding=SAME, **more), 0.88),
    "conv3x3-13": (lambda **more: convolution((13, 13), 384, 384, padding=SAME, **more), 0.85),
    "conv1x1-128": (lambda **more: convolution((16, 16), 128, 128, (1, 1), **more), 0.85),
    "conv11x11-s4": (lambda **more: convolution((227, 227), 3, 96, (11, 11), stride=(4, 4)), 0.75),
    "conv5x5-g2": (lambda **more: convolution((27, 27), 96, 256, (5, 5), padding=Padding(2, 2, 2, 2), groups=2, **more), 0.90),
}


def planned(network):
    """Return (the last convolution's Plan, its ideal cycles)."""
    layer = next(layer for layer in reversed(compile_network(network, ARTY).layers) if layer.plan is not None)
    return layer.plan, layer.macs / ARTY.macs_per_cycle


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_estimated_at_least_3_percent_above_its_bar(name, planar):
    network, bar = KERNELS[name]
    plan, ideal = planned(network(planar=planar))
    assert ideal / plan.cycles >= bar + 0.03


def test_a_fully_connected_layer_is_as_fast_as_memory():
    plan, _ = planned(convolution((1, 1), 4096, 4096, (1, 1)))
    assert 4096 * 4096 / ARTY.beat_bytes / plan.cycles > 0.98 * 0.85


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_masks_that_differ_from_tile_to_tile_cost_what_they_keep(share):
    dense, _ = planned(convolution((16, 16), 128, 128, padding=SAME))
    network = convolution((16, 16), 128, 128, padding=SAME, density=share)
    plan, _ = planned(network)
    assert plan.split == 0
    kept = [network.layers[0].weights[first:first + 16].any(axis=(0, 1, 2)) for first in range(0, 128, 16)]
    steps = sum(-(-int(mask[block:block + 32].sum()) // 4) for mask in kept for block in range(0, 128, 32)) / (8 * 32)
    assert plan.cycles / dense.cycles <= 1.03 * steps


def test_a_dynamic_mask_costs_what_it_keeps_and_a_pixel_more_a_step():
    dense, _ = planned(convolution((16, 16), 128, 128, padding=SAME))
    network = convolution((16, 16), 128, 128, padding=SAME, mask=0.5)
    mask = network.layers[0].dynamic_mask
    steps = sum(-(-int(mask[block:block + 32].sum()) // 4) for block in range(0, 128, 32)) / 32
    assert planned(network)[0].cycles / dense.cycles <= 1.08 * steps


def main():
    """Print the estimates."""
    for name, (network, bar) in KERNELS.items():
        for planar in (False, True):
            plan, ideal = planned(network(planar=planar))
            tiling = plan.tiling
            print(f"{name:14} {'planar' if planar else 'dense':6} {ideal / plan.cycles:6.1%} (bar {bar:.0%}) split {plan.split} "
                  f"packed {int(plan.geometry.window.packed)} passes {len(tiling.passes)} regions {tiling.regions} "
                  f"strips {len(tiling.strips)} of {len(tiling.strips[0].output_rows)} rows, rounds {sum(len(s.rounds) for s in tiling.strips)} "
                  f"of {max(r.pixels for s in tiling.strips for r in s.rounds)} pixels")


if __name__ == "__main__":
    main()
