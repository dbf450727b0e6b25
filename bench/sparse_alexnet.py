# SPDX-License-Identifier: BSD-2-Clause
"""How much of an unstructured sparsity the channel masks can use: two sparse trainings of AlexNet's convolutions, by others."""

from rich.table import Table

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.mask_use import mask_use, total
from compiler.order import reduce_network
from nets.sparse_caffenet import TRAININGS, sparse_caffenet

CONFIG = "arty-35"


def mask_uses(training):
    """Return [MaskUse] of the convolutions of one of TRAININGS and of all together. Raises UserError where the real data are not there."""
    network, _ = sparse_caffenet(training)
    config = CONFIGS[CONFIG]
    uses = [use for use in mask_use(network, reduce_network(network, config).network, config.columns) if use.name.startswith("conv")]
    return [*uses, total(uses)]


def masks_table():
    """Return the table of what the masks leave of each training, layer by layer, computed; where the data are not there it is empty and says so."""
    table = Table("training", "layer", title="two sparse trainings of AlexNet (CaffeNet, groups): shares of the dense multiply-accumulates, computed")
    for head in ("dense MMAC", "weights not 0", "masks, channels as given", "masks, channels ordered"):
        table.add_column(head, justify="right")
    try:
        for training in TRAININGS:
            for use in mask_uses(training):
                shares = (f"{count / use.dense:.1%}" for count in (use.nonzero, use.given, use.ordered))
                table.add_row(training, use.name, f"{use.dense / 1e6:,.1f}", *shares, end_section=use.name == "all")
    except UserError as error:
        table.caption = str(error)
    return table
