# SPDX-License-Identifier: BSD-2-Clause
"""The core's MyHDL blocks, one hardware idea a file."""
