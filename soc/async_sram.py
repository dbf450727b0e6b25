# SPDX-License-Identifier: BSD-2-Clause
"""An asynchronous SRAM of 8 bits as main memory: its controller on the SoC's bus, and a model of the chip for simulation."""

from math import ceil

from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import wishbone
from migen import FSM, C, Case, Cat, If, Memory, NextState, NextValue, Replicate, Signal, TSTriple

from accel.errors import UserError

# ISSI IS61WV5128BLL-10: from an address to its data, and the shortest pulse that writes. The rest: from clock to pin, and from pin to the
# register that takes the data.
ACCESS_NS, PULSE_NS = 10, 8
PINS_NS = 8


def access_cycles(clock_hz):
    """Return the cycles from a new address at the pins to its data in a register: 2 at 100 MHz, 1 at 50 MHz."""
    return ceil((ACCESS_NS + PINS_NS) * clock_hz / 1e9)


class SRAMPins:
    """What goes to the chip and comes from it: address, `data_o` driven while `drive`, `data_i`, and the chip's active-low inputs."""

    def __init__(self, address_bits):
        self.address = Signal(address_bits)
        self.data_o, self.data_i, self.drive = Signal(8), Signal(8), Signal()
        self.we_n, self.oe_n = Signal(reset=1), Signal()


class AsyncSRAM(LiteXModule):
    """The controller. `bus`: Wishbone slave, 32 bits, word-addressed; `pins`: SRAMPins, all of whose outputs are registers.

    A read takes 4 accesses of access_cycles(clock_hz) and two cycles more. A write takes three cycles a byte that is selected: its address and
    data come a cycle before the pulse and go a cycle after it; a cycle before the first and after the last lets the chip and the FPGA change over.
    """

    def __init__(self, address_bits, clock_hz):
        self.bus = bus = wishbone.Interface(data_width=32, adr_width=30, addressing="word")
        self.pins = pins = SRAMPins(address_bits)

        # # #

        wait = access_cycles(clock_hz) - 1
        place, left, read = Signal(2), Signal(max=max(wait, 1) + 1), Signal(32)
        self.comb += bus.dat_r.eq(read)
        self.fsm = fsm = FSM(reset_state="IDLE")
        fsm.act("IDLE",
            NextValue(place, 0), NextValue(left, wait),
            If(bus.cyc & bus.stb,
                NextValue(pins.address, Cat(C(0, 2), bus.adr[:address_bits - 2])),
                If(bus.we, NextValue(pins.oe_n, 1), NextState("SETUP")).Else(NextState("READ"))))
        fsm.act("READ",
            NextValue(left, left - 1),
            If(left == 0,
                NextValue(left, wait), NextValue(read, Cat(read[8:], pins.data_i)), NextValue(place, place + 1),
                NextValue(pins.address, pins.address + 1),
                If(place == 3, NextState("ANSWER"))))
        fsm.act("SETUP",
            NextValue(pins.drive, 1),
            Case(place, {i: NextValue(pins.data_o, bus.dat_w[8 * i:8 * i + 8]) for i in range(4)}),
            NextValue(pins.address[:2], place),
            NextState("PULSE"))
        selected = Signal()
        self.comb += Case(place, {i: selected.eq(bus.sel[i]) for i in range(4)})
        fsm.act("PULSE", NextValue(pins.we_n, ~selected), NextState("HOLD"))
        fsm.act("HOLD",
            NextValue(pins.we_n, 1), NextValue(place, place + 1),
            If(place == 3, NextState("RELEASE")).Else(NextState("SETUP")))
        fsm.act("RELEASE", NextValue(pins.drive, 0), NextState("ANSWER"))
        fsm.act("ANSWER", bus.ack.eq(1), NextValue(pins.oe_n, 0), NextState("IDLE"))

    def connect_pads(self, pads):
        """Connect the pins to the board's pads: addr, data, wen, cen, oe."""
        data = TSTriple(8)
        self.specials += data.get_tristate(pads.data)
        self.comb += [
            pads.addr.eq(self.pins.address), pads.wen.eq(self.pins.we_n), pads.oe.eq(self.pins.oe_n), pads.cen.eq(0),
            data.o.eq(self.pins.data_o), data.oe.eq(self.pins.drive), self.pins.data_i.eq(data.i)]


def add_sram(soc, board):
    """Add the controller of a Board's SRAM to a SoC, as its main memory `main_ram`; its pins are the caller's to connect.

    Raises UserError where the clock is too fast for a pulse of one cycle.
    """
    if board.clock_hz > 1e9 / PULSE_NS:
        raise UserError(f"the SRAM's controller writes with pulses of a cycle, which are too short at {board.clock_hz / 1e6:g} MHz: "
                        f"lower --sys-clk-freq to {1000 / PULSE_NS:g} MHz or less")
    soc.main_ram = AsyncSRAM((board.memory_bytes - 1).bit_length(), board.clock_hz)
    soc.bus.add_slave("main_ram", soc.main_ram.bus, SoCRegion(origin=soc.mem_map["main_ram"], size=board.memory_bytes))


class SRAMChip(LiteXModule):
    """The chip in simulation, on a controller's `pins`. Its data are right once the address has been there for access_cycles(clock_hz), and it
    stores when a pulse ends, if address and data were there before, during and after it; else it gives or stores the complement."""

    def __init__(self, pins, clock_hz, init=()):
        self.memory = Memory(8, 1 << len(pins.address), init=list(init) or None)
        read, write = self.memory.get_port(async_read=True), self.memory.get_port(write_capable=True)
        self.specials += self.memory, read, write

        # # #

        settled = access_cycles(clock_hz)
        now = Cat(pins.address, pins.oe_n)
        before, cycles, age = Signal.like(now), Signal(max=settled + 1), Signal(max=settled + 1)
        self.comb += If(now != before, age.eq(1)).Elif(cycles == settled, age.eq(settled)).Else(age.eq(cycles + 1))
        self.sync += [before.eq(now), cycles.eq(age)]
        self.comb += [
            read.adr.eq(pins.address),
            pins.data_i.eq(read.dat_r ^ Replicate((age != settled) | pins.oe_n, 8))]

        given = Cat(pins.address, pins.data_o, pins.drive & pins.oe_n)
        last, was_low, steady, still = Signal.like(given), Signal(), Signal(), Signal()
        self.comb += still.eq((given == last) & pins.drive & pins.oe_n)
        self.sync += [last.eq(given), was_low.eq(~pins.we_n), steady.eq(still)]
        self.comb += [
            write.adr.eq(last[:len(pins.address)]), write.we.eq(was_low & pins.we_n),
            write.dat_w.eq(last[len(pins.address):][:8] ^ Replicate(~(still & steady), 8))]
