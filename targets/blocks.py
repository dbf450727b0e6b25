# SPDX-License-Identifier: BSD-2-Clause
"""Says which block of the core each cell of a mapped netlist belongs to, by the names that MyHDL gives: approximate, but enough to see where area goes."""

import re
from collections import deque

from targets.netlist import count, input_bits, output_bits

# compute_engine0_pe_grid0_sums: instances of blocks, each with its number, then the signal, which may have numbers of its own (valid_1).
_INSTANCE = re.compile(r"([a-z](?:[a-z_]*[a-z])?)\d+_(?=[a-z])")
CORE = "sparcnet_core."
TOP = "top"
UNKNOWN = "unknown"


def block_of(name, levels):
    """Return the block that a signal or memory is in, at most `levels` deep, instances of the same block as one; TOP where no block is named."""
    name, blocks, place = name.removeprefix(CORE), [], 0
    while len(blocks) < levels and (match := _INSTANCE.match(name, place)):
        blocks.append(match.group(1))
        place = match.end()
    return "/".join(blocks) or TOP


def blocks_of_cells(netlist, levels):
    """Return {name of a cell: block}. A cell without a readable name belongs to the nearest cell behind it that has one."""
    cells, labels = netlist.cells, {}
    drivers = {bit: name for name, cell in cells.items() for bit in output_bits(cell)}
    for name, cell in cells.items():
        readable = name if not name.startswith("$") else next((netlist.names[bit] for bit in output_bits(cell) if bit in netlist.names), None)
        if readable:
            labels[name] = block_of(readable, levels)
    queue = deque(labels)
    while queue:
        name = queue.popleft()
        for bit in input_bits(cells[name]):
            driver = drivers.get(bit)
            if driver and driver not in labels:
                labels[driver] = labels[name]
                queue.append(driver)
    return {name: labels.get(name, UNKNOWN) for name in cells}


def resources_by_block(netlist, levels=3):
    """Return [(block, Resources)], those with most LUTs first."""
    blocks = {}
    for name, block in blocks_of_cells(netlist, levels).items():
        blocks.setdefault(block, {})[name] = netlist.cells[name]
    rows = [(block, count(cells)) for block, cells in blocks.items()]
    return sorted(rows, key=lambda row: (-row[1].lut, row[0]))
