# SPDX-License-Identifier: BSD-2-Clause
"""Checks the program's frame and hands each instruction to its engine's queue, in order."""

from myhdl import always, always_comb, block, concat

from accel import isa
from accel.hdl.fields import span
from accel.hdl.filter_memory import void_check
from accel.hdl.interfaces import flag, unsigned
from accel.registers import ERROR_CODES, RECORDS

LOAD_CODES = tuple(row.opcode for row in isa.TABLE if row.engine == "load")
COMPUTE_CODES = tuple(row.opcode for row in isa.TABLE if row.engine == "compute")


@block
def dispatch(clk, clear, instructions, exhausted, length, stop, filter_address, filter_data, queues, ended, end_position, layer, fault, config):
    """Takes instructions (in, InstructionStream) in two cycles each, those with a filter mask a few later; queues (out, four Streams of
    {position, word}): load, weights, compute, store.

    filter_address (out), filter_data (in, two cycles later): the run-time filter mask, which decides on CONV's and WEIGHTS' `void`.

    exhausted (in, flag): the program has no more instructions. stop (in, flag): hand out nothing more.
    ended (out, flag): END was reached, at end_position (out). layer (out, flag): a LAYER was handed out.
    fault (out, Fault): BAD_OPCODE, NO_BEGIN, BAD_VERSION, BAD_CONFIG, BAD_FIELD.
    """
    op, code = isa.OPCODES, ERROR_CODES
    begin, end, layer_code, weights_code, store_code = op.BEGIN, op.END, op.LAYER, op.WEIGHTS, op.STORE
    load_low, load_high = min(LOAD_CODES), max(LOAD_CODES)
    compute_low, compute_high = min(COMPUTE_CODES), max(COMPUTE_CODES)
    bad_opcode, no_begin, bad_version, bad_config, bad_field = (
        code.BAD_OPCODE, code.NO_BEGIN, code.BAD_VERSION, code.BAD_CONFIG, code.BAD_FIELD)
    version_field, hash_field = isa.BY_NAME["BEGIN"].fields
    version_low, version_high = version_field.low, version_field.low + version_field.bits
    hash_low, hash_high = hash_field.low, hash_field.low + hash_field.bits
    index_field = isa.BY_NAME["LAYER"].fields[0]
    index_low, index_high = index_field.low, index_field.low + index_field.bits
    isa_version, config_hash, records = isa.ISA_VERSION, config.hash, RECORDS
    opcode_bits = isa.OPCODE.bits
    load, weights, compute, store = queues
    word, position = instructions.word, instructions.position
    to_load, to_weights, to_compute, to_store, is_layer, is_end, looked, room, act = (flag() for _ in range(9))
    error, detail, hold = unsigned(8), unsigned(32), unsigned(3)
    opcode = unsigned(opcode_bits)
    conv_code, void_bit = op.CONV, span("CONV", "void")[1]
    has_filters, checked, void, marked = flag(), flag(), flag(), unsigned(128)
    check = void_check(clk, instructions.valid, act, word, filter_address, filter_data, checked, void)

    @always_comb
    def take_opcode():
        opcode.next = word[opcode_bits:]

    @always(clk.posedge)
    def look():
        looked.next = instructions.valid and not act and not ended
        is_layer.next = opcode == layer_code
        is_end.next = opcode == end
        has_filters.next = opcode == conv_code or opcode == weights_code
        to_load.next = opcode == layer_code or (opcode >= load_low and opcode <= load_high)
        to_weights.next = opcode == layer_code or opcode == weights_code
        to_compute.next = opcode == layer_code or (opcode >= compute_low and opcode <= compute_high)
        to_store.next = opcode == layer_code or opcode == store_code
        error.next = 0
        detail.next = 0
        if position == 0 and opcode != begin:
            error.next = no_begin
        elif opcode == begin:
            if position != 0:
                error.next = no_begin
            elif word[version_high:version_low] != isa_version:
                error.next = bad_version
                detail.next = word[version_high:version_low]
            elif word[hash_high:hash_low] != config_hash:
                error.next = bad_config
                detail.next = word[hash_high:hash_low]
        elif opcode == layer_code:
            if word[index_high:index_low] >= records:
                error.next = bad_field
                detail.next = word[index_high:index_low]
        elif not (opcode == end or opcode == weights_code or opcode == store_code or (opcode >= load_low and opcode <= load_high)
                  or (opcode >= compute_low and opcode <= compute_high)):
            error.next = bad_opcode
            detail.next = opcode
        if clear:
            looked.next = False

    @always_comb
    def look_at_queues():
        room.next = ((not to_load or load.ready) and (not to_weights or weights.ready) and (not to_compute or compute.ready)
                     and (not to_store or store.ready) and hold == 0 and (not has_filters or checked))

    @always_comb
    def go():
        act.next = instructions.valid and looked and room and error == 0 and not stop and not ended and not fault.valid

    @always_comb
    def mark():
        marked.next = word
        if has_filters and void:
            marked.next[void_bit] = True

    @always_comb
    def hand_out():
        instructions.ready.next = act
        load.valid.next = act and to_load
        weights.valid.next = act and to_weights
        compute.valid.next = act and to_compute
        store.valid.next = act and to_store
        load.data.next = concat(position, word)
        weights.data.next = concat(position, marked)
        compute.data.next = concat(position, marked)
        store.data.next = concat(position, word)
        layer.next = act and is_layer

    @always(clk.posedge)
    def space_layers():
        # A layer's record takes a few cycles to write; seven between two LAYERs are always enough.
        if act and is_layer:
            hold.next = 7
        elif hold != 0:
            hold.next = hold - 1
        if clear:
            hold.next = 0

    @always(clk.posedge)
    def follow():
        if act and is_end:
            ended.next = True
            end_position.next = position
        if clear:
            ended.next = False

    @always(clk.posedge)
    def refuse():
        if not fault.valid and not ended:
            if instructions.valid and looked and error != 0:
                fault.valid.next = True
                fault.code.next = error
                fault.position.next = position
                fault.detail.next = detail
            elif exhausted:
                fault.valid.next = True
                fault.code.next = no_begin
                fault.position.next = length
                fault.detail.next = 0
        if clear:
            fault.valid.next = False

    return check, take_opcode, look, look_at_queues, go, mark, hand_out, space_layers, follow, refuse
