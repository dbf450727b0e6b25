# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator against the CPU of the same SoC, which computes the same network by the firmware's kernels: cycles of both, measured.

The networks are small ones: the CPU takes some ten cycles a multiply-accumulate, and a simulated SoC some ten microseconds a cycle.
"""

from dataclasses import dataclass

from rich.table import Table

from accel.errors import UserError
from bench.published import AGAINST_CPU, POSTER
from bench.real_networks import tiny_network
from compiler.expectation import expect
from firmware.inference import run_image
from nets.images import digits_samples
from nets.zoo import load_model
from targets.console import progress
from targets.run_model import run_cpu
from targets.running_soc import running_soc, work_for


@dataclass(frozen=True)
class Pair:
    """Cycles of one image by the accelerator (`accel`, from image in DRAM to answer in DRAM) and by the CPU alone, and the network's `macs`."""

    name: str
    macs: int
    accel: int
    cpu: int


def _digits():
    network = load_model("digits").network
    return network, digits_samples(network, 1).images


NETWORKS = {"digits": _digits, "dscnn": lambda: tiny_network("dscnn")}


def compare(network, image):
    """Return the Pair of int8 `image` [H, W, C] through `network`. Raises UserError where either answer is not the reference's."""
    work = work_for(network, image[None], cpu=True)
    with running_soc(work) as (link, addresses):
        run = run_image(link, network, work.binary.model, expect(network, work.binary.model, image), addresses[0])
        cpu = run_cpu(link, work, addresses[0])
    if not run.exact:
        raise UserError(f"{network.name} is not exact: {'; '.join(run.differences)}")
    return Pair(network.name, sum(layer.macs for layer in run.layers), run.end_to_end, cpu.cycles)


def cpu_table():
    """Return the table of accelerator and CPU, measured in litex_sim on arty-35; a network whose data are not there is named in the caption."""
    table = Table("network", title="accelerator against the CPU of the same SoC (VexRiscv, arty-35): measured, one image, both exact")
    for head in ("MMAC", "accelerator, cycles", "CPU, cycles", "CPU, cycles/MAC", "times as fast"):
        table.add_column(head, justify="right")
    missing = []
    with progress() as bar:
        task = bar.add_task("the same networks by the CPU", total=len(NETWORKS))
        for name, load in NETWORKS.items():
            try:
                network, images = load()
            except UserError as error:
                missing.append(f"{name}: {error}")
            else:
                pair = compare(network, images[0])
                table.add_row(name, f"{pair.macs / 1e6:.2f}", f"{pair.accel:,}", f"{pair.cpu:,}", f"{pair.cpu / pair.macs:.1f}",
                              f"{pair.cpu / pair.accel:,.0f}")
            bar.advance(task)
    table.caption = "; ".join([f"published ({POSTER}; ARM A9 or MicroBlaze): {AGAINST_CPU}", *missing])
    return table
