# SPDX-License-Identifier: BSD-2-Clause
"""A definition as a PyTorch module, and a trained module's weights as arrays. Needs torch."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nets.sfp import cut_filters

NORM_EPSILON = 1e-5


class DefinedNet(nn.Module):
    """The layers of a Definition; `forward` takes images [N, C, H, W] and gives logits [N, classes].

    A convolution with norm has no bias of its own: the batch norm behind it has one. A ReLU follows the norm.
    """

    def __init__(self, definition):
        super().__init__()
        self.definition, self.masks = definition, {}
        self.weighted = nn.ModuleDict({layer.name: _module(definition, layer) for layer in definition.weighted})
        self.norms = nn.ModuleDict({layer.name: nn.BatchNorm2d(layer.outputs, NORM_EPSILON) for layer in definition.weighted if _has_norm(layer)})
        for layer in definition.weighted:
            nn.init.kaiming_normal_(self.weighted[layer.name].weight, nonlinearity="relu" if layer.relu else "linear")
            if self.weighted[layer.name].bias is not None:
                nn.init.zeros_(self.weighted[layer.name].bias)

    def maps(self, images):
        """Return {tensor: its maps [N, C, H, W]} for images [N, C, H, W]."""
        maps = {self.definition.input: images}
        for layer in self.definition.layers:
            maps[layer.output] = self._run(layer, [maps[source] for source in layer.inputs])
        return maps

    def forward(self, images):
        """Return logits [N, classes] of images [N, C, H, W]."""
        return self.maps(images)[self.definition.output].flatten(1)

    def set_masks(self, masks):
        """Take {layer: bool [outputs, inputs of a group]}: which connections of these layers may be other than 0; sets the others to 0."""
        self.masks = {}
        for name, mask in masks.items():
            weight = self.weighted[name].weight
            mask = torch.as_tensor(mask, dtype=torch.bool, device=weight.device)
            self.masks[name] = mask[(..., *(None,) * (weight.ndim - 2))]
        self.apply_masks()

    @torch.no_grad()
    def apply_masks(self):
        """Set to 0 what the masks clear; to be called after each step of training."""
        for name, mask in self.masks.items():
            self.weighted[name].weight.mul_(mask)

    def connections(self):
        """Return {layer: bool [outputs, inputs of a group]}, the masks as arrays."""
        return {name: mask.flatten(1).cpu().numpy() for name, mask in self.masks.items()}

    def _run(self, layer, sources):
        x = sources[0]
        if layer.op == "conv2d":
            x = self.weighted[layer.name](_padded(x, layer.padding))
            if layer.name in self.norms:
                x = self.norms[layer.name](x)
            return torch.relu(x) if layer.relu else x
        if layer.op == "fully_connected":
            x = self.weighted[layer.name](x.permute(0, 2, 3, 1).flatten(1))[:, :, None, None]
            return torch.relu(x) if layer.relu else x
        if layer.op == "max_pool2d":
            # Training on smaller images comes to single pixels early: there is nothing left to pool then.
            return x if x.shape[2:] == (1, 1) else functional.max_pool2d(_padded(x, layer.padding, -torch.inf), layer.window, layer.stride)
        if layer.op == "average_pool2d":
            return functional.avg_pool2d(x, layer.window, layer.stride)
        return torch.cat(sources, 1)


def _has_norm(layer):
    return layer.op == "conv2d" and layer.norm


def _module(definition, layer):
    inputs = definition.shapes[layer.input]
    if layer.op == "fully_connected":
        return nn.Linear(int(np.prod(inputs)), layer.outputs)
    # Padding that is the same at opposite sides costs nothing in the convolution itself.
    return nn.Conv2d(inputs[2], layer.outputs, layer.kernel, layer.stride, groups=layer.groups, bias=not layer.norm,
                     padding=(layer.padding.top, layer.padding.left) if _even(layer.padding) else 0)


def _even(padding):
    return padding.top == padding.bottom and padding.left == padding.right


def _padded(x, padding, value=0.0):
    """Pad what a module does not pad itself: maps with other padding at one side than at the opposite one."""
    return x if _even(padding) else functional.pad(x, (padding.left, padding.right, padding.top, padding.bottom), value=value)


def cut_net(net, share):
    """Return a DefinedNet that keeps the most salient `share` of each convolution's filters of `net`, as nets.sfp.cut_filters says."""
    weights = {name: weights for name, (weights, _) in folded_weights(net).items()}
    cut = cut_filters(net.definition, weights, share)
    smaller = DefinedNet(cut.definition)
    with torch.no_grad():
        for layer in cut.definition.weighted:
            old, new, kept = net.weighted[layer.name], smaller.weighted[layer.name], torch.as_tensor(cut.outputs[layer.name])
            own = cut.weights(layer.name, _as_stored(old.weight, net.definition.weights_shape(layer)))
            new.weight.copy_(torch.as_tensor(own.transpose(0, 3, 1, 2) if layer.op == "conv2d" else own.reshape(len(own), -1)))
            if new.bias is not None:
                new.bias.copy_(old.bias[kept])
            if layer.name in net.norms:
                for name in ("weight", "bias", "running_mean", "running_var"):
                    getattr(smaller.norms[layer.name], name).copy_(getattr(net.norms[layer.name], name)[kept])
    return smaller


def _as_stored(weight, shape):
    """Return a module's weights as an array [O, H, W, I of a group] of that shape."""
    weights = weight.detach().cpu().numpy()
    return weights.transpose(0, 2, 3, 1) if weights.ndim == 4 else weights.reshape(shape)


def folded_weights(net):
    """Return {layer: (weights float64 [O, H, W, I of a group], bias float64 [O])} of a DefinedNet, batch norms folded in."""
    folded = {}
    for layer in net.definition.weighted:
        module = net.weighted[layer.name]
        weights = _as_stored(module.weight, net.definition.weights_shape(layer)).astype(np.float64)
        if layer.name in net.norms:
            norm = {name: getattr(net.norms[layer.name], name).detach().cpu().numpy().astype(np.float64)
                    for name in ("weight", "bias", "running_mean", "running_var")}
            scale = norm["weight"] / np.sqrt(norm["running_var"] + NORM_EPSILON)
            weights, bias = weights * scale[:, None, None, None], norm["bias"] - norm["running_mean"] * scale
        else:
            bias = module.bias.detach().cpu().numpy().astype(np.float64)
        folded[layer.name] = weights, bias
    return folded
