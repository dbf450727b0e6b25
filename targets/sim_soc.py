# SPDX-License-Identifier: BSD-2-Clause
"""The simulated SoC, and the program that builds its simulator: `python -m targets.sim_soc SETTINGS.json`."""

import json
import os
import shutil
import sys
from pathlib import Path

from litedram.modules import MT41K128M16, MT48LC16M16
from litedram.phy.model import SDRAMPHYModel
from litex.build.generic_platform import Pins, Subsignal
from litex.build.sim import SimPlatform
from litex.build.sim.config import SimConfig
from litex.build.sim.verilator import _compile_sim
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc_core import SoCCore
from migen import Memory
from migen.genlib.io import CRG

from accel.config import AccelConfig
from soc.accelerator import add_accelerator
from soc.async_sram import SRAMChip, add_sram
from soc.boards import BOARDS

# The simulated clock only sets how long the BIOS waits; memory's timings are those of the board's clock.
SIMULATED_HZ = int(1e6)
L2_BYTES = 2048
MODULE = Path(__file__).parent / "serial2pty"

_IO = [
    ("sys_clk", 0, Pins(1)),
    ("serial", 0,
        Subsignal("source_valid", Pins(1)), Subsignal("source_ready", Pins(1)), Subsignal("source_data", Pins(8)),
        Subsignal("sink_valid", Pins(1)), Subsignal("sink_ready", Pins(1)), Subsignal("sink_data", Pins(8))),
]


class SimSoC(SoCCore):
    """VexRiscv, UART, the memory of `board` (a Board of soc.boards), and the accelerator of `config`. `verilog_directory`: where its Verilog
    goes. rounding: see accel.hdl.requantise_lane. `memories`: what the simulation loads the main memory's contents into, bank 0 first."""

    def __init__(self, config, board, verilog_directory, rounding):
        platform = SimPlatform("SIM", _IO)
        self.crg = CRG(platform.request("sys_clk"))
        super().__init__(platform, clk_freq=SIMULATED_HZ, cpu_type="vexriscv", cpu_variant="standard", integrated_rom_size=0x8000,
                         integrated_sram_size=0x2000, uart_name="sim", timer_uptime=True, ident="SPARCNet on LiteX, simulated",
                         ident_version=False)
        self.memories = self._add_sram(board) if board.banks.count == 1 else self._add_sdram(board)
        add_accelerator(self, config, verilog_directory, rounding)
        platform.add_debug(self)
        for name in ("BIOS_NO_PROMPT", "BIOS_NO_CRC"):
            self.add_config(name)
        self.add_constant("ROM_BOOT_ADDRESS", self.bus.regions["main_ram"].origin)

    # A word of contents makes LiteX load a file into each bank; every run writes its own.

    def _add_sdram(self, board):
        module = MT41K128M16(board.clock_hz, "1:4") if board.memory.startswith("DDR3") else MT48LC16M16(board.clock_hz, "1:1")
        self.sdrphy = SDRAMPHYModel(module, data_width=16, clk_freq=board.clock_hz, init=[0] * 4)
        self.add_sdram("sdram", phy=self.sdrphy, module=module, l2_cache_size=L2_BYTES)
        self.add_constant("SDRAM_TEST_DISABLE")
        banks = [submodule for _, submodule in self.sdrphy._submodules if hasattr(submodule, "write_col")]
        return [next(special for special in bank._fragment.specials if isinstance(special, Memory)) for bank in banks]

    def _add_sram(self, board):
        add_sram(self, board)
        self.chip = SRAMChip(self.main_ram.pins, board.clock_hz, init=[0])
        self.add_config("MAIN_RAM_INIT")
        return [self.chip.memory]

    def bank_files(self, namespace):
        """Return the names of the files that `memories` are loaded from."""
        return [f"sim_{namespace.get_name(memory)}.init" for memory in self.memories]


def build(config, board, directory, software, jobs, rounding):
    """Build the simulator of `config` and `board` in `directory`: gateware/obj_dir/Vsim, and simulator.json last. The C
    libraries, the BIOS and the headers do not depend on the accelerator's configuration: they are built once for a board, in `software`."""
    shutil.rmtree(directory, ignore_errors=True)
    modules = directory / "modules"
    shutil.copytree(MODULE, modules / MODULE.name)
    soc = SimSoC(config, board, directory / "gateware", rounding)
    simulation = SimConfig()
    simulation.add_clocker("sys_clk", freq_hz=SIMULATED_HZ)
    simulation.add_module("serial2pty", "serial")
    builder = Builder(soc, output_dir=str(directory), software_dir=str(software), bios_console="lite")
    namespace = builder.build(sim_config=simulation, run=False, jobs=jobs, opt_level="O3", extra_mods=[MODULE.name],
                              extra_mods_path=str(modules), interactive=False)
    # LiteX's build() would also run what it has compiled, but each of our runs has its own memory contents.
    os.chdir(builder.gateware_dir)
    _compile_sim("sim", True)
    facts = {"banks": soc.bank_files(namespace), "board": board.target, "main_ram": soc.bus.regions["main_ram"].origin, "software": str(software)}
    (directory / "simulator.json").write_text(json.dumps(facts))


def main():
    """Build as the settings file says."""
    settings = json.loads(Path(sys.argv[1]).read_text())
    build(AccelConfig(**settings["config"]), BOARDS[settings["board"]], Path(settings["directory"]), Path(settings["software"]), settings["jobs"],
          settings["rounding"])


if __name__ == "__main__":
    main()
