# SPDX-License-Identifier: BSD-2-Clause
"""The table of what channel masks can use of unstructured sparsity, or why there is none."""

import pytest

from bench.sparse_alexnet import mask_uses, masks_table
from nets.sparse_caffenet import TRAININGS
from tests.support.real_data import real_data


@pytest.mark.parametrize("training", TRAININGS)
def test_all_is_the_sum_of_the_five_convolutions(training):
    real_data("alexnet")
    *layers, everything = mask_uses(training)
    assert [use.name for use in layers] == [f"conv{number}" for number in range(1, 6)]
    assert everything.dense == sum(use.dense for use in layers) == 665_784_864
    assert everything.nonzero < everything.ordered < 0.92 * everything.given


def test_without_the_data_the_table_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARCNET_DATA", str(tmp_path))
    table = masks_table()
    assert table.row_count == 0 and "there is no alexnet/sparse_caffenet_skim_b.npz" in table.caption
