# SPDX-License-Identifier: BSD-2-Clause
"""Hand-written programs of 1x1 convolutions for the timing model, with their weight streams."""

from accel import isa
from accel.config import CONFIGS
from compiler.timing import predict_cycles

CONFIG = CONFIGS["arty-35"]
BASE, DATA, WRITTEN = 0x4100_0000, isa.semaphore(0), isa.semaphore(1)
STREAM, INPUT, OUTPUT = BASE, BASE + 0x1_0000, BASE + 0x2_0000
CHANNELS = 32


def stream(taps=1, mask=(1 << CHANNELS) - 1, extra=0):
    """Return the bytes of a tile's stream of one block: its masks, weights and the parameters, `extra` records more."""
    beats = mask.bit_count() * taps + CONFIG.columns + extra
    return mask.to_bytes(CONFIG.beat_bytes, "little") + bytes(beats * CONFIG.beat_bytes)


def settings(taps=1, drain=None, **shape):
    """Return the words of SHAPE, WALK and DRAIN."""
    fields = {"kernel_height": taps, "kernel_width": 1, "blocks": 1, "stride_y": 1, "stride_x": 1, "height": 64, "width": 32, "output_width": 32}
    return [isa.encode("SHAPE", **fields, **shape), isa.encode("WALK", pixel_step=32, row_step=32),
            isa.encode("DRAIN", clamp_min=-128, clamp_max=127, **(drain or {}))]


def load(beats, **fields):
    """Return the words of a LOAD of `beats` beats."""
    values = {"address": INPUT, "rows": 1, "length": beats * CONFIG.beat_bytes, "clusters": 3, "signal_a": DATA, **fields}
    return [isa.encode("LOAD_SHAPE", item_bytes=16, item_step=2), isa.encode("LOAD", **values)]


def tiles(pixels, others=0):
    """Return the words of TILE: cluster 0 has `pixels`, the others `others`."""
    return [isa.encode("TILE", cluster=c, pixels=others if c else pixels) for c in range(CONFIG.clusters)]


def convolve(pixels, data, wait=DATA, signal=0):
    """Return the words of WEIGHTS for the stream `data` and its CONV."""
    return [isa.encode("WEIGHTS", address=STREAM, beats=len(data) // CONFIG.beat_bytes),
            isa.encode("CONV", pixels=pixels, columns=16, wait_a=wait, signal_a=signal)]


def store(beats, signal=0, **fields):
    """Return the word of a STORE."""
    return [isa.encode("STORE", address=OUTPUT, beats=beats, signal_a=signal, **fields)]


def program(*parts):
    """Return the words of a program of `parts`, lists of words; an int stands for LAYER with this index."""
    words = [isa.encode("BEGIN", isa_version=isa.ISA_VERSION, config_hash=CONFIG.hash)]
    for part in parts:
        words += [isa.encode("LAYER", index=part)] if isinstance(part, int) else part
    return [*words, isa.encode("END")]


def cycles_of(words, data):
    """Return {record: cycles} of a program whose stream is `data`."""
    return predict_cycles(CONFIG, words, BASE + 0x8000, data, BASE)


def one_layer(pixels=32, taps=1, beats=64, drain=None):
    """Return the cycles of a layer of one tile: a load of `beats` beats, a CONV of `taps` kernel positions, a STORE."""
    data = stream(taps)
    words = program(load(beats), settings(taps, drain), tiles(pixels), convolve(pixels, data), store(pixels), 0)
    return cycles_of(words, data)[0]
