# SPDX-License-Identifier: BSD-2-Clause
"""How many cycles each layer of a program takes: the program executed in time, instruction by instruction and burst by burst, without data."""

from compiler.timing.machine import Deadlock, Machine

__all__ = ["Deadlock", "predict_cycles"]


def predict_cycles(config, words, address, image, base):
    """Return {record of a layer: its cycles} of the program `words` at byte `address`; `image`, at byte `base`, holds its weight streams.

    The cycles are counted as the layers' records count them. Raises Deadlock where the program never ends.
    """
    return Machine(config, words, address, image, base).run()
