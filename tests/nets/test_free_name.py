# SPDX-License-Identifier: BSD-2-Clause
"""A free name is the wanted one, or it with the least number that nothing has."""

import pytest

from nets.free_name import free_name


@pytest.mark.parametrize("taken, fields, name", [
    ((), {}, "conv"), (("other",), {}, "conv"), (("conv",), {}, "conv:1"), (("conv", "conv:1", "conv:3"), {}, "conv:2"),
    (("conv",), {"mark": "_", "first": 2}, "conv_2"), (("conv",), {"mark": ""}, "conv1")])
def test_a_free_name_is_the_wanted_one_or_the_next_with_a_number(taken, fields, name):
    assert free_name("conv", taken, **fields) == name
