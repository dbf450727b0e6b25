# SPDX-License-Identifier: BSD-2-Clause
"""Names that nothing has yet."""


def free_name(wanted, taken, mark=":", first=1):
    """Return `wanted`, or it with `mark` and the least number from `first` on that makes a name that is not in `taken`."""
    name, number = wanted, first
    while name in taken:
        name, number = f"{wanted}{mark}{number}", number + 1
    return name
