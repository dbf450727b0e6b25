# SPDX-License-Identifier: BSD-2-Clause
"""Which system clocks a board's PLL can make: it divides one oscillator's multiple by whole numbers, and has other clocks to make besides."""

import contextlib
import logging
import math

from accel.errors import UserError

# Where others are looked for: multiples of STEP_HZ, up to what no board's PLL exceeds.
STEP_HZ, HIGHEST_HZ = 2.5e6, 400e6


def check_clock(clocks, platform, hertz):
    """Raise UserError, with the nearest others, where `hertz` is a system clock that `clocks` cannot make.

    clocks: the class of LiteX that makes a board's clocks, called with (a platform, the system clock's frequency). platform: the class.
    """
    if _can_make(clocks, platform, hertz):
        return
    steps = [STEP_HZ * i for i in range(1, round(HIGHEST_HZ / STEP_HZ) + 1)]
    below = (step for step in reversed(steps) if step < hertz)
    above = (step for step in steps if not step <= hertz)
    near = [next((step for step in side if _can_make(clocks, platform, step)), None) for side in (below, above)]
    others = " or ".join(f"{step / 1e6:g}" for step in near if step)
    raise UserError(f"--sys-clk-freq {hertz / 1e6:g} MHz is none that the board's PLL can make beside its other clocks: try {others} MHz")


def _can_make(clocks, platform, hertz):
    if not math.isfinite(hertz):
        return False
    with _silence(), contextlib.suppress(ValueError, AssertionError):  # LiteX raises either, by the PLL
        clocks(platform(), hertz).pll.compute_config()
        return True
    return False


@contextlib.contextmanager
def _silence():
    """LiteX's PLLs log what is asked of them; those tried here are not the SoC's."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
