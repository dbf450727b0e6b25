# SPDX-License-Identifier: BSD-2-Clause
"""Networks that come as arrays: one description in Python each."""
