# SPDX-License-Identifier: BSD-2-Clause
"""What the fields of instructions can say, for what the compiler must not ask."""

from accel import isa


def most(instruction, field):
    """Return the largest number that an unsigned field of the instruction called `instruction` holds."""
    return (1 << next(entry.bits for entry in isa.BY_NAME[instruction].fields if entry.name == field)) - 1
