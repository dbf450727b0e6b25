# SPDX-License-Identifier: BSD-2-Clause
"""The timing model of whole programs: what more work costs, what waits for what, programs that never end."""

import pytest

from accel import isa
from compiler.program import compile_network
from compiler.timing import Deadlock
from compiler.timing.compute import SUM_DELAY
from tests.support.networks import convolution
from tests.support.random_networks import random_network
from tests.support.timing_programs import CONFIG, DATA, OUTPUT, WRITTEN, convolve, cycles_of, load, one_layer, program, settings, store, stream, tiles


def test_more_pixels_never_take_fewer_cycles():
    cycles = [one_layer(pixels) for pixels in range(1, CONFIG.tile_pixels + 1)]
    assert cycles == sorted(cycles) and cycles[0] < cycles[-1]


def test_more_kernel_positions_never_take_fewer_cycles():
    cycles = [one_layer(pixels=16, taps=taps) for taps in range(1, 20)]
    assert cycles == sorted(cycles)
    assert cycles[18] - cycles[8] >= 10 * 8 * 16


def test_a_conv_waits_for_its_load_and_runs_ahead_without_the_semaphore():
    small, large = one_layer(beats=32), one_layer(beats=512)
    assert large >= small + 480
    data = stream()
    words = program(load(512), settings(), tiles(32), convolve(32, data, wait=0), store(32), 0)
    assert cycles_of(words, data)[0] < large - 300


def test_a_load_waits_for_the_store_before_it():
    data = stream()
    def two(wait):
        words = program(load(32), settings(), tiles(32), convolve(32, data), store(32, WRITTEN), 0,
                        load(32, address=OUTPUT, wait_a=wait), convolve(32, data), store(32), 1)
        return sum(cycles_of(words, data).values())
    assert two(WRITTEN) > two(0) + 100


def test_a_layer_ends_with_its_last_pixel_and_the_next_one_overlaps_its_drain():
    data = stream(taps=4)
    def ends(*between):
        words = program(load(64), settings(4), tiles(32, 32), convolve(32, data), store(64), *between,
                        convolve(32, data, wait=0), store(64), 1)
        return cycles_of(words, data)
    split, whole = ends(0), ends()
    assert abs(sum(split.values()) - whole[1]) < 60
    assert split[0] < 4 * 8 * 32 + 64 * 4


def test_an_addition_makes_the_drain_take_twice_as_long():
    data, more = stream(), stream(extra=CONFIG.requantise_lanes)
    plain = program(load(64), settings(), tiles(32, 32), convolve(32, data), store(64), 0)
    added = program(load(64), settings(drain={"add": 1}), tiles(32, 32), convolve(32, more), load(64, target=1, signal_a=0), store(64), 0)
    groups = CONFIG.columns // CONFIG.requantise_lanes
    assert cycles_of(added, more)[0] - cycles_of(plain, data)[0] == pytest.approx(64 * groups + SUM_DELAY, abs=8)


def test_a_copy_gives_its_semaphore_before_memory_has_answered():
    data = stream()
    def two(wait, **copy):
        words = program(load(32), settings(), tiles(32), convolve(32, data), store(32, WRITTEN, **copy), 0,
                        convolve(32, data, wait=wait), store(32), 1)
        return sum(cycles_of(words, data).values())
    copied = two(DATA, copy_clusters=3, copy_pitch=2, copy_signal=DATA)
    assert two(0) < copied < two(WRITTEN)


def test_channels_that_a_store_measures_count_as_on():
    data = stream(mask=0xFFFF)
    def two(mask, **measure):
        words = program(load(32), settings(), tiles(31), convolve(31, data), store(31, WRITTEN, **measure), 0,
                        [isa.encode("MASK", channels=mask)], settings(dynamic=1), convolve(31, data, wait=WRITTEN), store(31), 1)
        return cycles_of(words, data)[1]
    assert two(0xF0F0, measure=1) == two(0xFFFF) > two(0xF0F0)
    assert two(0xF0F0, measure=1, mask_plane=1) == two(0xF0F0)


def test_every_layer_of_a_random_network_takes_time():
    for seed in range(100, 106):
        model = compile_network(random_network(seed, CONFIG.columns, layers=3), CONFIG)
        for layer in model.layers:
            assert layer.cycles_predicted > 50, f"seed {seed}"


def test_a_layer_that_the_grid_limits_takes_little_more_than_its_steps():
    layer, = compile_network(convolution((16, 16), 64, 64), CONFIG).layers
    ideal = layer.macs / CONFIG.macs_per_cycle
    assert ideal <= layer.cycles_predicted < 1.2 * ideal


def test_pools_are_predicted_too():
    pool = compile_network(convolution((12, 12), 16, 16, planar=True), CONFIG).layers[0]
    assert pool.plan is None and pool.cycles_predicted > 12 * 12 * 4


@pytest.mark.parametrize("parts, sentence", [
    ((settings(), tiles(4), convolve(4, stream()), store(4), 0), r"instruction 7 \(CONV\) waits for semaphore 0"),
    ((load(4), settings(), tiles(4), convolve(4, stream()[16:]), store(4), 0), r"instruction 9 \(CONV\) waits for more beats of its weight stream"),
    ((load(4), settings(), tiles(4), convolve(4, stream()), store(5), 0), r"instruction 10 \(STORE\) waits for more beats in the output FIFO"),
    ((load(4, wait_a=WRITTEN), 0), r"instruction 2 \(LOAD\) waits for semaphore 1"),
])
def test_a_program_that_never_ends_is_refused_with_what_it_waits_for(parts, sentence):
    with pytest.raises(Deadlock, match=sentence):
        cycles_of(program(*parts), stream())


def test_an_unknown_opcode_is_refused():
    with pytest.raises(ValueError, match="instruction 1 has an unknown opcode"):
        cycles_of([isa.encode("BEGIN"), 63], b"")
