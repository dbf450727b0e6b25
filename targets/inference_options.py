# SPDX-License-Identifier: BSD-2-Clause
"""The options that every target which can run a model has, and what they come to."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accel.config import load_config
from accel.errors import UserError
from compiler.binary import build_binary
from nets.zoo import FILES
from soc.boards import BOARDS, Board
from targets.model_options import MOST_IMAGES, add_image_options, add_model_options, model_of, samples_of
from targets.pruning_options import add_pruning_option, pruning_of
from targets.tflite_check import tflite_check


def add_options(parser):
    """Add the options to an argparse parser."""
    add_model_options(parser)
    add_image_options(parser)
    group = parser.add_argument_group("running")
    group.add_argument("--count", type=int, help=f"how many images, the first ones of the set (default: {MOST_IMAGES}, or all where there are fewer)")
    group.add_argument("--batch", type=int, default=1, metavar="N",
                       help="how many images the accelerator takes in one run, which then share each layer's weights (default: %(default)s)")
    add_pruning_option(group, "or 0: those that are wholly at the zero point, which changes no output")
    group.add_argument("--run", action="store_true", help="run the model")
    group.add_argument("--json", metavar="FILE", help="write the run's figures to FILE")
    group.add_argument("--timeline", metavar="FILE.json",
                       help="write where the median image's cycles went as a trace for Perfetto or Chrome's viewer")
    group.add_argument("--roofline", metavar="FILE.png", help="draw the layers of the median image under the roofs of grid and memory")
    group.add_argument("--cpu", action="store_true", help="also run one image by the CPU alone")
    group.add_argument("--pictures", action="store_true", help="print the images as text, with label and prediction")
    parser.add_argument("--config", help="a configuration by name or .toml file (default: the board's, arty-35 on the Arty)")


@dataclass(frozen=True)
class Work:
    """What is to be run: the `binary` of a Model's network for `config`, on `samples` and `board`; `tflite` is the Comparison of a .tflite, else
    None."""

    config: object
    model: object
    samples: object
    binary: object
    tflite: object | None = None
    board: Board = BOARDS["arty"]

    @property
    def network(self):
        """The model's network."""
        return self.model.network

    @property
    def batch(self):
        """Images of one run."""
        return self.binary.model.batch

    @property
    def batches(self):
        """The images as a list of int8 [batch, H, W, C]; what is missing in the last one is its last image again."""
        images, size = self.samples.images, self.batch
        missing = -len(images) % size
        return list(np.concatenate([images, *[images[-1:]] * missing]).reshape(-1, size, *images.shape[1:]))


def work_of(arguments, board=BOARDS["arty"]):
    """Return the Work on `board` that parsed arguments name. Raises UserError where they do not fit each other."""
    if arguments.model is None:
        raise UserError(f"--run needs --model: a model by name, or {FILES}")
    for option in ("json", "timeline", "roofline"):
        file = getattr(arguments, option)
        if file and not Path(file).resolve().parent.is_dir():
            raise UserError(f"--{option} {file}: there is no folder {Path(file).resolve().parent}")
    if arguments.batch < 1:
        raise UserError(f"--batch must be at least 1, not {arguments.batch}")
    if arguments.roofline and not board.predicted:
        raise UserError(f"--roofline draws the roof of the Arty's memory, which the {board.target} does not have: leave it out")
    config = load_config(arguments.config or board.config)
    model = model_of(arguments)
    samples = samples_of(arguments, model.network, arguments.count)
    if arguments.pictures and samples.pictures is None:
        raise UserError("--pictures is for the project's own images; leave it out with --images")
    pruning = pruning_of(arguments.dfp, model.network, samples.images)
    binary = build_binary(model.network, config, arguments.cpu, arguments.batch, pruning)
    # TFLite prunes nothing: with thresholds above 0 its numbers are others.
    return Work(config, model, samples, binary, tflite_check(model) if pruning is None or pruning.exact else None, board)
