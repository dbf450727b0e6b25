# SPDX-License-Identifier: BSD-2-Clause
"""What our SoCs want of a configuration; without LiteX, so that it can be asked before anything is built."""

from accel.errors import UserError

# The width of the Arty's native port of LiteDRAM; what is narrower is widened to it.
MEMORY_BEAT_BYTES = 16


def check_config(config):
    """Raise UserError where a configuration does not fit the memory port of our SoCs."""
    if config.beat_bytes != MEMORY_BEAT_BYTES:
        raise UserError(f"configuration {config.name!r} moves {config.beat_bytes} bytes a cycle, but the SoC's memory port {MEMORY_BEAT_BYTES}: "
                        f"choose one with columns = {MEMORY_BEAT_BYTES}")
