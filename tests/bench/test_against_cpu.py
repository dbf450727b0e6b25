# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator against the CPU of its SoC: both measured, both exact, the table no more than their quotients."""

import numpy as np
import pytest
from rich.console import Console

from accel.errors import UserError
from bench import against_cpu
from bench.against_cpu import Pair, compare, cpu_table


def test_the_table_has_a_row_for_each_network_and_names_what_is_missing(monkeypatch, capsys):
    def missing():
        raise UserError("there is no such file")

    monkeypatch.setattr(against_cpu, "NETWORKS", {"one": lambda: ("network", ["image"]), "two": missing})
    monkeypatch.setattr(against_cpu, "compare", lambda network, image: Pair(network, 500_000, 2_000, 5_000_000))
    with Console(width=200).capture() as captured:
        Console(width=200).print(cpu_table())
    Console(width=200).print(cpu_table())
    text = captured.get() + capsys.readouterr().out
    row = next(line for line in text.splitlines() if "one" in line and "0.50" in line)
    assert "2,000" in row and "5,000,000" in row and "10.0" in row and "2,500" in row
    assert "two: there is no such file" in " ".join(text.split())


@pytest.mark.full
def test_digits_take_the_accelerator_less_than_a_hundredth_of_what_they_take_the_cpu():
    network, images = against_cpu.NETWORKS["digits"]()
    pair = compare(network, images[0])
    assert pair.macs == sum(network.macs(layer) for layer in network.layers)
    assert 3_000 < pair.accel < 20_000 and pair.cpu > 100 * pair.accel


@pytest.mark.full
def test_an_answer_that_is_not_the_references_has_no_figures(monkeypatch):
    network, images = against_cpu.NETWORKS["digits"]()
    expect = against_cpu.expect
    monkeypatch.setattr(against_cpu, "expect", lambda network, model, image: expect(network, model, np.roll(image, 3, axis=0)))
    with pytest.raises(UserError, match="digits is not exact: layer 'conv1"):
        compare(network, images[0])
