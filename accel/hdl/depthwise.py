# SPDX-License-Identifier: BSD-2-Clause
"""Depthwise steps: each pair of columns multiplies two bytes of its own, instead of the activations that all columns share."""

from myhdl import always, always_comb, block, ConcatSignal

from accel.hdl.delay import delay
from accel.hdl.interfaces import flag, unsigned

# Lanes that have bytes of their own: the even columns' bytes are on the first, the odd ones' on the second.
LANES = 2


class OwnBytes:
    """A cluster's bytes of a pixel: `bytes[lane][plane]` are the bytes 2p + lane of that plane of the activation word, pair p's in bits
    8p to 8p + 7; where `chosen[lane][plane]` is set, at most in one plane, the columns take them on that lane."""

    def __init__(self, config):
        planes = range(config.beats_per_word)
        self.bytes = [[unsigned(4 * config.columns) for _ in planes] for _ in range(LANES)]
        self.chosen = [[flag() for _ in planes] for _ in range(LANES)]


@block
def plane_follower(clk, place, high, config):
    """high (out, flag): the address of the cycle before lies in the second half of a word. place (in, Place)."""
    top, planes = len(place.rotate) - 1, config.beats_per_word

    @always(clk.posedge)
    def follow():
        high.next = planes == 2 and place.rotate[top]

    return follow


@block
def choose_plane(clk, depthwise, taken, outside, high, chosen, plane):
    """chosen (out, flag): in the cycle before, the lane was `taken` in a depthwise step inside the map, and its beat was in `plane`."""

    @always(clk.posedge)
    def choose():
        chosen.next = depthwise and taken and not outside and high == plane

    return choose


@block
def keep_bytes(clk, depthwise, source, part):
    """part (out) is source of the cycle before, 0 where depthwise (in, flag) was not set."""

    # The reset costs nothing; it lets the line behind rest in other layers, and keeps synthesis from making it out of look-up tables.
    @always(clk.posedge)
    def keep():
        part.next = source
        if not depthwise:
            part.next = 0

    return keep


@block
def own_bytes(clk, word, place, outside, depthwise, lanes, own, config):
    """own (out, OwnBytes): two cycles after word (in, unsigned 8 * block_channels), those of lane 1 three cycles.

    place (in, Place): a cycle before its word. outside (in, flag): the pixel's place is outside the map. depthwise (in, flag): of the step;
    lanes (in, unsigned): those that it uses. A lane that is not used or outside the map keeps the common activation: 0, or the zero point.
    """
    blocks, high = [], flag()
    for lane in range(LANES):
        for plane in range(config.beats_per_word):
            first = config.columns * plane + lane
            bytes_ = [word(8 * k + 8, 8 * k) for k in range(first, first + config.columns, 2)]
            part, chosen = unsigned(4 * config.columns), flag()
            blocks += [
                keep_bytes(clk, depthwise, ConcatSignal(*reversed(bytes_)), part), delay(clk, part, own.bytes[lane][plane], 1 + lane),
                choose_plane(clk, depthwise, lanes(lane), outside, high, chosen, plane), delay(clk, chosen, own.chosen[lane][plane], 1 + lane)]
    return blocks, plane_follower(clk, place, high, config)


@block
def pair_activation(common, own_bytes_, chosen, pair, activation):
    """activation (out, signed 8) is pair number `pair` of the plane that is chosen, else common (in, signed 8). Combinational.

    own_bytes_, chosen (in, lists): a lane's bytes and flags of OwnBytes.
    """
    low, high = 8 * pair, 8 * pair + 8
    first, last, first_chosen, last_chosen = own_bytes_[0], own_bytes_[-1], chosen[0], chosen[-1]
    two_planes = len(chosen) == 2

    if two_planes:
        @always_comb
        def choose():
            activation.next = common
            if first_chosen:
                activation.next = first[high:low].signed()
            elif last_chosen:
                activation.next = last[high:low].signed()
    else:
        @always_comb
        def choose():
            activation.next = common
            if first_chosen:
                activation.next = first[high:low].signed()

    return choose


@block
def pair_activations(common, own, activations):
    """activations (out, list of pairs of signed 8): what each pair of columns multiplies on the lanes 0 and 1. Combinational.

    common (in, list of signed 8): the activations of all lanes. own (in, OwnBytes). Both have lane 1 a cycle later than lane 0.
    """
    return [pair_activation(common[lane], own.bytes[lane], own.chosen[lane], p, pair[lane])
            for p, pair in enumerate(activations) for lane in range(LANES)]
