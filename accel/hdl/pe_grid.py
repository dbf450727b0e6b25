# SPDX-License-Identifier: BSD-2-Clause
"""The grid: clusters x columns x lanes int8 multiply-accumulates, with double-buffered weights and partial sums."""

from myhdl import always, always_comb, block, intbv

from accel.hdl.delay import delay
from accel.hdl.depthwise import LANES as OWN_LANES
from accel.hdl.depthwise import pair_activations
from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.mac_chain import CHAIN_LANES, chain_latency, keep_weight, mac_columns, operand_bits, pack_weights, term_bits
from accel.hdl.pe_column import BankControl, control_bank, pe_column

# The latency of the most lanes; fewer lanes are earlier.
GRID_LATENCY = 7
READ_LATENCY = 2


def no_group(config):
    """The number of no group of columns, whose partial sums read as 0: the first even one behind all of them."""
    return (config.clusters * config.columns // config.requantise_lanes + 1) // 2 * 2


def read_group_bits(config):
    """Bits of the number of a group of columns of all clusters, or of none."""
    return no_group(config).bit_length()


@block
def take_byte(word, byte, number):
    """byte (out, signed 8) is byte `number` of word. Combinational."""
    low, high = 8 * number, 8 * number + 8

    @always_comb
    def route():
        byte.next = word[high:low].signed()

    return route


@block
def select_lane(clk, enable, lane, load, number):
    """load (out, flag): in the cycle before, `enable` came with lane `number`."""

    @always(clk.posedge)
    def select():
        load.next = enable and lane == number

    return select


@block
def choose_of_four(clk, number, candidates, chosen, part):
    """chosen (out, signed) is candidates[number % 4] of the cycle before, but 0 where number // 4 is not `part`."""

    @always(clk.posedge)
    def select():
        chosen.next = 0
        if number >> 2 == part:
            chosen.next = candidates[number & 3]

    return select


@block
def choose_sum(clk, number, candidates, chosen):
    """chosen (out, signed) is candidates[number] of the cycle before."""
    parts = range(0, len(candidates), 4)
    chosen_parts = [signed(len(chosen)) for _ in parts]
    choices = [choose_of_four(clk, number, candidates[low:low + 4], chosen_parts[i], i) for i, low in enumerate(parts)]
    return choices, join_parts(chosen_parts, chosen)


@block
def join_parts(parts, chosen):
    """chosen (out) is that one of the parts which is not 0. Combinational: it goes into the LUTs of the reader's first adder."""
    count, bits = len(parts), len(chosen)

    @always_comb
    def join():
        merged = intbv(0)[bits:]
        for i in range(count):
            merged[:] = merged | parts[i][bits:]
        chosen.next = merged.signed()

    return join


@block
def cluster_grid(clk, enable, lane, operands, swaps, word, own, valid, pixel, first, bank, read_pixel, values, config):
    """The columns of one cluster.

    enable, lane: of the cycle before `operands`. word: the activations, own: as in pe_grid. valid, pixel, first and bank come
    chain_latency(config) - 1 cycles after theirs. values (out, list of `columns` lists of 2): the sums of read_pixel (in) of the cycle before
    in each bank.
    """
    macs, lanes = config.macs_per_multiplier, config.lanes
    loads = [flag() for _ in range(lanes)]
    activations, skewed = [signed(8) for _ in range(lanes)], [signed(8) for _ in range(lanes)]
    pairs = [[signed(8) for _ in range(OWN_LANES)] for _ in range(config.columns // 2)]
    terms, carries = [signed(term_bits(config)) for _ in range(config.columns)], [flag() for _ in operands]
    controls, write_address = [BankControl(config) for _ in range(2)], unsigned(len(pixel))
    load_lanes = [select_lane(clk, enable, lane, loads[j], j) for j in range(lanes)]
    bytes_ = [take_byte(word, activations[j], j) for j in range(lanes)]
    skews = [delay(clk, activations[j], skewed[j], j % CHAIN_LANES) for j in range(lanes)]
    chosen = pair_activations(skewed, own, pairs)
    multipliers = [mac_columns(clk, loads, operands[p], swaps, pairs[p * macs // 2] + skewed[OWN_LANES:], terms[p * macs:(p + 1) * macs],
                               carries[p], config) for p in range(len(operands))]
    control = [control_bank(clk, b, valid, pixel, first, bank, read_pixel, controls[b]) for b in range(2)]
    columns = [pe_column(clk, controls, write_address, terms[k], carries[k // 2] if macs == 2 and k % 2 else None, values[k], config)
               for k in range(config.columns)]
    return load_lanes, bytes_, skews, chosen, multipliers, control, columns, delay(clk, pixel, write_address, 1)


@block
def read_sums(clk, read_bank, read_group, values, sums, config):
    """sums (out): those of read_bank and read_group (in) of READ_LATENCY cycles ago; values (in): those of all columns, a cycle later."""
    lanes, columns = config.requantise_lanes, config.columns
    number, number_1 = unsigned(len(read_group) + 1), unsigned(len(read_group) + 1)

    @always_comb
    def join():
        number.next = (read_group << 1) | read_bank

    choices = [
        choose_sum(clk, number_1, [values[c][k][b] for c in range(config.clusters) for k in range(j, columns, lanes) for b in range(2)], sums[j])
        for j in range(lanes)]
    return join, delay(clk, number, number_1, READ_LATENCY - 1), choices


@block
def pe_grid(clk, weight_enable, weight_beat, weight_lane, swap, activations, own, pixel_valid, pixel, first, bank, read_bank, read_pixel,
            read_group, sums, config):
    """Multiplies weights and activations into partial sums; takes something new in every cycle, never stalls.

    weight_enable (in, list of `clusters` flags): write the beat into the cluster's shadow registers.
    weight_beat (in, unsigned 8 * columns): byte k is column k's int8 weight, not -128 where macs_per_multiplier is 2.
    weight_lane (in): the lane that the beat is for. The lanes of a step come in ascending order from 0: lane j of the step after a swap comes
        at the earliest j cycles after that swap.
    swap (in, flag): from the next cycle on the shadow weights are active; a beat written in the same cycle stays in the shadow. Lanes that
        a step does not use may keep old weights: their activation is then 0.
    activations (in, list of `clusters` unsigned 8 * lanes): byte j is the int8 activation of lane j.
    own (in, list of `clusters` OwnBytes): what the columns of a depthwise step multiply instead; lane 1's a cycle after `activations`.
    pixel_valid (in, list of `clusters` flags): the cluster has a pixel in this cycle, `pixel` (in) its number, which names its partial sums.
    first (in, flag): overwrite the partial sums instead of adding. bank (in, flag): the bank of partial sums to accumulate in.
    read_bank (in, flag), read_pixel (in, unsigned), read_group (in, unsigned read_group_bits(config)): what to read, in any order. Group
        cluster * (columns / requantise_lanes) + g holds the columns g * requantise_lanes + j; no_group(config) holds zeros.
    sums (out, list of `requantise_lanes` signed accumulator_bits): the partial sums of READ_LATENCY cycles ago's address. A pixel put in at
        cycle t is in what an address of cycle t + GRID_LATENCY or later reads. From the first pixel of a bank until then nothing is read
        there: what comes out is another pixel's.
    A partial sum beyond `accumulator_bits` is an error of the program: it raises in simulation and wraps in hardware.
    """
    clusters, columns, lanes, macs = config.clusters, config.columns, config.lanes, config.macs_per_multiplier
    weights = [signed(8) for _ in range(columns)]
    operands = [signed(operand_bits(config)) for _ in range(columns // macs)]
    swaps, valid = [flag() for _ in range(lanes)], [flag() for _ in range(clusters)]
    pixel_late, first_late, bank_late = unsigned(len(pixel)), flag(), flag()
    values = [[[signed(config.accumulator_bits) for _ in range(2)] for _ in range(columns)] for _ in range(clusters)]
    late = chain_latency(config) - 1
    bytes_ = [take_byte(weight_beat, weights[k], k) for k in range(columns)]
    packed = [pack_weights(clk, weights[2 * p], weights[2 * p + 1], operands[p]) if macs == 2 else keep_weight(clk, weights[p], operands[p])
              for p in range(columns // macs)]
    delays = [delay(clk, pixel, pixel_late, late), delay(clk, first, first_late, late), delay(clk, bank, bank_late, late),
              [delay(clk, pixel_valid[c], valid[c], late) for c in range(clusters)],
              [delay(clk, swap, swaps[j], 1 + j % CHAIN_LANES) for j in range(lanes)]]
    grids = [
        cluster_grid(clk, weight_enable[c], weight_lane, operands, swaps, activations[c], own[c], valid[c], pixel_late, first_late, bank_late,
                     read_pixel, values[c], config)
        for c in range(clusters)]
    return bytes_, packed, delays, grids, read_sums(clk, read_bank, read_group, values, sums, config)
