# SPDX-License-Identifier: BSD-2-Clause
"""A board's variant brings its configuration and a folder of its own."""

from pathlib import Path

import pytest

from targets import arty, cmod_a7
from targets.litex_board import parse


@pytest.mark.parametrize("board, words, config, folder", [
    (arty, [], "arty-35", "build/arty"),
    (arty, ["--variant", "a7-35"], "arty-35", "build/arty"),
    (arty, ["--variant", "a7-100"], "arty-100", "build/arty-a7-100"),
    (arty, ["--resources", "--variant=a7-100"], "arty-100", "build/arty-a7-100"),
    (arty, ["--variant", "a7-100", "--config", "small-16", "--output-dir", "/elsewhere"], "small-16", "/elsewhere"),
    (cmod_a7, [], "cmod-35", "build/cmod_a7"),
])
def test_configuration_and_folder_follow_the_variant(board, words, config, folder):
    _, arguments = parse(board.BOARD, words)
    assert arguments.config == config
    assert Path(arguments.output_dir).parts[-2:] == Path(folder).parts[-2:]


@pytest.mark.parametrize("words", [["--variant", "a7-200"], ["--variant"]])
def test_another_variant_is_refused_with_those_that_there_are(words, capsys):
    with pytest.raises(SystemExit):
        parse(arty.BOARD, words)
    assert "--variant" in capsys.readouterr().err
