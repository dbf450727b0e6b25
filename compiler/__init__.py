# SPDX-License-Identifier: BSD-2-Clause
"""From a quantised network to a program for the accelerator: IR, passes, tiling, the reference."""
