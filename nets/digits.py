# SPDX-License-Identifier: BSD-2-Clause
"""The digits network: convolution 3x3, 3x3, max pool 2x2, convolution 3x3, fully connected; trained, pruned, tuned, quantised. Needs torch."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from accel.errors import UserError
from compiler.ir import Conv2D, FullyConnected, MaxPool2D, Network, Padding, TensorInfo
from nets.digits_data import digits
from nets.prune import BLOCK, COLUMNS, connection_mask, keep_filters
from nets.quantise import activation_scale, quantise_layer


@dataclass(frozen=True)
class Recipe:
    """Filters of each convolution before and after pruning, and input channels that each tile of 16 filters keeps of each block of 32.

    Raises UserError where less than one or more than all are kept, and for a seed that is none.
    """

    filters: tuple = (16, 32, 32)
    kept_filters: tuple = (12, 24, 28)
    kept_inputs: tuple = (1, 8, 16)
    epochs: int = 60
    tuning_epochs: int = 60
    seed: int = 1

    def __post_init__(self):
        for kept, there in zip(self.kept_filters, self.filters, strict=True):
            if not 1 <= kept <= there:
                raise UserError(f"of {there} filters 1 to {there} can be kept, not {kept}")
        for kept in self.kept_inputs:
            if not 1 <= kept <= BLOCK:
                raise UserError(f"of each block of {BLOCK} input channels 1 to {BLOCK} can be kept, not {kept}")
        if not 0 <= self.seed < 1 << 32:
            raise UserError(f"seed must be 0 to 4294967295, not {self.seed}")


class DigitsNet(nn.Module):
    """Three convolutions with batch norm and ReLU, a max pool after the second, one fully connected layer."""

    def __init__(self, filters):
        super().__init__()
        inputs = (1, *filters[:2])
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(inputs, filters, strict=True))
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for o in filters)
        self.classifier = nn.Linear(4 * 4 * filters[2], 10)

    def features(self, images):
        """Return the maps after each ReLU and the pool, in order: [conv1, conv2, pool, conv3]."""
        maps, x = [], images
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            x = torch.relu(norm(convolution(x)))
            maps.append(x)
            if i == 1:
                x = torch.max_pool2d(x, 2)
                maps.append(x)
        return maps

    def forward(self, images):
        """Return logits [N, 10] of images [N, 1, 8, 8]."""
        return self.classifier(self.features(images)[-1].flatten(1))


def _shifted(images):
    """Move each image by up to one pixel, so that few images teach more."""
    padded = nn.functional.pad(images, (1, 1, 1, 1))
    offsets = torch.randint(0, 3, (len(images), 2))
    return torch.stack([padded[i, :, y:y + 8, x:x + 8] for i, (y, x) in enumerate(offsets.tolist())])


def _fit(model, images, labels, epochs, masks, progress):
    optimiser = torch.optim.Adam(model.parameters(), 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for first in range(0, len(order), 64):
            batch = order[first:first + 64]
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(_shifted(images[batch])), labels[batch], label_smoothing=0.05).backward()
            optimiser.step()
            for convolution, mask in zip(model.convolutions, masks, strict=True):
                convolution.weight.data *= mask
        schedule.step()
        progress()


def _prune(model, recipe):
    """Return (a smaller model without the pruned filters, the masks of its convolutions' connections)."""
    smaller = DigitsNet(recipe.kept_filters)
    masks, inputs = [], np.arange(1)
    for i, (old, new) in enumerate(zip(model.convolutions, smaller.convolutions, strict=True)):
        weights = old.weight.detach().numpy().transpose(0, 2, 3, 1)
        filters = keep_filters(weights * model.norms[i].weight.detach().numpy()[:, None, None, None], recipe.kept_filters[i])
        new.weight.data = old.weight.data[filters][:, inputs].clone()
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(smaller.norms[i], name).data = getattr(model.norms[i], name).data[filters].clone()
        mask = connection_mask(weights[filters][..., inputs], COLUMNS, BLOCK, recipe.kept_inputs[i])
        masks.append(torch.tensor(mask[:, :, None, None], dtype=torch.float32))
        new.weight.data *= masks[-1]
        inputs = filters
    kept = model.classifier.weight.data.reshape(10, -1, 4, 4)[:, inputs]
    smaller.classifier.weight.data = kept.reshape(10, -1).clone()
    smaller.classifier.bias.data = model.classifier.bias.data.clone()
    return smaller, masks


def _fold(convolution, norm):
    """Return (weights [O, H, W, I], bias [O]) of a convolution with its batch norm folded in."""
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy().astype(np.float64)
    weights = convolution.weight.detach().numpy().astype(np.float64).transpose(0, 2, 3, 1)
    return weights * scale[:, None, None, None], norm.bias.detach().numpy() - norm.running_mean.numpy() * scale


def _quantise(model, images, name):
    """Return the int8 Network of a trained model; ranges come from `images`."""
    model.eval()
    with torch.no_grad():
        maps, logits = model.features(images), model(images)
    names = ("image", "conv1", "conv2", "pool", "conv3", "logits")
    sizes = (8, 8, 8, 4, 4, 1)
    ranges = [(0, 1), *((0, float(x.max())) for x in maps), (float(logits.min()), float(logits.max()))]
    ranges[3] = ranges[2]  # a pool's output has its input's scale
    channels = (1, *(x.shape[1] for x in maps), 10)
    tensors = {tensor: TensorInfo(tensor, size, size, count, *activation_scale(*limits))
               for tensor, size, count, limits in zip(names, sizes, channels, ranges, strict=True)}
    layers = []
    sources = ("image", "conv1", "pool")
    for i, target in enumerate(("conv1", "conv2", "conv3")):
        weights, bias = _fold(model.convolutions[i], model.norms[i])
        layers.append(Conv2D(target, sources[i], target, **quantise_layer(weights, bias, tensors[sources[i]].scale, tensors[target].scale),
                             padding=Padding(1, 1, 1, 1), clamp_min=tensors[target].zero_point))
    layers.insert(2, MaxPool2D("pool", "conv2", "pool", (2, 2), (2, 2)))
    weights = model.classifier.weight.detach().numpy().astype(np.float64).reshape(10, -1, 4, 4).transpose(0, 2, 3, 1)
    layers.append(FullyConnected("dense", "conv3", "logits", **quantise_layer(
        weights, model.classifier.bias.detach().numpy(), tensors["conv3"].scale, tensors["logits"].scale)))
    return Network(name, "image", "logits", tensors, tuple(layers), tuple("0123456789"))


def train(recipe, progress=lambda: None):
    """Return the trained, pruned, quantised Network. `progress` is called once an epoch."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    images, labels = digits(held_back=False)
    images, labels = torch.tensor(images.transpose(0, 3, 1, 2)), torch.tensor(labels)
    model = DigitsNet(recipe.filters)
    _fit(model, images, labels, recipe.epochs, [torch.ones(1)] * 3, progress)
    model, masks = _prune(model, recipe)
    _fit(model, images, labels, recipe.tuning_epochs, masks, progress)
    return _quantise(model, images, "digits")
