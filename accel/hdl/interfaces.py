# SPDX-License-Identifier: BSD-2-Clause
"""Signal factories and the few bundles of signals that blocks pass to each other."""

from myhdl import Signal, intbv


def flag(value=False):
    """Return a one-bit signal."""
    return Signal(bool(value))


def unsigned(bits, value=0):
    """Return an unsigned signal of `bits` bits."""
    return Signal(intbv(value)[bits:])


def signed(bits, value=0):
    """Return a two's-complement signal of `bits` bits."""
    return Signal(intbv(value, min=-(1 << (bits - 1)), max=1 << (bits - 1)))


class Stream:
    """valid (source), ready (sink), data (source): a word moves in each cycle with both; valid and data hold until then."""

    def __init__(self, bits):
        self.valid = flag()
        self.ready = flag()
        self.data = unsigned(bits)


class InstructionStream:
    """A Stream of instruction words; `position` is the word's index in the program, for error reports."""

    def __init__(self):
        self.valid = flag()
        self.ready = flag()
        self.word = unsigned(128)
        self.position = unsigned(16)


class Fault:
    """An engine's error report: `valid` and the rest hold from the error until `clear`. The engine has stopped by then."""

    def __init__(self):
        self.valid = flag()
        self.code = unsigned(8)
        self.position = unsigned(16)
        self.detail = unsigned(32)


class BufferWrite:
    """One beat a cycle into the activation buffers: cluster c's where bit c of `clusters` is set; the address is in beats."""

    def __init__(self, config):
        self.enable = flag()
        self.clusters = unsigned(config.clusters)
        self.address = unsigned((config.activation_words * config.beats_per_word - 1).bit_length())
        self.data = unsigned(8 * config.beat_bytes)


class MaskWrite:
    """What a STORE measured: the channels that are on, bit k of `flags` for column k, in part `plane` of the dynamic mask; `first`: the part's
    other channels are off, else as before. The rest holds in the cycle of `enable` and the next one."""

    def __init__(self, config):
        self.enable = flag()
        self.first = flag()
        self.plane = unsigned(6)
        self.flags = unsigned(config.columns)


class OperandWrite:
    """Beats into the operand FIFO: the writer sets `reserve` while there is `room`, and a few cycles later `valid` with the beat's data."""

    def __init__(self, config):
        self.room = flag()
        self.reserve = flag()
        self.valid = flag()
        self.data = unsigned(8 * config.beat_bytes)


class TableWrite:
    """A word a cycle into the tables of all requantiser lanes."""

    def __init__(self):
        self.enable = flag()
        self.address = unsigned(9)
        self.data = unsigned(32)


class ReadRequest:
    """A run of whole beats to read: `address` is a multiple of the beat, `beats` at least 1; moves with valid and ready."""

    def __init__(self):
        self.valid = flag()
        self.ready = flag()
        self.address = unsigned(32)
        self.beats = unsigned(24)
        self.position = unsigned(16)


class Activity:
    """What the compute engine does, for the counters: `state` is one of the STATE_ numbers in each cycle, `macs` the products issued
    in it; `layer_end` is high for the one cycle in which it passes a LAYER or the end of the job, with that LAYER's `index`."""

    def __init__(self):
        self.state = unsigned(3)
        self.macs = unsigned(16)
        self.layer_end = flag()
        self.index = unsigned(6)


# The order is that of the record fields busy, stall_fetch, ... in accel/registers.py.
(STATE_BUSY, STATE_FETCH, STATE_WEIGHTS, STATE_ACTIVATIONS, STATE_DRAIN, STATE_STORE, STATE_SYNC) = range(7)
