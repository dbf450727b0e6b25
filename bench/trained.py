# SPDX-License-Identifier: BSD-2-Clause
"""The networks that the project keeps trained on CIFAR-10: how they were trained, and how many of the 5,000 test images they classify rightly."""

import json
from dataclasses import dataclass

from nets.data import data_path
from nets.evaluation import evaluate
from nets.images import open_images
from nets.paper import CIFAR10
from nets.zoo import MODELS, PREPROCESSING, load_model, names

# All of nets.paper that nets.keep has put into the zoo.
TRAINED = tuple(name for name in CIFAR10 if name in names())
TEST = "cifar10/cifar10_test5000_jpeg.npz"


@dataclass(frozen=True)
class Accuracy:
    """Top-1 of a network's int8 on `count` test images, and `facts`, what nets.train and nets.keep wrote of its training."""

    top1: float
    count: int
    facts: dict

    @property
    def training(self):
        """A phrase: epochs, images, seed, and how coarse the weights are."""
        recipe = self.facts["recipe"]
        return (f"{self.facts['epochs']} epochs on {self.facts['train_images']:,} images ({self.facts['data']}), seed {recipe['seed']}, "
                f"{recipe['precision']}; {'no filter or connection pruned' if recipe['filters'] == recipe['density'] == 1 else 'pruned'}; kept with "
                f"{self.facts['levels']} magnitudes a filter")


def facts_of(name):
    """Return what was written of the training of the network `name`."""
    return json.loads((MODELS / f"{name}.json").read_text())


def _test_images(network, name):
    return open_images(data_path(TEST), network.tensors[network.input].shape, PREPROCESSING[name])


def trained_network(name):
    """Return (network, int8 images [1, H, W, C]): the first test image. Raises UserError where the real data are not there."""
    network = load_model(name).network
    return network, _test_images(network, name).int8(0, 1, network.tensors[network.input])


def accuracy_of(name, jobs, advance=lambda images: None):
    """Return the Accuracy of the network `name` by the reference, whose every tensor is the hardware's; advance: called with how many images more
    are done. Raises UserError where the real data are not there."""
    model = load_model(name)
    images = _test_images(model.network, name)
    found = evaluate(model, images, len(images), jobs, advance)
    return Accuracy(found.accuracy(found.int8), len(images), facts_of(name))
