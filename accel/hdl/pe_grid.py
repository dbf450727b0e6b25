# SPDX-License-Identifier: BSD-2-Clause
"""The grid: clusters x columns x lanes int8 multiply-accumulates, with double-buffered weights and partial sums."""

from myhdl import always, always_comb, block, intbv

from accel.hdl.interfaces import flag, signed, unsigned

GRID_LATENCY = 3


def partial_sum_address_bits(config):
    """Bits of {bank, pixel}, the address of a partial sum in each column."""
    return (2 * config.tile_pixels - 1).bit_length()


@block
def take_byte(word, byte, number):
    """byte (out, signed 8) is byte `number` of word. Combinational."""
    low, high = 8 * number, 8 * number + 8

    @always_comb
    def route():
        byte.next = word[high:low].signed()

    return route


@block
def weight_lane(clk, enable, lane, weight, swap, activation, product, number):
    """One multiplier with its shadow and active weight; product (out, signed 16) of the activation of the cycle before."""
    shadow, active = signed(8), signed(8)

    @always(clk.posedge)
    def load():
        if enable and lane == number:
            shadow.next = weight
        if swap:
            active.next = shadow

    @always(clk.posedge)
    def multiply():
        product.next = activation * active

    return load, multiply


@block
def pe_column(clk, enable, lane, weight, swap, activations, valid, first, address, read_address, partial_sum, config):
    """One output channel of one cluster; valid, first and address are those of the cycle before last's activations."""
    lanes, depth, bits = config.lanes, 2 * config.tile_pixels, config.accumulator_bits
    products = [signed(16) for _ in range(lanes)]
    sums = [signed(bits) for _ in range(depth)]
    total, current = signed(16 + lanes.bit_length()), signed(bits)
    total_limit = 1 << (15 + lanes.bit_length())

    multipliers = [weight_lane(clk, enable, lane, weight, swap, activations[j], products[j], j) for j in range(lanes)]
    adder = add_products(clk, products, total, total_limit)

    @always_comb
    def look():
        current.next = sums[address]

    @always(clk.posedge)
    def accumulate():
        if valid:
            if first:
                sums[address].next = total
            else:
                sums[address].next = current + total

    @always(clk.posedge)
    def read():
        partial_sum.next = sums[read_address]

    return multipliers, adder, look, accumulate, read


@block
def add_products(clk, products, total, limit):
    """total (out) is the sum of the products of the cycle before."""
    lanes = len(products)

    @always(clk.posedge)
    def add():
        result = intbv(0, min=-limit, max=limit)
        for j in range(lanes):
            result[:] = result + products[j]
        total.next = result

    return add


@block
def cluster_grid(clk, enable, lane, weights, swap, word, valid, first, address, read_address, partial_sums, config):
    """The columns of one cluster. valid, first and address come with the activations in `word` and are delayed here to the sums."""
    activations = [signed(8) for _ in range(config.lanes)]
    valid_1, valid_2, first_1, first_2 = flag(), flag(), flag(), flag()
    address_1, address_2 = (unsigned(partial_sum_address_bits(config)) for _ in range(2))
    bytes_ = [take_byte(word, activations[j], j) for j in range(config.lanes)]
    columns = [
        pe_column(clk, enable, lane, weights[k], swap, activations, valid_2, first_2, address_2, read_address, partial_sums[k], config)
        for k in range(config.columns)]

    @always(clk.posedge)
    def follow():
        valid_1.next = valid
        valid_2.next = valid_1
        first_1.next = first
        first_2.next = first_1
        address_1.next = address
        address_2.next = address_1

    return bytes_, columns, follow


@block
def pe_grid(clk, weight_enable, weight_beat, weight_lane, swap, activations, pixel_valid, pixel, first, bank, read_address, partial_sums,
            config):
    """Multiplies weights and activations into partial sums; takes something new in every cycle, never stalls.

    weight_enable (in, list of `clusters` flags): write the beat into the cluster's shadow registers.
    weight_beat (in, unsigned 8 * columns): byte k is column k's int8 weight. weight_lane (in): the lane that the beat is for.
    swap (in, flag): from the next cycle on the shadow weights are active; a beat written in the same cycle stays in the shadow. Lanes that
        a step does not use may keep old weights: their activation is then 0.
    activations (in, list of `clusters` unsigned 8 * lanes): byte j is the int8 activation of lane j.
    pixel_valid (in, list of `clusters` flags): the cluster has a pixel in this cycle, `pixel` (in) its number, which names its partial sums.
    first (in, flag): overwrite the partial sums instead of adding. bank (in, flag): the bank of partial sums to accumulate in.
    read_address (in, unsigned partial_sum_address_bits(config)): {bank, pixel} to read.
    partial_sums (out, list of `clusters` lists of `columns` signed accumulator_bits): the partial sums at the read_address of the cycle
        before. A pixel put in at cycle t is in what a read address of cycle t + GRID_LATENCY or later gives.
    A partial sum beyond `accumulator_bits` is an error of the program: it raises in simulation and wraps in hardware.
    """
    weights = [signed(8) for _ in range(config.columns)]
    address = unsigned(partial_sum_address_bits(config))
    pixels = config.tile_pixels
    bytes_ = [take_byte(weight_beat, weights[k], k) for k in range(config.columns)]
    clusters = [
        cluster_grid(clk, weight_enable[c], weight_lane, weights, swap, activations[c], pixel_valid[c], first, address, read_address,
                     partial_sums[c], config)
        for c in range(config.clusters)]

    @always_comb
    def name():
        address.next = pixel
        if bank:
            address.next = pixel + pixels

    return bytes_, clusters, name
