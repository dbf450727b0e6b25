# SPDX-License-Identifier: BSD-2-Clause
"""The core's memory port as a Wishbone master, for boards without LiteDRAM."""

from litex.gen import LiteXModule
from litex.soc.interconnect import wishbone
from litex.soc.interconnect.axi import RESP_OKAY, RESP_SLVERR
from litex.soc.interconnect.wishbone import CTI_BURST_END, CTI_BURST_INCREMENTING
from migen import FSM, Cat, If, Mux, NextState, NextValue, Signal


class AXI2Wishbone(LiteXModule):
    """`axi`: AXI4 slave for INCR bursts of whole, aligned beats, of which one is answered after the other, writes first. `bus`: Wishbone master
    of 32 bits, word-addressed.

    Each beat is an incrementing burst of its own, so that between beats the bus goes to whoever else waits for it. A word that Wishbone answers
    with an error makes the rest of its AXI burst end with SLVERR.
    """

    def __init__(self, axi):
        self.bus = bus = wishbone.Interface(data_width=32, adr_width=30, addressing="word", bursting=True)

        # # #

        words = axi.data_width // 32
        address, word, left = Signal(30), Signal(max=words), Signal(8)
        data, strobes, failed = Signal(axi.data_width), Signal(axi.data_width // 8), Signal()
        response, answered, end = Signal(2), Signal(), word == words - 1
        self.comb += [
            response.eq(Mux(failed, RESP_SLVERR, RESP_OKAY)), axi.r.data.eq(data), axi.r.resp.eq(response), axi.b.resp.eq(response),
            bus.adr.eq(address), bus.dat_w.eq(data[:32]), bus.cti.eq(Mux(end, CTI_BURST_END, CTI_BURST_INCREMENTING)),
            answered.eq(bus.stb & (bus.ack | bus.err))]

        def turn(signal, *incoming):
            return NextValue(signal, Cat(signal[len(signal) // words:], *incoming))

        def take(channel, state):
            return [NextValue(address, channel.addr[2:]), NextValue(left, channel.len), NextValue(failed, 0), NextState(state)]

        def next_word(state):
            return If(answered, NextValue(address, address + 1), NextValue(word, word + 1), If(bus.err, NextValue(failed, 1)),
                      If(end, NextValue(word, 0), NextState(state)))

        self.fsm = fsm = FSM(reset_state="IDLE")
        fsm.act("IDLE",
            axi.aw.ready.eq(1), axi.ar.ready.eq(~axi.aw.valid),
            If(axi.aw.valid, *take(axi.aw, "WRITE-BEAT")).Elif(axi.ar.valid, *take(axi.ar, "READ")))
        fsm.act("READ",
            bus.cyc.eq(1), bus.stb.eq(1), bus.sel.eq(0b1111),
            If(answered, turn(data, bus.dat_r)), next_word("READ-BEAT"))
        fsm.act("READ-BEAT",
            axi.r.valid.eq(1), axi.r.last.eq(left == 0),
            If(axi.r.ready, NextValue(left, left - 1), If(left == 0, NextState("IDLE")).Else(NextState("READ"))))
        fsm.act("WRITE-BEAT",
            axi.w.ready.eq(1),
            If(axi.w.valid, NextValue(data, axi.w.data), NextValue(strobes, axi.w.strb), NextState("WRITE")))
        fsm.act("WRITE",
            bus.cyc.eq(1), bus.stb.eq(1), bus.we.eq(1), bus.sel.eq(strobes[:4]),
            If(answered, turn(data), turn(strobes)),
            next_word("WRITTEN"))
        fsm.act("WRITTEN",
            If(left == 0, axi.b.valid.eq(1), If(axi.b.ready, NextState("IDLE")))
            .Else(NextValue(left, left - 1), NextState("WRITE-BEAT")))
