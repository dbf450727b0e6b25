# SPDX-License-Identifier: BSD-2-Clause
"""Where firmware and model lie in the main memory of every board, the smallest of which has 512 KiB: so a model runs on all boards with its
configuration."""

FIRMWARE_ADDRESS = 0x4000_0000
FIRMWARE_BYTES = 192 * 1024
# From here to the end of memory: the model binary, its tensors, the images.
MODEL_ADDRESS = FIRMWARE_ADDRESS + FIRMWARE_BYTES
