# SPDX-License-Identifier: BSD-2-Clause
"""The one exception whose text is meant for the user: what is wrong, where, and what to do."""


class UserError(Exception):
    """Bad input. `build.py` prints the message as one sentence and exits with a non-zero status."""
