# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator as a LiteX module: registers on the SoC's bus, its memory port on LiteDRAM or the bus, its interrupt in an EventManager."""

from litedram.frontend.axi import LiteDRAMAXI2Native, LiteDRAMAXIPort
from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import wishbone
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal

from accel.convert import convert_core
from accel.core import core_ports
from accel.hdl.requantise_lane import ROUNDING
from accel.registers import ACCELERATOR_BASE, REGION_BYTES
from soc.limits import check_config
from soc.wishbone_memory import AXI2Wishbone

# Beats that LiteDRAM's AXI front end buffers; 32 keep a linear read at the speed of the native port.
READ_BUFFER_BEATS = 32
WRITE_BUFFER_BEATS = 32


class Accelerator(LiteXModule):
    """One core. `bus`: word-addressed Wishbone slave of REGION_BYTES; `axi`: AXI4 master of `config.beat_bytes` bytes; `ev.done`: interrupt,
    a level from the end of a job to its acknowledgement. rounding: see accel.hdl.requantise_lane."""

    def __init__(self, platform, config, verilog_directory, rounding=ROUNDING):
        self.bus = wishbone.Interface(data_width=32, adr_width=30, addressing="word")
        self.axi = LiteDRAMAXIPort(data_width=8 * config.beat_bytes, address_width=32, id_width=1)
        self.ev = EventManager()
        self.ev.done = EventSourceLevel(description="A job has ended; stays until the core's CONTROL register acknowledges it.")
        self.ev.finalize()

        # # #

        signals = {"clk": ClockSignal("sys"), "rst": ResetSignal("sys"), "irq": self.ev.done.trigger}
        signals |= {f"wb_{name}": getattr(self.bus, name) for name in ("dat_w", "dat_r", "sel", "cyc", "stb", "we", "ack", "err")}
        signals["wb_adr"] = self.bus.adr[:(REGION_BYTES // 4 - 1).bit_length()]
        ports = core_ports(config)
        for name in ports:
            if name.startswith("axi_"):
                channel, field = _axi_field(name)
                signals[name] = getattr(getattr(self.axi, channel), field)
        self.specials += Instance("sparcnet_core", **{f"{'i' if way == 'in' else 'o'}_{name}": signals[name]
                                                      for name, (_, way) in ports.items()})
        platform.add_source(str(convert_core(config, verilog_directory, rounding).resolve()))


def _axi_field(name):
    """Return (channel, field) of a port such as axi_araddr or axi_rdata."""
    rest = name.removeprefix("axi_")
    length = 2 if rest[:2] in ("ar", "aw") else 1
    return rest[:length], rest[length:]


def add_accelerator(soc, config, verilog_directory, rounding=ROUNDING):
    """Add the accelerator of `config` to a SoC whose memory is there already; its Verilog is written to `verilog_directory`.

    Where the SoC has LiteDRAM the core has a port of its own on it, of whatever width LiteDRAM's is; elsewhere it is a master on the SoC's bus.

    Raises UserError where the configuration does not fit the SoC.
    """
    check_config(config)
    soc.accelerator = Accelerator(soc.platform, config, verilog_directory, rounding)
    soc.bus.add_slave("accelerator", soc.accelerator.bus, SoCRegion(origin=ACCELERATOR_BASE, size=REGION_BYTES, cached=False))
    soc.irq.add("accelerator", use_loc_if_exists=True)
    if hasattr(soc, "sdram"):
        port = soc.sdram.crossbar.get_port(data_width=8 * config.beat_bytes)
        soc.accelerator.memory = LiteDRAMAXI2Native(soc.accelerator.axi, port, w_buffer_depth=WRITE_BUFFER_BEATS,
                                                    r_buffer_depth=READ_BUFFER_BEATS, base_address=soc.bus.regions["main_ram"].origin)
    else:
        soc.accelerator.memory = AXI2Wishbone(soc.accelerator.axi)
        soc.bus.add_master("accelerator", master=soc.accelerator.memory.bus)
