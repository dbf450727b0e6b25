# SPDX-License-Identifier: BSD-2-Clause
"""The LiteX side: puts the converted core on the buses of an SoC."""
