# SPDX-License-Identifier: BSD-2-Clause
"""How a network is trained: everything that decides the result, in one record that its checkpoints and results carry."""

from dataclasses import dataclass
from math import cos, inf, pi

from accel.errors import UserError
from nets.cifar10_formats import SIZE
from nets.sfp import check_share

SCHEDULES = ("one-cycle", "cosine")
PRECISIONS = ("fp32", "bf16")

# Share of the training over which the rate rises.
_RISE = {"one-cycle": 0.25, "cosine": 0.05}
_SMALLEST = 16
# What a number must be, in words and as a condition, which infinity and "not a number" fail too.
_RANGES = {
    "rate": ("above 0 and finite", lambda value: 0 < value < inf),
    "momentum": ("at least 0 and below 1", lambda value: 0 <= value < 1),
    "decay": ("at least 0 and finite", lambda value: 0 <= value < inf),
    "smoothing": ("at least 0 and below 1", lambda value: 0 <= value < 1),
    "seed": ("0 to 4294967295", lambda value: 0 <= value < 1 << 32),  # PyTorch's is of 64 bits, and each epoch makes one of its own from it
}


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with Nesterov momentum, or, with a momentum of 0, without. Raises UserError where a number is none of use.

    rate: the largest learning rate; schedule: how it rises to that and falls. sizes: ((pixels, epochs), ...), the first epochs on images made
    smaller, the others on whole ones: cheap, but where the map comes to a single pixel early, as in VGG's last stage, only the middles of the
    windows learn then. images: how many of the training images, None for all. smoothing: of the labels. filters and density: what
    pruning leaves, as nets.sfp says: filters at the beginning, connections over the first half of the epochs.
    """

    epochs: int = 20
    batch: int = 128
    rate: float = 0.1
    schedule: str = "one-cycle"
    momentum: float = 0.9
    decay: float = 5e-4
    smoothing: float = 0.1
    sizes: tuple = ()
    images: int | None = None
    seed: int = 1
    precision: str = "fp32"
    filters: float = 1.0
    density: float = 1.0

    def __post_init__(self):
        check_share("density", self.density)
        check_share("share of filters", self.filters)
        for name, least in (("epochs", 1), ("batch", 2), ("images", 2)):
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise UserError(f"{name} must be at least {least}, not {getattr(self, name)}")
        for name, (words, holds) in _RANGES.items():
            if not holds(getattr(self, name)):
                raise UserError(f"{name} must be {words}, not {getattr(self, name)}")
        for pixels, epochs in self.sizes:
            if not _SMALLEST <= pixels <= SIZE or epochs < 1:
                raise UserError(f"{epochs} epochs on {pixels} pixels: give at least one epoch, and {_SMALLEST} to {SIZE} pixels")
        if sum(epochs for _, epochs in self.sizes) > self.epochs:
            raise UserError(f"the epochs on smaller images are more than the {self.epochs} of the whole training")
        for name, known in (("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise UserError(f"unknown {name} {getattr(self, name)!r}: choose {' or '.join(known)}")

    def size(self, epoch):
        """Return the pixels of an image's side in `epoch`, from 0."""
        for pixels, epochs in self.sizes:
            if epoch < epochs:
                return pixels
            epoch -= epochs
        return SIZE

    def learning_rate(self, done):
        """Return the rate when the share `done`, 0 to 1, of all steps is done."""
        rise = _RISE[self.schedule]
        if done < rise:
            return self.rate * (0.05 + 0.95 * done / rise)
        fallen = (done - rise) / (1 - rise)
        return self.rate * ((1 - fallen) if self.schedule == "one-cycle" else (1 + cos(pi * fallen)) / 2)
