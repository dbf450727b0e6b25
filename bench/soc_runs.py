# SPDX-License-Identifier: BSD-2-Clause
"""Runs networks, several at a time, in the whole simulated SoC; exact or an error."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median_low

from rich.table import Table

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.expectation import expect
from firmware.inference import TIME_FIELDS, run_image
from firmware.report import report_object
from nets.synthetic import random_images
from targets.console import progress
from targets.running_soc import boot_files, booted_soc, build_soc, work_for

CLOCK_HZ = 100_000_000
# A job shorter than SHORT cycles is run REPEATS times: where in the DRAM's refresh period it begins makes a difference to its layers.
REPEATS, SHORT = 5, 200_000


@dataclass(frozen=True)
class Measured:
    """What a run of one image or batch through `network` took on `config`: `report` is the command line's JSON object, `layer_cycles` each layer's
    median."""

    network: object
    config: object
    report: dict
    layer_cycles: tuple

    @property
    def cycles(self):
        """From the first doorbell to the last done."""
        return self.report["cycles"]


def run_network(network, config, directory, firmware, batch=1, images=None, pruning=None):
    """Return the Measured of int8 `images` [N, H, W, C] through `network`, `batch` (at least 1) at a time; None: random ones, once or REPEATS times.
    pruning: as compile_network has it.

    Raises UserError, with layer and position, where a tensor is not exact.
    """
    work, runs = work_for(network, random_images(network, REPEATS * batch) if images is None else images, config, batch=batch, pruning=pruning), []
    files, addresses = boot_files(work, firmware)
    with booted_soc(directory, files) as link:
        model = work.binary.model
        for together, address in zip(work.batches, addresses, strict=True):
            runs.append(run_image(link, network, model, expect(network, model, together), address))
            if not runs[-1].exact:
                raise UserError(f"{network.name} is not exact: {'; '.join(runs[-1].differences)}")
            if images is None and runs[0].cycles >= SHORT:
                break
    layer_cycles = tuple(median_low(layer.cycles for layer in layers) for layers in zip(*(run.layers for run in runs), strict=True))
    return Measured(network, config, report_object("sim", network, config, CLOCK_HZ, runs, None, batch, batch * len(runs)), layer_cycles)


def run_networks(networks, config, jobs=2, batches=None, images=None, prunings=None):
    """Return {name: Measured} of [Network] on the configuration of the name `config`, `jobs` simulations at a time, the first ones first.

    batches: how many images each network takes in a run, in the same order (None: one each). images: those of each (None: random ones). prunings: of
    each (None: none). Raises UserError for the first that fails.
    """
    config = CONFIGS[config]
    with progress() as bar:
        task = bar.add_task(f"building the simulator of {config.name} (minutes the first time)", total=None)
        directory, firmware = build_soc(config, jobs, lambda: bar.update(task))
        bar.update(task, description="networks in the simulated SoC", total=len(networks), completed=0)
        with ThreadPoolExecutor(jobs) as pool:
            none = [None] * len(networks)
            futures = [pool.submit(run_network, network, config, directory, firmware, *own) for network, *own in zip(
                networks, batches or [1] * len(networks), images or none, prunings or none, strict=True)]
            for future in futures:
                future.add_done_callback(lambda done: bar.advance(task))
            try:
                return {network.name: future.result() for network, future in zip(networks, futures, strict=True)}
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def cycles_table(measured):
    """Return the table of each layer's cycles, those predicted beside those measured and where they went, of [Measured]."""
    table = Table("network", "layer", title="where the cycles went: busy, stalls by cause; and bytes of DRAM")
    causes = [name.removeprefix("stall_") for name in TIME_FIELDS]
    for head in ("cycles", "predicted", "error", "MACs done", "utilisation", *causes, "read", "written"):
        table.add_column(head, justify="right")
    for item in measured:
        for layer, cycles in zip(item.report["layers"], item.layer_cycles, strict=True):
            numbers = [layer[name] for name in (*TIME_FIELDS, "dram_read_bytes", "dram_write_bytes")]
            predicted = layer["cycles_predicted"]
            forecast = ["", ""] if predicted is None else [f"{predicted:,}", f"{predicted / cycles - 1:+.1%}"]
            table.add_row(item.network.name, layer["name"], f"{cycles:,}", *forecast,
                          f"{layer['macs_done']:,}", f"{layer['utilisation']:.1%}", *(f"{number:,}" for number in numbers))
    return table
