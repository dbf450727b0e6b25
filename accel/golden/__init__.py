# SPDX-License-Identifier: BSD-2-Clause
"""The golden model: executes a program, instruction by instruction, bit for bit as the hardware does."""

from accel.golden.machine import Golden, Result

__all__ = ["Golden", "Result"]
