# SPDX-License-Identifier: BSD-2-Clause
"""An error that stops a program, as the core's registers report it."""

from accel.registers import ERRORS


class ProgramFault(Exception):
    """`code` is a key of ERRORS, `position` the instruction's index, `detail` what did not fit (an address, a hash)."""

    def __init__(self, code, position, detail=0):
        super().__init__(f"instruction {position}: {ERRORS[code][1]} ({detail:#x})")
        self.code, self.position, self.detail = code, position, detail & 0xFFFFFFFF
