# SPDX-License-Identifier: BSD-2-Clause
"""The checker of the core's AXI port accepts right traces and names the rule that a wrong one breaks."""

import pytest

from tests.support.axi_script import compile_checker, first_broken_rule


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return compile_checker(tmp_path_factory.mktemp("checker"))


def ask(channel, ready=1, address=0x100, length=1, size=2, burst=1):
    return {f"{channel}.valid": 1, f"{channel}.ready": ready, f"{channel}.address": address, f"{channel}.length": length, f"{channel}.size": size,
            f"{channel}.burst": burst}


def beat(last, ready=1, data=b"abcd", strobes=15):
    return {"w_valid": 1, "w_ready": ready, "w_last": last, "w_data": data, "w_strobes": strobes}


def answer(last, ready=1, response=0):
    return {"r_valid": 1, "r_ready": ready, "r_last": last, "r_response": response}


DONE = {"b_valid": 1, "b_ready": 1}
READ = [ask("ar", ready=0), ask("ar"), {}, answer(0), answer(1, ready=0), answer(1)]
WRITE = [{**ask("aw", ready=0), **beat(0, ready=0)}, {**ask("aw"), **beat(0)}, beat(1, ready=0), beat(1), {}, DONE]
DATA_FIRST = [{**ask("aw", ready=0), **beat(0)}, {**ask("aw", ready=0), **beat(1)}, ask("aw"), DONE]
TWO_WRITES = [ask("aw"), {**ask("aw", address=0x200, length=0), **beat(0)}, beat(1), beat(1), DONE, DONE]


@pytest.mark.parametrize("trace", [READ, WRITE, DATA_FIRST, TWO_WRITES, READ + WRITE, [ask("ar", address=0xFF8), answer(0), answer(1)]])
def test_a_right_trace_breaks_nothing(library, trace):
    assert first_broken_rule(library, trace) == ""


@pytest.mark.parametrize(("trace", "rule"), [
    ([ask("ar", ready=0), {}], "ARVALID fell"),
    ([ask("aw", ready=0), {}], "AWVALID fell"),
    ([ask("ar", ready=0), ask("ar", address=0x104)], "AR changed"),
    ([ask("ar", ready=0), ask("ar", length=2)], "AR changed"),
    ([ask("aw", ready=0), ask("aw", size=1)], "AW changed"),
    ([ask("aw", ready=0), ask("aw", burst=0)], "AW changed"),
    ([{**ask("aw"), **beat(0, ready=0)}, {}], "WVALID fell"),
    ([{**ask("aw"), **beat(0, ready=0)}, beat(0, data=b"abce")], "W changed"),
    ([{**ask("aw"), **beat(0, ready=0)}, beat(0, strobes=7)], "W changed"),
    ([{**ask("aw"), **beat(0, ready=0)}, beat(1)], "W changed"),
    ([{**ask("aw"), **beat(0, strobes=7)}], "WSTRB"),
    ([{**ask("aw"), **beat(1)}], "WLAST"),
    ([ask("aw"), beat(0), beat(0)], "WLAST"),
    ([beat(0)], "W before its AW"),
    ([ask("aw", length=0), beat(1), beat(0)], "W before its AW"),
    ([ask("ar", address=0x102)], "multiple of the beat"),
    ([ask("ar", address=0xFFC)], "4 KiB"),
    ([ask("aw", address=0xFF8, length=2)], "4 KiB"),
    ([ask("ar", size=3)], "size"),
    ([ask("aw", burst=2)], "INCR"),
    ([ask("ar", length=0), answer(0)], "RLAST"),
    ([answer(1)], "R without AR"),
    ([DONE], "B without a write"),
    ([{**ask("aw"), **beat(0)}, DONE], "B without a write"),
    ([ask("ar"), *[answer(0, ready=0)] * 100], "R is not taken"),
    ([*WRITE[:-1], *[{"b_valid": 1}] * 100], "B is not taken"),
    (READ[:-1], "ended with a read"),
    (WRITE[:-3], "ended with a write"),
    (WRITE[:-1], "before all writes were answered"),
    ([ask("aw")], "ended with a write"),
    ([ask("ar", length=0), answer(1, response=2), *[{}] * 100, ask("ar", length=0), answer(1)], "long after an answer with an error"),
])
def test_a_wrong_trace_breaks_the_rule(library, trace, rule):
    assert rule in first_broken_rule(library, trace)


@pytest.mark.parametrize("request_", [ask("ar", length=0), ask("aw", length=0), {**ask("aw"), **beat(0)}])
def test_nothing_may_be_asked_without_a_job(library, request_):
    assert "without a job" in first_broken_rule(library, [request_], job=False)


@pytest.mark.parametrize("address", [0xFC, 0x1FC, 0x200])
@pytest.mark.parametrize("channel", ["ar", "aw"])
def test_a_burst_must_lie_in_its_own_window(library, channel, address):
    window, other = (0x100, 0x200), (0, 0x1000)
    windows = (window, other) if channel == "ar" else (other, window)
    assert "window" in first_broken_rule(library, [ask(channel, address=address)], windows=windows, ended=False)
    assert first_broken_rule(library, [ask(channel, address=0x1F8)], windows=windows, ended=False) == ""


def test_a_wide_beat_is_compared_to_its_last_byte(library):
    wide = {**ask("aw", address=0x100, size=4), **beat(0, ready=0, data=bytes(16), strobes=0xFFFF)}
    assert "W changed" in first_broken_rule(library, [wide, {**wide, "w_data": bytes(15) + b"x"}], beat_bytes=16)
