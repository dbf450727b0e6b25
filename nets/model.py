# SPDX-License-Identifier: BSD-2-Clause
"""A model as its user brought it: the quantised network, and what is known of where it came from."""

from dataclasses import dataclass, field
from pathlib import Path

from compiler.ir import Network


@dataclass(frozen=True)
class Model:
    """`network` is what is compiled and run.

    source: the file it came from, None for one of the zoo. real: the FloatNetwork that was quantised, None where the source was quantised already.
    notes: what was folded, dropped or re-expressed on the way in, a sentence each. indices: {tensor of the network: its number in a TFLite file},
    for tensors that both have; empty where the source is no TFLite file.
    """

    network: Network
    source: Path | None = None
    real: object | None = None
    notes: tuple = ()
    indices: dict = field(default_factory=dict)
