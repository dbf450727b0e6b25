# SPDX-License-Identifier: BSD-2-Clause
"""The CPU's program: its C sources, the headers generated for it, its build, and the host side of its console."""
