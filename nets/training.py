# SPDX-License-Identifier: BSD-2-Clause
"""Trains a defined network on CIFAR-10, epoch by epoch, from where its checkpoint stands. Needs torch."""

import hashlib
import time
from dataclasses import asdict

import torch
from torch import nn

from accel.errors import UserError
from nets.augment import Batches, as_tensor
from nets.checkpoint import load_checkpoint, save_checkpoint
from nets.sfp import connection_masks, scheduled_density
from nets.torch_net import DefinedNet, cut_net, folded_weights

_EVALUATED_AT_ONCE = 250


class Training:
    """A training of one network by one Recipe, on LabelledImages.

    checkpoint: a path; where there is such a file the training goes on from it, and the network's weights, momenta and epoch are those at its end.
    start: a path of another training's checkpoint, whose network is what this one begins with (fine-tuning); None: random weights.
    Raises UserError where the checkpoint was begun with another recipe, network, start or data.
    """

    def __init__(self, definition, recipe, pictures, checkpoint, start=None, device="cpu"):
        self.recipe, self.checkpoint, self.device, self.history = recipe, checkpoint, torch.device(device), []
        self.facts = {"data": pictures.source, "data_images": len(pictures.labels), "start": None}
        self.images, self.labels = self._chosen(pictures)
        torch.manual_seed(recipe.seed)
        stored = self._resume(definition, start) if checkpoint.exists() else None
        if stored is None:
            net = self._begin(definition, start)
            self.net = net.to(self.device, memory_format=torch.channels_last)
            self.net.set_masks(net.connections())
        weights = [value for value in self.net.parameters() if value.ndim > 1]
        others = [value for value in self.net.parameters() if value.ndim == 1]
        self.optimiser = torch.optim.SGD([{"params": weights, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0.0}],
                                         recipe.rate, recipe.momentum, nesterov=recipe.momentum > 0)
        if stored is not None:
            self.optimiser.load_state_dict(stored["optimiser"])

    @property
    def epoch(self):
        """How many epochs are done."""
        return len(self.history)

    @property
    def finished(self):
        """Whether all epochs are done."""
        return self.epoch >= self.recipe.epochs

    def run_epoch(self, advance=lambda images, loss, accuracy: None):
        """Train for one epoch and write the checkpoint; returns its facts as a dict.

        advance is called after each batch: images of the batch, its loss, the share that it had right.
        """
        began, epoch = time.monotonic(), self.epoch
        if self.recipe.density < 1:
            self._prune(epoch)
        self.net.train()
        batches = Batches(self.images, self.labels, self.recipe, epoch)
        losses, right, count = 0.0, 0.0, 0
        for number, (images, labels) in enumerate(batches):
            rate = self.recipe.learning_rate((epoch + number / len(batches)) / self.recipe.epochs)
            loss, hits = self._step(images, labels, rate)
            losses, right, count = losses + loss * len(labels), right + hits, count + len(labels)
            advance(len(labels), loss, hits / len(labels))
        self.history.append({"epoch": epoch + 1, "pixels": batches.size, "loss": losses / count, "accuracy": right / count,
                             "seconds": time.monotonic() - began})
        save_checkpoint(self.checkpoint, self.net, self.optimiser, self.epoch, asdict(self.recipe), self.facts, self.history)
        return self.history[-1]

    def _step(self, images, labels, rate):
        """Take one step; returns (loss, how many were right)."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        with self._precision():
            logits = self.net(images)
        loss = nn.functional.cross_entropy(logits.float(), labels, label_smoothing=self.recipe.smoothing)
        if not torch.isfinite(loss):
            raise UserError(f"the loss is no number any more in epoch {self.epoch + 1}: choose a smaller --rate than {self.recipe.rate}")
        loss.backward()
        self.optimiser.step()
        self.net.apply_masks()
        return loss.item(), (logits.argmax(1) == labels).sum().item()

    def _precision(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")

    def _prune(self, epoch):
        weights = {name: weights for name, (weights, _) in folded_weights(self.net).items()}
        density = scheduled_density(self.recipe.density, epoch, self.recipe.epochs)
        self.net.set_masks(connection_masks(self.net.definition, weights, density))

    def _chosen(self, pictures):
        """Return (images, labels) as tensors: all, or as many as the recipe says, drawn by its seed."""
        count, wanted = len(pictures.labels), self.recipe.images or len(pictures.labels)
        if wanted > count:
            raise UserError(f"there are {count} training images, not {wanted}")
        images, labels = torch.as_tensor(pictures.images), torch.as_tensor(pictures.labels).long()
        if wanted < count:
            some = torch.randperm(count, generator=torch.Generator().manual_seed(self.recipe.seed))[:wanted]
            images, labels = images[some], labels[some]
        return images.to(self.device), labels.to(self.device)

    def _begin(self, definition, start):
        if start is None:
            net = DefinedNet(definition)
        else:
            net, stored = load_checkpoint(start)
            if stored["network"] != definition.name:
                raise UserError(f"{start} is a training of {stored['network']!r}, not of {definition.name!r}")
            self.facts["start"] = {"recipe": stored["recipe"], **stored["facts"], "epochs": stored["epoch"], "sha256": _sha256(start)}
        if self.recipe.filters < 1:
            if net.masks:
                raise UserError(f"{start} has pruned connections already: prune filters first, or in the same training")
            net = cut_net(net, self.recipe.filters)
        return net

    def _resume(self, definition, start):
        net, stored = load_checkpoint(self.checkpoint)
        given = {"network": definition.name, **asdict(self.recipe), **self.facts, "start": _sha256(start)}
        begun = {"network": stored["network"], **stored["recipe"], **stored["facts"]}
        if begun["start"] is not None:
            # Checkpoints did not always know which start was theirs: these go on with any.
            begun["start"] = begun["start"].get("sha256", given["start"])
        for name, value in given.items():
            if begun.get(name) != value:
                raise UserError(f"{self.checkpoint} was begun with {name} {begun.get(name)!r}, not {value!r}: "
                                "give the same options or another --output")
        self.facts, self.history = stored["facts"], stored["history"]
        self.net = net.to(self.device)
        self.net.set_masks(net.connections())
        return stored


def _sha256(start):
    """Return what tells one checkpoint from all others, None of none. Raises UserError where it cannot be read."""
    if start is None:
        return None
    try:
        with start.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{start} is no checkpoint that can be read: {error.strerror}") from error


@torch.no_grad()
def accuracy(net, pictures, device="cpu"):
    """Return the share of LabelledImages that a DefinedNet classifies rightly, in float32."""
    net.eval()
    right = 0
    for first in range(0, len(pictures.labels), _EVALUATED_AT_ONCE):
        some = slice(first, first + _EVALUATED_AT_ONCE)
        logits = net(as_tensor(torch.as_tensor(pictures.images[some]).to(device)))
        right += (logits.argmax(1).cpu() == torch.as_tensor(pictures.labels[some])).sum().item()
    return right / len(pictures.labels)
