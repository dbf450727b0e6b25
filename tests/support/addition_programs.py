# SPDX-License-Identifier: BSD-2-Clause
"""Programs written by hand with additions in the drain, tables and operands that LOADs bring, and STOREs that copy into activation buffers."""

from dataclasses import dataclass, field

import numpy as np

from accel import isa
from accel.golden import Golden
from accel.registers import FILTER_WORDS, TABLE_WORDS
from firmware.inference import TIME_FIELDS
from tests.support.core_check import write_filters
from tests.support.core_harness import Core

ORIGIN = 0x4100_0000
LOADED, TABLES, COPIED, STORED = range(4)


def records(rng, count, shifts):
    """Return bytes of `count` parameter records without bias, their shifts from the range `shifts`."""
    return b"".join(np.array([0, rng.integers(1 << 30, 1 << 31)], "<i8").astype("<u4").tobytes() + bytes([rng.integers(*shifts) & 0xFF]) + bytes(7)
                    for _ in range(count))


@dataclass
class Program:
    """Grows by the methods below. `memory`: bytes from ORIGIN on; `words`: the program; the write window begins where `outputs` says."""

    config: object
    rng: object
    memory: bytearray = field(default_factory=bytearray)
    words: list = field(default_factory=list)
    stored: int = 0

    def put(self, data):
        """Append bytes at a multiple of the beat; returns their address."""
        beat = self.config.beat_bytes
        self.memory += bytes(-len(self.memory) % beat)
        address = ORIGIN + len(self.memory)
        self.memory += data
        return address

    def add(self, name, **values):
        """Append an instruction."""
        self.words.append(isa.encode(name, **values))

    def load_buffers(self, **sync):
        """Fill all buffers with one run of random bytes."""
        config = self.config
        self.add("LOAD_SHAPE", item_bytes=config.beat_bytes, item_step=1, row_step=1)
        address = self.put(self.rng.bytes(config.activation_bytes))
        self.add("LOAD", address=address, rows=1, length=config.activation_bytes, clusters=(1 << config.clusters) - 1, **sync)

    def load_tables(self, tables, **sync):
        """Set all words of the tables, in rows, perhaps in another order than that of the addresses."""
        rows = int(self.rng.choice([1, 2, 8]))
        size = 4 * TABLE_WORDS // rows
        self.add("LOAD_SHAPE", item_bytes=4, item_step=1, row_step=1, source_pitch=size)
        self.add("LOAD", address=self.put(np.asarray(tables, "<i4").tobytes()), rows=rows, length=size, target=2, **sync)

    def load_operands(self, beats, **sync):
        """Bring `beats` random beats: whole ones, or items of any size from any byte, wherever their destination would be."""
        beat, rng = self.config.beat_bytes, self.rng
        chunks = int(rng.integers(1, 4))
        size = beat if rng.integers(2) else (chunks - 1) * beat + int(rng.integers(1, beat + 1))
        chunks = -(-size // beat)
        if beats % chunks:
            size, chunks = beat, 1
        start = int(rng.integers(beat)) if size != beat else 0
        address = self.put(bytes(start) + rng.bytes(beats // chunks * size)) + start
        self.add("LOAD_SHAPE", item_bytes=size, item_step=int(rng.integers(-9, 9)), row_step=3)
        self.add("LOAD", address=address, rows=1, length=beats // chunks * size, destination=int(rng.integers(1 << 14)), target=1, **sync)

    def tile(self, pixels, adds, base, split=0, dynamic=0, filters=0, planes=0, kept=0, **sync):
        """A tile of 1 x 1 windows over one or two blocks from word `base` on; `pixels`: of each cluster; `kept`: CONVs before the last."""
        config, rng = self.config, self.rng
        blocks = int(rng.integers(1, 3))
        stream, sets = b"", config.clusters if split else 1
        for _ in range(kept + 1):
            for first in range(0, blocks, config.masks_per_header):
                masks = [int(rng.integers(1 << config.block_channels)) & int(rng.integers(1 << config.block_channels)) * int(rng.integers(4) > 0)
                         for _ in range(min(config.masks_per_header, blocks - first))]
                stream += sum(mask << config.block_channels * i for i, mask in enumerate(masks)).to_bytes(config.beat_bytes, "little")
                stream += rng.integers(-127, 128, sum(mask.bit_count() for mask in masks) * sets * config.columns).astype(np.int8).tobytes()
        stream += records(rng, config.columns * sets, (-9, -6)) + records(rng, config.requantise_lanes, (-22, -18)) * adds
        mask = {"filters": filters, "planes": planes, "whole": 1}
        self.add("WEIGHTS", address=self.put(stream), beats=len(stream) // config.beat_bytes, **mask)
        self.add("SHAPE", kernel_height=1, kernel_width=1, blocks=blocks, stride_y=1, stride_x=1, height=1, width=4095, output_width=4095,
                 zero_point=int(rng.integers(-128, 128)), split=split, dynamic=dynamic, first_block=0)
        self.add("WALK", pixel_step=config.block_channels)
        low, high = sorted(int(n) for n in rng.integers(-128, 128, 2)) if rng.integers(3) == 0 else (-128, 127)
        sum_low, sum_high = sorted(int(n) for n in rng.integers(-128, 128, 2)) if rng.integers(3) == 0 else (-128, 127)
        self.add("DRAIN", zero_point=int(rng.integers(-128, 128)), clamp_min=low, clamp_max=high, add=adds,
                 sum_zero_point=int(rng.integers(-128, 128)), sum_clamp_min=sum_low, sum_clamp_max=sum_high)
        if dynamic:
            for block in range(2):
                self.add("MASK", block=block, channels=int(rng.integers(1 << 32)))
        for c, count in enumerate(pixels):
            self.add("TILE", cluster=c, address=base * config.block_channels, pixels=count)
        for i in range(kept + 1):
            last, first = i == kept, i == 0
            self.add("CONV", pixels=max(1, *pixels), columns=config.columns * sets, accumulate=int(not first), keep=int(not last), **mask,
                     **{key: value for key, value in sync.items() if (first if key.startswith("wait") else last)})

    def store(self, beats, **values):
        """Store the next outputs behind those before."""
        self.add("STORE", address=self.outputs + self.stored * self.config.beat_bytes, beats=beats, **values)
        self.stored += beats

    def begin(self, outputs):
        """Begin the program, with room for so many beats of outputs."""
        self.outputs = self.put(bytes(outputs * self.config.beat_bytes))
        self.limit = ORIGIN + len(self.memory)
        self.add("BEGIN", isa_version=isa.ISA_VERSION, config_hash=self.config.hash)

    def end(self):
        """End the program; returns (memory, program's address, read window, write window)."""
        self.add("END")
        address = self.put(isa.to_bytes(self.words))
        self.memory += bytes(-len(self.memory) % 4096)
        return self.memory, address, (ORIGIN, ORIGIN + len(self.memory)), (self.outputs, self.limit)


def random_tables(rng):
    """Return TABLE_WORDS int32 words up to 2**27 on either side, the edges among them."""
    words = rng.integers(-(1 << 27), (1 << 27) + 1, TABLE_WORDS) >> int(rng.choice([0, 0, 3]))
    words[rng.random(TABLE_WORDS) < 0.1] = 1 << 27
    words[rng.random(TABLE_WORDS) < 0.1] = -(1 << 27)
    return words


def random_addition_program(seed, config, layers=3):
    """Return (Program, its filter words): layers of tiles, most of them with additions, most copied into the buffers and read from there."""
    rng = np.random.default_rng([seed, 77])
    program = Program(config, rng)
    filters = [int(word) for word in rng.integers(0, 1 << config.columns, FILTER_WORDS) * (rng.random(FILTER_WORDS) > 0.3)]
    most, words = config.tile_pixels, config.activation_words
    program.begin(outputs=layers * 6 * most * config.clusters + words)
    program.load_buffers(signal_a=isa.semaphore(LOADED))
    waits = {"wait_a": isa.semaphore(LOADED)}
    # The upper half of the buffers: copies, and at its end what is loaded while they are made.
    half, place, copied_base, scratch = words // 2, words // 2, None, 16
    for layer in range(layers):
        program.load_tables(random_tables(rng), signal_a=isa.semaphore(TABLES), **({"wait_a": isa.semaphore(STORED)} if layer else {}))
        waits["wait_b"] = isa.semaphore(TABLES)
        tiles = int(rng.integers(2, 6))
        kinds = [int(rng.integers(4) > 0) for _ in range(tiles)]
        stores, sum_of = [], 0
        for adds in kinds:
            dynamic, split = int(rng.integers(4) == 0), int(rng.integers(2))
            pixels = [int(n) for n in rng.integers(0, most + 1 - dynamic, config.clusters)]
            if rng.integers(3) == 0:
                pixels = [most - dynamic] * config.clusters
            if adds and sum(pixels):
                program.load_operands(sum(pixels))
            base = int(rng.integers(0, half - most - 2)) if copied_base is None else copied_base
            planes = int(rng.integers(2)) * (config.clusters if split else 1)
            program.tile(pixels, adds, base, split, dynamic, int(rng.integers(200)), planes, int(rng.integers(3) == 0), **waits)
            waits, copied_base = {}, None
            if sum(pixels):
                stores.append(sum(pixels))
            sum_of += sum(pixels)
            # Where the copy has room, it is read by the next tile: one plane of as many words as there are beats.
            if stores and rng.integers(2) and place + sum(stores) + most + 3 < words - scratch:
                program.store(sum(stores), copy_clusters=int(rng.integers(1, 1 << config.clusters)), copy_pitch=config.beats_per_word,
                              copy_destination=place * config.beats_per_word + int(rng.integers(config.beats_per_word)),
                              copy_signal=isa.semaphore(COPIED))
                copied_base, place, stores = place, place + sum(stores), []
                waits = {"wait_a": isa.semaphore(COPIED)}
                if rng.integers(2):
                    program.add("LOAD_SHAPE", item_bytes=config.beat_bytes, item_step=1, row_step=1)
                    program.add("LOAD", address=program.put(rng.bytes(scratch * config.beat_bytes)), rows=1, length=scratch * config.beat_bytes,
                                destination=(words - scratch) * config.beats_per_word, clusters=1)
            elif stores and rng.integers(2):
                program.store(sum(stores))
                stores = []
        if waits:
            program.tile([1] * config.clusters, 0, copied_base, **waits)
            waits, copied_base = {}, None
            stores.append(config.clusters)
        if not stores:
            program.tile([1] * config.clusters, 0, 0)
            stores.append(config.clusters)
        program.store(sum(stores), **({"signal_a": isa.semaphore(STORED)} if layer + 1 < layers else {}))
        program.add("LAYER", index=layer)
    return program, filters


def assert_program_is_exact(program, filters, seed, stall):
    """Run the program on golden model and core; memory, error and those record fields that do not depend on time must be the same, and the
    records' times must add up."""
    memory, address, read, write = program.end()
    expected, config = bytearray(memory), program.config
    golden = Golden(config, expected, ORIGIN, filters).run(list(program.words), read, write)
    case = f"{config.name}, seed {seed}, stall {stall}"
    assert golden.error == 0, f"{case}: the golden model stops with error {golden.error} at {golden.position}"
    with Core(config, memory, ORIGIN, seed, stall) as core:
        write_filters(core, filters or ())
        error, position, cycles = core.run(address, len(program.words), read, write)
        assert (error, position) == (0, 0), case
        assert core.dump() == bytes(expected), f"{case}: memory differs"
        end = 0
        for index, counters in golden.records.items():
            measured = core.record(index)
            assert {name: measured[name] for name in counters} == counters, f"{case}, layer {index}"
            assert sum(measured[name] for name in TIME_FIELDS) == measured["end"] - end, f"{case}, layer {index}: {measured}"
            end = measured["end"]
        assert end <= cycles, case
