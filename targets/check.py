# SPDX-License-Identifier: BSD-2-Clause
"""`./build.py --model MODEL --check`: what would run where, why, and how long it would take. No hardware is built."""

import argparse

import numpy as np
from rich.table import Table

from accel.config import load_config
from accel.errors import UserError
from compiler.binary import build_binary
from compiler.memory_map import MODEL_ADDRESS
from compiler.mask_use import mask_use, total
from compiler.placement import place_layers
from compiler.products import products
from targets.console import console
from targets.model_options import add_model_options, add_preprocessing_options, given_preprocessing, model_of

CLOCK_HZ = 100_000_000
# A network with at least this share of its weights other than 0 is called dense.
_DENSE = 0.95
# What a float model is quantised with where no images are given.
_STANDARD_IMAGES, _SEED = 4, 2017
_STANDARD_NOTE = (f"no --calibrate was given: the ranges come from {_STANDARD_IMAGES} images of random numbers, which very nearly does for "
                  "placement, cycles and bytes, but not for running or evaluating the model")


def standard_images(shape):
    """Return float32 images [N, *shape] of normally distributed numbers, the same every time: enough to quantise a model that is only looked at."""
    return np.random.default_rng(_SEED).normal(size=(_STANDARD_IMAGES, *shape)).astype(np.float32)


def layer_table(title, network, model, indices):
    """Return the table of where each layer of a Network runs, of its CompiledModel `model`; indices {tensor: its number in the model's file}."""
    table = Table("layer", *(["in file"] if indices else []), "operator", "output", "runs on", "because", title=title)
    for head in ("cycles", "weights", "read", "written"):
        table.add_column(head, justify="right")
    outputs = {layer.name: layer.output for layer in network.layers}
    shapes = {name: network.tensors[output].shape for name, output in outputs.items()}
    for row in place_layers(network, model):
        shape = " x ".join(map(str, shapes.get(row.name, ())))
        number = [str(indices.get(outputs.get(row.name), ""))] if indices else []
        numbers = () if row.traffic is None else (row.cycles, row.traffic.weights, row.traffic.read, row.traffic.written)
        table.add_row(row.name, *number, row.op, shape, row.where, row.why, *(f"{number:,}" for number in numbers))
    return table


def utilisation(compiled):
    """Return (products that the programs of a CompiledModel form, their share of what the grid could form in the cycles predicted)."""
    done = sum(sum(products(compiled.config, program.words, compiled.image, compiled.base).values()) for program in compiled.programs)
    cycles = sum(layer.cycles_predicted for layer in compiled.layers if not layer.on_cpu)
    return done, done / cycles / compiled.config.macs_per_cycle


def mask_line(network, compiled):
    """Return the sentence on what the channel masks of a CompiledModel leave, or None where hardly a weight is 0."""
    use = total(mask_use(network, compiled.lowered, compiled.config.columns))
    if use.nonzero >= _DENSE * use.dense:
        return None
    nonzero, given, ordered = (f"{number:,} ({number / use.dense:.1%})" for number in (use.nonzero, use.given, use.ordered))
    return (f"of {use.dense:,} dense multiply-accumulates of layers with channel masks, {nonzero} are of weights that are not 0; the masks leave "
            f"{given} with the channels in the network's order and {ordered} in the compiler's")


def check(model, config):
    """Print where each layer of a Model would run on `config`, what it would take, and what importing changed.

    Raises UserError where it cannot run.
    """
    network, screen = model.network, console()
    compiled = build_binary(network, config).model
    units = [layer for layer in compiled.layers if not layer.on_cpu]
    cycles, macs = (sum(getattr(layer, name) for layer in units) for name in ("cycles_predicted", "macs"))
    screen.print(layer_table(f"{network.name} on {config.name}: cycles predicted, bytes of DRAM", network, compiled, model.indices))
    others = [layer.name for layer in compiled.layers if layer.on_cpu]
    done, share = utilisation(compiled)
    rate = f"{CLOCK_HZ / cycles:,.0f} images/s at {CLOCK_HZ // 1_000_000} MHz{' without the CPU' if others else ''}"
    screen.print(f"{cycles:,} cycles an image on the accelerator: {rate}; {done:,} multiply-accumulates done ({macs:,} dense), {share:.1%} of what "
                 "the grid could do",
                 highlight=False, soft_wrap=True)
    masks = mask_line(network, compiled)
    if masks:
        screen.print(masks, highlight=False, soft_wrap=True)
    if others:
        screen.print(f"the CPU's part comes on top: {', '.join(others)}; --run measures it", highlight=False)
    screen.print(f"{compiled.end - MODEL_ADDRESS:,} bytes of DRAM: {compiled.program_address - compiled.base:,} of weights, "
                 f"{sum(len(program.words) for program in compiled.programs)} instructions, the rest feature maps", highlight=False)
    for note in model.notes:
        screen.print(f"note: {note}", highlight=False, soft_wrap=True)


def run(words):
    """Do what the command line (a list of words) says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./build.py --check", description=__doc__, allow_abbrev=False)
    add_model_options(parser)
    add_preprocessing_options(parser.add_argument_group("images of --calibrate"))
    parser.add_argument("--config", default="arty-35", help="a configuration by name or .toml file (default: %(default)s)")
    arguments = parser.parse_args(words)
    if given_preprocessing(arguments) and not arguments.calibrate:
        raise UserError(f"{given_preprocessing(arguments)[0]} is for the images of --calibrate SET: give one, or leave it out")
    config = load_config(arguments.config)
    model = model_of(arguments, standard_images)
    check(model, config)
    if model.real is not None and not arguments.calibrate:
        print(f"note: {_STANDARD_NOTE}")
    return 0
