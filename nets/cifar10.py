# SPDX-License-Identifier: BSD-2-Clause
"""CIFAR-10: its images, read once from whatever form they come in and kept decoded under build/."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nets.cifar10_formats import files_read, find_source, read_source
from nets.unreadable import UNREADABLE
from nets.whole_file import whole_file

CACHE = Path(__file__).parents[1] / "build" / "cifar10"

# What networks read: (pixel - MIDDLE) / SPREAD. As int8 it is the pixel minus 128 at a scale of 1 / 64: nothing is lost.
MIDDLE, SPREAD = 128, 64


@dataclass(frozen=True)
class LabelledImages:
    """images uint8 [N, 32, 32, 3] RGB, labels uint8 [N], 0 to 9; `source` is the file or folder that they are from."""

    images: np.ndarray
    labels: np.ndarray
    source: str


def load_cifar10(path, part, advance=lambda done: None, cache=None):
    """Return the LabelledImages of `part` ("train" or "test") of CIFAR-10 at `path`, a folder or a file.

    advance is called with how many images are decoded, unless the folder `cache` (None: CACHE) has them all already. Raises UserError where the data
    is not there or damaged.
    """
    source = find_source(path, part)
    kept = Path(cache or CACHE) / f"{_key(source, part)}.npz"
    found = _decoded(kept)
    if found is None:
        found = read_source(source, part, advance)
        with whole_file(kept) as file:
            np.savez(file, x=found[0], y=found[1])
    return LabelledImages(*found, source.name)


def _decoded(path):
    """Return (images, labels) as they were kept decoded, None where they were not, or where the file is damaged: then they are decoded anew."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            return stored["x"], stored["y"]
    except UNREADABLE:
        return None


def as_input(images):
    """Return float32 [N, 32, 32, 3], as networks read them, of uint8 images."""
    return (images.astype(np.float32) - MIDDLE) / SPREAD


def _key(source, part):
    """A name that changes with the place, names, sizes and times of the files that are read."""
    place = source.resolve()
    stats = ((name, file.stat()) for name, file in files_read(source, part))
    facts = [(str(place / name), stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return f"{part}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}"
