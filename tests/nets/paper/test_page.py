# SPDX-License-Identifier: BSD-2-Clause
"""docs/from-the-paper.md names files that are there and rows that bench/ has, and says of the kept networks what their records say."""

import json
import re
from pathlib import Path

from bench import dfp, kernels, paper

ROOT = Path(__file__).parents[3]
ROWS = {"kernels": {*kernels.ROWS}, "paper": {*paper.ROWS, *dfp.ROWS}}
PAGE = (ROOT / "docs" / "from-the-paper.md").read_text()


def test_the_files_that_the_page_names_are_there():
    paths = re.findall(r"`((?:[\w-]+/)+(?:[\w-]+\.py)?)`", PAGE)
    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_rows_that_the_page_names_are_there():
    rows = [(program, row) for program, words in re.findall(r"`bench/(\w+).py ([^`]*)`", PAGE) for row in words.split()]
    assert len(rows) >= 6 and all(row in ROWS[program] for program, row in rows), rows


def test_the_kept_pair_is_not_pruned_as_the_page_says():
    assert "no filters or connections were pruned" in PAGE
    for name in ("vgg-a", "sparse-vgg-a"):
        recipe = json.loads((ROOT / "nets" / "models" / f"{name}.json").read_text())["recipe"]
        assert (recipe["filters"], recipe["density"]) == (1.0, 1.0)
