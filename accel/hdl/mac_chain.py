# SPDX-License-Identifier: BSD-2-Clause
"""Multipliers in a chain: one gives the products of one or two weights with an activation and adds those of the lanes before it.

Two weights w0 and w1 share a multiplier as (w1 << 17) + w0: the sum of four products with w0 is within +-(2^16 - 1), so the low 17 bits of
the total are that sum, and where it is negative the bits above are one less than the sum with w1.
"""

from myhdl import always, always_comb, block, concat

from accel.hdl.interfaces import signed, unsigned

# Lanes in a chain; the sums of more would not fit LOW_BITS.
CHAIN_LANES = 4
LOW_BITS = 17
# From the activations to the sums, without the cycle for each lane of a chain.
MULTIPLIER_LATENCY = 2


def operand_bits(config):
    """Bits of the weights that a multiplier holds."""
    return 8 if config.macs_per_multiplier == 1 else LOW_BITS + 8


def chain_latency(config):
    """Cycles from the first lane's activation to the sums of all lanes."""
    chains = -(-config.lanes // CHAIN_LANES)
    return MULTIPLIER_LATENCY + min(config.lanes, CHAIN_LANES) + chains - 1


def term_bits(config):
    """Bits of a column's sum over the lanes."""
    return 16 + (config.lanes - 1).bit_length()


@block
def keep_weight(clk, weight, operand):
    """operand (out, signed 8) is weight of the cycle before."""

    @always(clk.posedge)
    def register():
        operand.next = weight

    return register


@block
def pack_weights(clk, low, high, operand):
    """operand (out, signed 25) is (high << 17) + low of the cycle before; |high| <= 127."""
    minus, top, packed = signed(1), signed(9), unsigned(LOW_BITS + 8)
    bits = LOW_BITS + 8

    @always_comb
    def take_sign():
        minus.next = low[8:7].signed()

    @always_comb
    def add_sign():
        top.next = high + minus

    @always_comb
    def join():
        packed.next = concat(top[8:], low[7], low[7], low[7], low[7], low[7], low[7], low[7], low[7], low[7], low[8:])

    @always(clk.posedge)
    def register():
        operand.next = packed[bits:].signed()

    return take_sign, add_sign, join, register


@block
def multiplier(clk, load, operand, swap, activation, product):
    """product (out) of the activation of two cycles ago and of the active weight; swap makes the shadow weight active, load replaces that."""
    shadow, active, held = signed(len(operand)), signed(len(operand)), signed(8)

    # Nothing but registers of the same clock between ports and product, so that synthesis can use those inside the multiplier.
    @always(clk.posedge)
    def hold():
        if load:
            shadow.next = operand
        if swap:
            active.next = shadow
        held.next = activation

    @always(clk.posedge)
    def multiply():
        product.next = held * active

    return hold, multiply


@block
def begin_chain(clk, product, total):
    """total (out) is product of the cycle before."""

    @always(clk.posedge)
    def register():
        total.next = product

    return register


@block
def add_to_chain(clk, product, before, total):
    """total (out) is product + before of the cycle before."""

    @always(clk.posedge)
    def add():
        total.next = product + before

    return add


@block
def mac_chain(clk, loads, operand, swaps, activations, total):
    """total (out) is the sum of the lanes' products. Lane j is j cycles later than lane 0: swaps and activations come so."""
    lanes, bits = len(loads), len(total)
    products = [signed(len(operand) + 8) for _ in range(lanes)]
    totals = [signed(bits) for _ in range(lanes - 1)] + [total]
    multipliers = [multiplier(clk, loads[j], operand, swaps[j], activations[j], products[j]) for j in range(lanes)]
    # A total has no other user than the next lane, so that synthesis can pass it from multiplier to multiplier without fabric.
    begin = begin_chain(clk, products[0], totals[0])
    adders = [add_to_chain(clk, products[j], totals[j - 1], totals[j]) for j in range(1, lanes)]
    return multipliers, begin, adders


@block
def split_total(total, low, high, carry):
    """low (out) is the sum with the low weights, high + carry (out) that with the high weights. Combinational."""
    low_bits, bits = LOW_BITS, len(total)

    @always_comb
    def route():
        low.next = total[low_bits:].signed()
        high.next = total[bits:low_bits].signed()
        carry.next = total[low_bits - 1]

    return route


@block
def route_total(total, term):
    """term (out) is total. Combinational."""

    @always_comb
    def route():
        term.next = total

    return route


@block
def add_chains(clk, first, second, term):
    """term (out) is first + second of the cycle before."""

    @always(clk.posedge)
    def add():
        term.next = first + second

    return add


@block
def mac_columns(clk, loads, operand, swaps, activations, terms, carry, config):
    """The multipliers of macs_per_multiplier columns of one cluster.

    operand (in, signed operand_bits(config)): the columns' weights, for the lanes with loads (in, list of `lanes` flags).
    swaps, activations (in, lists of `lanes`): those of lane j are j % CHAIN_LANES cycles later than those of lane 0.
    terms (out, list of signed term_bits(config)): each column's sum over the lanes, chain_latency(config) cycles after lane 0's activations.
    carry (out, flag): to add to the second column's term.
    """
    lanes, starts = config.lanes, range(0, config.lanes, CHAIN_LANES)
    totals = [signed(operand_bits(config) + 8 + (min(lanes, CHAIN_LANES) - 1).bit_length()) for _ in starts]
    chains = [mac_chain(clk, loads[low:low + CHAIN_LANES], operand, swaps[low:low + CHAIN_LANES], activations[low:low + CHAIN_LANES],
                        totals[i]) for i, low in enumerate(starts)]
    if config.macs_per_multiplier == 2:
        ends = split_total(totals[0], terms[0], terms[1], carry)
    elif len(totals) == 2:
        ends = add_chains(clk, totals[0], totals[1], terms[0])
    else:
        ends = route_total(totals[0], terms[0])
    return chains, ends
