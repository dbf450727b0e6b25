# SPDX-License-Identifier: BSD-2-Clause
"""The paper's tables, each with ours beside the published figures; every number says whether it is measured, computed or published."""

from rich.table import Table

from bench.energy import BOARD, sources_line
from bench.paper_runs import ALEXNET_NOTE, weights_of
from bench.published import ACCURACY, AGAINST_OTHERS, ALEXNET_GOP, JOURNAL, NOT_FOUND, POSTER, PRIOR_WORK, REDUCED, SAVED, SAVED_NOTE, SPEED
from bench.soc_runs import CLOCK_HZ
from nets.count import count, reduction
from nets.paper import BASELINES, NETWORKS, define

# Rows of the table of prior work.
_PRIOR_FIELDS = {"platform": "platform", "precision": "precision", "clock (MHz)": "megahertz", "network": "network", "GOP": "operations",
                 "GOP/s": "speed", "power (W)": "power", "GOP/J": "efficiency"}
# Networks, and those that their savings are counted against.
_COMPARED = {**BASELINES, "squeezenet10": "alexnet", "squeezenet11": "alexnet"}
# What bounds a layer, by the time field that most of its waiting is in.
CAUSES = {"stall_fetch": "instructions", "stall_weights": "the weight stream", "stall_activations": "loads of activations",
           "stall_drain": "the requantiser", "stall_store": "the output", "stall_sync": "set-up and the ends of layers"}


def saved(network):
    """Return {what: share} that a reduced network saves of its baseline, and SqueezeNet of AlexNet."""
    return reduction(count(define(network)), count(define(_COMPARED[network])))


def operations_rate(run):
    """Return GOP/s at 100 MHz of a Measured: two operations a product done, from first doorbell to last done."""
    return 2 * run.report["macs_done"] / run.cycles * CLOCK_HZ / 1e9


def _percent(value):
    return value if value == NOT_FOUND else f"{value:.1%}"


def networks_table():
    """Return the table of all networks: ours computed from the definitions, beside what was published."""
    table = Table("network", title="networks: computed from the definitions, and published savings")
    for head in ("MMAC", "parameters", "kB int8", "MACs saved", "published", "parameters saved", "published"):
        table.add_column(head, justify="right")
    for name in NETWORKS:
        counted = count(define(name))
        figures = f"{counted.macs / 1e6:,.1f}", f"{counted.parameters:,}", f"{counted.bytes / 1000:,.0f}"
        savings = [_percent(value) for what in ("macs", "parameters")
                   for value in (saved(name)[what], SAVED.get(name, {}).get(what, NOT_FOUND))] if name in _COMPARED else [""] * 4
        table.add_row(name, *figures, *savings)
    table.caption = SAVED_NOTE
    return table


def accuracy_table(accuracies):
    """Return the table of the trained networks: {name: Accuracy}, int8 measured by the reference, beside the float network and the published figures."""
    table = Table("network", title="accuracy on CIFAR-10: int8 measured on the test images (JPEG) by the reference, whose tensors are the hardware's; "
                  "float as measured after the training")
    for head in ("top-1 int8", "top-1 float", "test images", "trained here"):
        table.add_column(head, justify="left" if head == "trained here" else "right")
    for name, accuracy in accuracies.items():
        table.add_row(name, f"{accuracy.top1:.2%}", f"{accuracy.facts['accuracy']:.2%}", f"{accuracy.count:,}", accuracy.training)
    table.caption = f"published ({JOURNAL}): {ACCURACY}; which network and training: {NOT_FOUND}"
    return table


def speed_table(measured, powers):
    """Return the table of images a second: [Measured] at 100 MHz with {configuration: Power} (BOARD where there is none), and published."""
    table = Table("network", "platform", "images/s", "images/s/W", "kind", title="images a second, and of each watt")
    for run in measured:
        rate = CLOCK_HZ / run.cycles
        watts = powers.get(run.config.name, BOARD).watts
        table.add_row(run.network.name, f"{run.config.name} at 100 MHz", f"{rate:,.1f}", f"{rate / watts:,.1f}",
                      f"images/s measured in litex_sim, {weights_of(run.network.name)}; per watt computed")
    for network, platform, rate, watts, source in SPEED:
        table.add_row(network, platform, f"{rate}", watts if watts == NOT_FOUND else f"> {rate / watts:.1f}",
                      f"images/s and W published, per watt computed: {source}")
    for work in PRIOR_WORK:
        if work.network == "AlexNet":
            rate = work.speed / ALEXNET_GOP
            table.add_row("AlexNet's convolutions", f"{work.platform} ({work.name})", f"{rate:.1f}", f"{rate / work.power:.1f}",
                          f"computed from GOP/s, GOP and W: {POSTER}")
    table.add_row("VGG-A, VGG-D", "Zedboard, Arty/Cmod A7, Jetson TK1", NOT_FOUND, NOT_FOUND, f"{POSTER}: a figure whose numbers are not in its text")
    for network, platform, sentence, source in AGAINST_OTHERS:
        table.add_row(network, platform, NOT_FOUND, sentence, f"published: {source}")
    table.caption = sources_line(powers, [run.config.name for run in measured])
    return table


def prior_table(runs, powers):
    """Return the poster's table of prior work, with a column of ours for each Measured of AlexNet's convolutions; powers: as speed_table has them."""
    columns = [(work.name, [getattr(work, field) for field in _PRIOR_FIELDS.values()]) for work in PRIOR_WORK]
    for run in runs:
        rate, watts = operations_rate(run), powers.get(run.config.name, BOARD).watts
        columns.append(("ours", [f"Arty A7 ({run.config.name})", "8-bit integer", CLOCK_HZ // 1_000_000, "AlexNet's convolutions",
                                 f"{2 * run.report['macs_done'] / 1e9:.2f}", f"{rate:.2f}", watts, f"{rate / watts:.2f}"]))
    table = Table("", *(name for name, _ in columns), title="prior work, published in the poster; ours: GOP/s measured in litex_sim, GOP/J computed")
    for head, *cells in zip(_PRIOR_FIELDS, *(values for _, values in columns), strict=True):
        table.add_row(head, *map(str, cells))
    if runs:
        table.caption = f"ours: conv1 to conv5, {ALEXNET_NOTE}; {sources_line(powers, [run.config.name for run in runs])}"
    return table


def waits_most_for(run):
    """Return what the grid of a Measured waited for most of the time that it waited."""
    total = {name: sum(layer[name] for layer in run.report["layers"]) for name in CAUSES}
    return CAUSES[max(CAUSES, key=total.get)]


def reduced_table(measured):
    """Return the table of baseline against reduced networks of {(name, configuration): Measured}: how many times fewer, and why not more."""
    table = Table("reduced", "configuration", title=f"baseline against reduced: times fewer, measured; published ({POSTER}): {REDUCED}")
    for head in ("MACs done", "bytes of DRAM", "cycles", "MAC/cycle: baseline", "reduced", "else the reduced one waits most for"):
        table.add_column(head, justify="right")
    pairs = [(run, measured[whole]) for (name, config), run in measured.items() if (whole := (BASELINES.get(name), config)) in measured]
    for run, whole in pairs:
        table.add_row(run.network.name, run.config.name, *(f"{figure(whole) / figure(run):.2f}" for figure in (_macs, _bytes, _cycles)),
                      *(f"{_macs(one) / _cycles(one):.0f} of {one.config.macs_per_cycle}" for one in (whole, run)), waits_most_for(run))
    if pairs:
        table.caption = _why_not_more(pairs)
    return table


def _why_not_more(pairs):
    """Return why our factors are not the poster's, in words, of (Measured of the reduced network, of its baseline)."""
    macs, cycles = ([figure(whole) / figure(run) for run, whole in pairs] for figure in (_macs, _cycles))
    published = 1 / (1 - SAVED["sparse-vgg-d"]["macs"])
    return (f"The poster's {REDUCED} are images a second of each watt. Ours are cycles, the watts being the same: {min(cycles):.1f} to {max(cycles):.1f} "
            f"times fewer. They are what the multiply-accumulates fall by, {min(macs):.1f} to {max(macs):.1f} times (as published of Sparse VGG-D: "
            f"{published:.1f}), times what those of a cycle rise by: where a baseline keeps the grid busy already, there is no more to gain. "
            "What less work and fewer bytes save of the power is not measured.")


def _macs(run):
    return run.report["macs_done"]


def _bytes(run):
    return run.report["dram_read_bytes"] + run.report["dram_write_bytes"]


def _cycles(run):
    return run.cycles
