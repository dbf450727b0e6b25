# SPDX-License-Identifier: BSD-2-Clause
"""Batches of CIFAR-10 for training: shuffled, shifted, mirrored, made smaller. Needs torch."""

import torch
from torch.nn import functional

from nets.cifar10 import MIDDLE, SPREAD

# Pixels by which an image may move in each direction; what comes in is mid-grey, 0 to the network.
SHIFT = 4


class Batches:
    """The batches of one epoch over uint8 images [N, 32, 32, 3] and labels [N], tensors on one device.

    All chance comes from the seed and the epoch, so that an epoch is the same whenever it runs.
    """

    def __init__(self, images, labels, recipe, epoch):
        self.images, self.labels, self.batch, self.size = images, labels, recipe.batch, recipe.size(epoch)
        generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
        count = len(images)
        self.order = torch.randperm(count, generator=generator)
        self.shifts = torch.randint(0, 2 * SHIFT + 1, (count, 2), generator=generator)
        self.mirrored = torch.rand(count, generator=generator) < 0.5

    def __len__(self):
        """How many batches there are: a last one that is not whole is left out, except where it is the only one."""
        return max(1, len(self.images) // self.batch)

    def __iter__(self):
        """Yield (images float [B, 3, size, size] in channels-last memory, labels [B])."""
        for number in range(len(self)):
            some = slice(number * self.batch, (number + 1) * self.batch)
            order = self.order[some].to(self.images.device)
            pixels = _moved(self.images[order], self.shifts[some].to(order.device), self.mirrored[some].to(order.device))
            yield resized(as_tensor(pixels), self.size), self.labels[order]


def as_tensor(pixels):
    """Return float32 [N, 3, H, W] of uint8 [N, H, W, 3], as networks read it, in channels-last memory."""
    return ((pixels.float() - MIDDLE) / SPREAD).permute(0, 3, 1, 2)


def resized(images, size):
    """Return images [N, C, H, W] as size x size."""
    if images.shape[2] == size:
        return images
    return functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


def _moved(pixels, shifts, mirrored):
    """Return pixels uint8 [N, H, W, 3], each image moved by shifts [N, 2] - SHIFT and, where so, mirrored."""
    side = pixels.shape[1]
    padded = functional.pad(pixels, (0, 0, SHIFT, SHIFT, SHIFT, SHIFT), value=MIDDLE)
    places = torch.arange(side, device=pixels.device)
    rows = shifts[:, :1] + places
    columns = shifts[:, 1:] + torch.where(mirrored[:, None], side - 1 - places, places)
    return padded[torch.arange(len(pixels), device=pixels.device)[:, None, None], rows[:, :, None], columns[:, None, :]]
