# SPDX-License-Identifier: BSD-2-Clause
"""`python -m nets.train NETWORK`: trains the digits network of the zoo, or a network of the paper on CIFAR-10."""

import argparse
import sys
from pathlib import Path

from rich.progress import Progress

from accel.errors import UserError
from nets.file import save_network
from nets.paper import BASELINES, CIFAR10, define
from nets.recipe import PRECISIONS, SCHEDULES, Recipe
from nets.writable import check_file
from nets.zoo import MODELS, accuracy

OUTPUT = Path(__file__).parents[1] / "build" / "train"


def _needs_torch(error):
    return UserError(f"training needs torch ({error}): run `make train`")


def _train_digits(arguments):
    try:
        from nets import digits
    except ImportError as error:
        raise _needs_torch(error) from error
    recipe = digits.Recipe(kept_filters=tuple(arguments.kept_filters), kept_inputs=tuple(arguments.kept_inputs), seed=arguments.seed)
    check_file(arguments.output)
    with Progress() as progress:
        task = progress.add_task("training digits", total=recipe.epochs + recipe.tuning_epochs)
        network = digits.train(recipe, lambda: progress.advance(task))
    save_network(network, arguments.output)
    print(f"wrote {arguments.output}: accuracy {accuracy(network):.4f} on the held-back images")


def _train_cifar10(arguments):
    try:
        from nets.train_cifar10 import train_cifar10
    except ImportError as error:
        raise _needs_torch(error) from error
    arguments.output = arguments.output or OUTPUT / arguments.network
    result = train_cifar10(arguments)
    if result is not None:
        print(f"wrote {arguments.output / arguments.network}.onnx: accuracy {result['accuracy']:.4f} on {result['test_images']} test images")


def _sizes(text):
    """Parse "16:8,24:6": 8 epochs on images of 16 x 16 pixels, then 6 of 24 x 24."""
    try:
        pairs = [pair.split(":") for pair in text.split(",")]
        return tuple((int(pixels), int(epochs)) for pixels, epochs in pairs)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 16:8,24:6 (pixels:epochs)") from None


def _add_digits(parser):
    parser.add_argument("--output", type=Path, default=MODELS / "digits.npz", help="file to write (default: the one in the project)")
    parser.add_argument("--kept-filters", type=int, nargs=3, default=(12, 24, 28), help="filters that each convolution keeps of 16, 32, 32")
    parser.add_argument("--kept-inputs", type=int, nargs=3, default=(1, 8, 16),
                        help="input channels that each tile of 16 filters keeps of each block of 32")
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(train=_train_digits)


def _add_cifar10(parser):
    usual = Recipe()
    parser.add_argument("--data", required=True, type=Path, metavar="PATH", help="CIFAR-10: a folder with its batches, images or archives, or a file")
    parser.add_argument("--test-data", type=Path, metavar="PATH", help="where the test images are, if elsewhere")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"folder for checkpoint, ONNX and result (default: build/{OUTPUT.name}/NETWORK)")
    parser.add_argument("--start", type=Path, metavar="FILE", help="begin with the weights of this checkpoint instead of random ones")
    parser.add_argument("--minutes", type=float, help="stop in time; the same command goes on")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU where there is one")
    parser.add_argument("--threads", type=int, help="threads on the CPU (default: one a core)")
    how = parser.add_argument_group("what decides the result")
    how.add_argument("--epochs", type=int, default=usual.epochs)
    how.add_argument("--sizes", type=_sizes, default=usual.sizes, metavar="PIXELS:EPOCHS,...", help="first epochs on smaller images, as 16:8,24:6")
    how.add_argument("--images", type=int, help="train on so many images only")
    how.add_argument("--batch", type=int, default=usual.batch)
    how.add_argument("--rate", type=float, default=usual.rate, help=f"largest learning rate (default {usual.rate})")
    how.add_argument("--schedule", choices=SCHEDULES, default=usual.schedule)
    how.add_argument("--momentum", type=float, default=usual.momentum)
    how.add_argument("--decay", type=float, default=usual.decay, help=f"weight decay (default {usual.decay})")
    how.add_argument("--smoothing", type=float, default=usual.smoothing, help=f"of the labels (default {usual.smoothing})")
    how.add_argument("--precision", choices=PRECISIONS, default=usual.precision)
    how.add_argument("--seed", type=int, default=usual.seed)
    how.add_argument("--filters", type=float, default=1.0, metavar="SHARE", help="pruning: share of each convolution's filters that stays")
    how.add_argument("--density", type=float, default=1.0, metavar="SHARE", help="pruning: share of each layer's connections that stays")
    parser.set_defaults(train=_train_cifar10)


def _describe(name):
    return f"train {name} on CIFAR-10" + (f", which is {BASELINES[name]} reduced" if name in BASELINES else "")


def main(arguments=None):
    """Train as the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nets.train", description=__doc__)
    networks = parser.add_subparsers(dest="network", metavar="NETWORK", required=True, help=", ".join(("digits", *CIFAR10)))
    _add_digits(networks.add_parser("digits", description="train the network of the demo on scikit-learn's digits"))
    for name in CIFAR10:
        _add_cifar10(networks.add_parser(name, description=_describe(name)))
    chosen = parser.parse_args(arguments)
    try:
        chosen.train(chosen)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
