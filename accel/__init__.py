# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator core: configuration, instruction and register tables, golden model, MyHDL blocks."""
