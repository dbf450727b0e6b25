# SPDX-License-Identifier: BSD-2-Clause
"""The option that says which feature maps are pruned at run time, the same for every verb that has it."""

from pathlib import Path

from accel.errors import UserError
from compiler.pruning import exact_pruning
from nets.pruning_file import read_pruning


def add_pruning_option(group, more):
    """Add --dfp to a group of an argparse parser; `more`: how its help goes on."""
    group.add_argument("--dfp", metavar="FILE", help=f"leave out the feature maps that the file of --calibrate-dfp says, {more}")


def calibrated_pruning(text, network):
    """Return the Pruning of `network` in the file that --dfp names, None where it names none. Raises UserError where it is another's, and for 0."""
    if text == "0":
        raise UserError("--dfp 0 changes no answer, only cycles: give a file of --calibrate-dfp, or leave it out")
    return None if text is None else read_pruning(Path(text), network)


def pruning_of(text, network, images):
    """Return the Pruning that --dfp asks for, None where it does not: of a file, or with threshold 0, judged by some of int8 `images`."""
    if text != "0":
        return calibrated_pruning(text, network)
    return exact_pruning(network, images)
