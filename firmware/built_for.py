# SPDX-License-Identifier: BSD-2-Clause
"""What a firmware is built for: what it must know of its board, beside what LiteX's headers say."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltFor:
    """`clock_hz`: by which cycles are times; `baud`: rate of the UART after a start, 0 for a line without one; `package`: address of
    the flash's package (firmware.package), 0 where there is no flash. The defaults are the simulation's."""

    clock_hz: int = 100_000_000
    baud: int = 0
    package: int = 0
