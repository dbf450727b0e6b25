# SPDX-License-Identifier: BSD-2-Clause
"""Which seeds `make test` takes."""

import pytest


def slice_of(seeds, count):
    """Return the seeds as test parameters; `make test` takes the first `count`, `make test-full` all."""
    return [seed if i < count else pytest.param(seed, marks=pytest.mark.full) for i, seed in enumerate(seeds)]
