# SPDX-License-Identifier: BSD-2-Clause
"""`python -m nets.keep FOLDER`: quantises a network that nets.train trained on CIFAR-10 and keeps it, compact, among the zoo's models."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from accel.errors import UserError
from nets.cifar10 import as_input, load_cifar10
from nets.cifar10_formats import CLASSES
from nets.file import save_network
from nets.quantise_network import quantise_network
from nets.unreadable import UNREADABLE, reason
from nets.writable import check_file
from nets.zoo import MODELS, importer

CALIBRATION = 256
# As many magnitudes as int8 has: nothing becomes coarser.
ALL_LEVELS = 127


def coarser(weights, levels):
    """Return float weights [O, H, W, I] rounded to whole multiples of 1 / `levels` of their filter's largest magnitude: fewer bits each in a file."""
    step = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / levels
    return np.round(weights / np.where(step > 0, step, 1)) * step


def keep(folder, data, levels, output):
    """Quantise the network that lies trained in `folder`, calibrated with CALIBRATION training images of CIFAR-10 in `data`, and write it to the folder
    `output`: NAME.npz, and NAME.json with how it was trained.

    levels: how many magnitudes each filter's weights have, 1 to ALL_LEVELS; few take fewer bytes. Returns the path of the .npz.
    Raises UserError where the folder holds no finished training, the data is not there or `output` is no folder to write to.
    """
    if not 1 <= levels <= ALL_LEVELS:
        raise UserError(f"levels must be 1 to {ALL_LEVELS}, not {levels}")
    facts = _facts(folder)
    model, record = (output / f"{facts['network']}{suffix}" for suffix in (".npz", ".json"))
    check_file(model)
    check_file(record)
    network = _coarser_network(importer("onnx_float").import_onnx_float(folder / f"{facts['network']}.onnx"), levels)
    images = load_cifar10(Path(data), "train").images
    chosen = np.linspace(0, len(images) - 1, CALIBRATION).astype(int)
    kept = replace(quantise_network(network, as_input(images[chosen])), name=facts["network"], labels=CLASSES)
    save_network(kept, model)
    record.write_text(json.dumps({**facts, "levels": levels, "calibration_images": CALIBRATION}, indent=1) + "\n")
    return model


def _facts(folder):
    """Return what nets.train wrote about the training in `folder`, without the single epochs."""
    found = sorted(folder.glob("*.json"))
    if len(found) != 1:
        raise UserError(f"{folder} holds no finished training: give the folder that nets.train wrote NETWORK.onnx and NETWORK.json to")
    try:
        facts = {name: value for name, value in json.loads(found[0].read_text()).items() if name != "history"}
    except UNREADABLE as error:
        raise UserError(f"{found[0]} is no record of a training: {reason(error)}") from error
    if facts.get("network") != found[0].stem:
        raise UserError(f"{found[0]} is no record of a training: it is not of a network {found[0].stem!r}")
    return facts


def _coarser_network(network, levels):
    if levels == ALL_LEVELS:
        return network
    return replace(network, layers=tuple(
        replace(layer, weights=coarser(layer.weights, levels)) if hasattr(layer, "weights") else layer for layer in network.layers))


def main(words=None):
    """Keep the network that the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nets.keep", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="what nets.train wrote, like build/train/vgg-a")
    parser.add_argument("--data", required=True, metavar="DIR", help="CIFAR-10, whose training images calibrate")
    parser.add_argument("--levels", type=int, default=ALL_LEVELS, help="how many magnitudes each filter's weights have (default: %(default)s, all)")
    parser.add_argument("--output", type=Path, default=MODELS, metavar="DIR", help="folder to write to (default: the zoo's)")
    arguments = parser.parse_args(words)
    try:
        print(f"wrote {keep(arguments.folder, arguments.data, arguments.levels, arguments.output)}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
