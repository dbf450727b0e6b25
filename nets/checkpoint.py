# SPDX-License-Identifier: BSD-2-Clause
"""The state of a training on disk: written whole or not at all, and read without running what is in it. Needs torch."""

import pickle
from dataclasses import replace

import torch

from accel.errors import UserError
from nets.definition import Definition
from nets.paper import define
from nets.torch_net import DefinedNet
from nets.unreadable import UNREADABLE
from nets.whole_file import whole_file

FORMAT = "sparcnet-training-1"
_FIELDS = ("network", "outputs", "masks", "net", "optimiser", "epoch", "recipe", "facts", "history")


def save_checkpoint(path, net, optimiser, epoch, recipe, facts, history):
    """Write what goes on with a training after `epoch` epochs to `path`.

    recipe: a dict; facts: a dict of what was trained on; history: a dict an epoch. All are of numbers, texts, lists and dicts.
    """
    content = {"format": FORMAT, "network": net.definition.name, "outputs": {layer.name: layer.outputs for layer in net.definition.weighted},
               "masks": {name: mask.flatten(1).cpu() for name, mask in net.masks.items()}, "net": net.state_dict(),
               "optimiser": optimiser.state_dict(), "epoch": epoch, "recipe": recipe, "facts": facts, "history": history}
    with whole_file(path) as file:
        torch.save(content, file)


def load_checkpoint(path):
    """Return (DefinedNet, the content as `save_checkpoint` wrote it). Raises UserError where the file is no checkpoint."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (*UNREADABLE, pickle.UnpicklingError) as error:
        # torch's own words advise to run what the file may hold.
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no file of PyTorch's, is damaged, or holds more than numbers"
        raise UserError(f"{path} is no checkpoint that can be read: {why}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or not set(_FIELDS) <= set(content):
        raise UserError(f"{path} is no checkpoint of nets.train")
    try:
        net = DefinedNet(_with_outputs(define(content["network"]), content["outputs"])).to(memory_format=torch.channels_last)
        net.load_state_dict(content["net"])
        net.set_masks(content["masks"])
    except UNREADABLE as error:
        raise UserError(f"{path} holds weights of another {content['network']!r} than the project's: train it anew") from error
    return net, content


def _with_outputs(definition, outputs):
    """Return a Definition whose layers are as wide as a cut has left them."""
    layers = tuple(replace(layer, outputs=outputs[layer.name]) if layer.name in outputs else layer for layer in definition.layers)
    return Definition(definition.name, definition.input_shape, layers)
