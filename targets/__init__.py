# SPDX-License-Identifier: BSD-2-Clause
"""One file a board: what `./build.py --target` can name."""
