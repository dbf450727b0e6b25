# SPDX-License-Identifier: BSD-2-Clause
"""An addition in the drain of the layer that computes one of its operands: tables, operand loads, the record that ends a stream."""

from dataclasses import dataclass

import numpy as np

from accel.registers import TABLE_WORDS
from compiler.numbers import multiply_by_quantized_multiplier
from compiler.weight_stream import PARAMETERS


def sum_record(config, add):
    """Return the records that end each stream of a layer with the addition `add`: its output scaling, one for each lane of the requantiser."""
    records = np.zeros(config.requantise_lanes, PARAMETERS)
    records["multiplier"], records["shift"] = add.output_multiplier, add.output_shift
    return records.tobytes()


def sum_tables(add, own, zero_points):
    """Return the bytes of the tables: what each byte of input `own` (0 or 1) adds, then each of the other; `zero_points` are those of both inputs."""
    numbers = np.arange(TABLE_WORDS // 2, dtype=np.uint8).view(np.int8).astype(np.int64)
    scaled = [multiply_by_quantized_multiplier((numbers - zero_points[index]) << add.left_shift, *add.scaling(index)) for index in (own, 1 - own)]
    return np.concatenate(scaled).astype("<i4").tobytes()


@dataclass(frozen=True)
class Addition:
    """The Add `layer`, whose operand is the tensor `name` at Placement `operand`; its tables lie at `tables`; `zero_point` is that of the sums.

    A dense operand has at most `columns` channels: each of its pixels is a beat.
    """

    layer: object
    name: str
    operand: object
    tables: int
    zero_point: int

    @property
    def drain_fields(self):
        """The fields of DRAIN that say how sums are scaled."""
        return {"add": 1, "sum_zero_point": self.zero_point, "sum_clamp_min": self.layer.clamp_min, "sum_clamp_max": self.layer.clamp_max}

    def load_tables(self, schedule):
        """Load the tables before any operand, once the additions before are drained. A drain waits for operands, so it finds the tables loaded."""
        schedule.set("LOAD_SHAPE", item_bytes=4, item_step=1)
        schedule.add("LOAD", schedule.last_sums(), address=self.tables, rows=1, length=4 * TABLE_WORDS, target=2)
        schedule.adds()

    def load_operands(self, schedule, planes, stores):
        """Load what the drain of a tile adds, in its order: the pieces `stores` (row, column, beats) of each of `planes`.

        It stands right before the tile: all data that the tile and those before it need is asked for already, so the load can wait for the
        drain, however many operands the FIFO holds.
        """
        height, width, channels = self.operand.shape
        item, pieces = self.operand.columns if self.operand.planar else channels, []
        for plane in planes:
            for row, column, beats in stores:
                address = self.operand.address + (plane * height * width + row * width + column) * item
                if pieces and sum(pieces[-1]) == address:
                    pieces[-1][1] += beats * item
                elif beats:
                    pieces.append([address, beats * item])
        last = max(row + (column + beats - 1) // width for row, column, beats in stores if beats)
        needs = schedule.stores_of(self.name, range(last + 1))
        schedule.set("LOAD_SHAPE", item_bytes=item, item_step=1)
        for address, length in pieces:
            schedule.add("LOAD", needs, address=address, rows=1, length=length, target=1)
