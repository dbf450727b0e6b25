# SPDX-License-Identifier: BSD-2-Clause
"""`python -m nets.train digits`: trains a network of the zoo and writes its quantised weights."""

import argparse
import sys
from pathlib import Path

from rich.progress import Progress

from accel.errors import UserError
from nets.file import save_network
from nets.zoo import MODELS, accuracy


def _train_digits(arguments):
    try:
        from nets.digits import Recipe, train
    except ImportError as error:
        raise UserError(f"training needs torch ({error}): .venv/bin/pip install -r requirements-train.txt") from error
    recipe = Recipe(kept_filters=tuple(arguments.kept_filters), kept_inputs=tuple(arguments.kept_inputs), seed=arguments.seed)
    with Progress() as progress:
        task = progress.add_task("training digits", total=recipe.epochs + recipe.tuning_epochs)
        return train(recipe, lambda: progress.advance(task))


def main():
    """Train as the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nets.train", description=__doc__)
    parser.add_argument("network", choices=["digits"])
    parser.add_argument("--output", type=Path, default=MODELS / "digits.npz", help="file to write (default: the one in the project)")
    parser.add_argument("--kept-filters", type=int, nargs=3, default=(12, 24, 28), help="filters that each convolution keeps of 16, 32, 32")
    parser.add_argument("--kept-inputs", type=int, nargs=3, default=(1, 8, 16),
                        help="input channels that each tile of 16 filters keeps of each block of 32")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        network = _train_digits(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    save_network(network, arguments.output)
    print(f"wrote {arguments.output}: accuracy {accuracy(network):.4f} on the held-back images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
