# SPDX-License-Identifier: BSD-2-Clause
"""A unit as it is planned: in how much room, with its input loaded or resident, and how closely its output can follow its input."""

from dataclasses import replace
from functools import cache

from accel.errors import UserError
from compiler.addition import Addition, sum_record
from compiler.channel_plan import ChannelPlanner
from compiler.convolution import ConvolutionPlanner
from compiler.depthwise import channel_work, runs_depthwise
from compiler.emit import Home, Site
from compiler.emit_convolution import emit_convolution
from compiler.emit_depthwise import emit_channels
from compiler.ir import MaxPool2D, Rescale
from compiler.isa_limits import most
from compiler.lower import lower_layer
from compiler.pooling import PoolPlanner, emit_max_pool
from compiler.schedule import Schedule
from compiler.tiling import MOST_ROWS

_MOST_PITCH = most("STORE", "copy_pitch")


def stacked(layer, shape, output_shape, batch, pool=False):
    """Return (shape, output shape, images) of a batch: one high map where the windows walk evenly from one image into the next."""
    pad, rows = layer.padding, output_shape[0]
    even = pad.top == pad.bottom == 0 and rows * layer.stride[0] == shape[0] and not (pool and rows % 2)
    if even and batch * shape[0] <= MOST_ROWS:
        return (batch * shape[0], *shape[1:]), (batch * rows, *output_shape[1:]), 1
    return shape, output_shape, batch


def _pixels(placement):
    return placement.shape[0] * placement.shape[1]


class Stage:
    """A Unit of a lowered network, for `batch` images. It reads tensor `reads` and writes `writes`; `flat`: it reads its input's planes one after the
    other, as one pixel. reading, measured: the Reading of the unit's dynamic mask and how its output's stores are Measured, or None."""

    def __init__(self, network, config, unit, placements, batch=1, reading=None, measured=None):
        self.reading, self.measured = reading, measured
        self.network, self.config, self.unit, self.reads, self.writes = network, config, unit, unit.layer.input, unit.output
        self.layer, info, self.source = lower_layer(network, unit.layer, placements, batch)
        self.target, self.inner = placements[unit.output].spread(), network.tensors[unit.inner]
        self.flat = _pixels(self.source) != _pixels(placements[self.reads])
        self.zero_points = info.zero_point, self.inner.zero_point
        self.plan, self.streamed, self.refusal = cache(self._plan), {}, None
        self.is_pool, self.by_channel = isinstance(unit.layer, MaxPool2D), runs_depthwise(unit.layer)
        self.planner = self._planner(info, batch)

    def _planner(self, info, batch):
        """Return the planner of the unit's kind."""
        config, unit, source = self.config, self.unit, self.source
        window = self.layer.convolution(config.columns) if isinstance(self.layer, Rescale) else self.layer
        shape, output_shape, images = stacked(window, info.shape, self.inner.shape, batch, unit.pool)
        trailer = b"" if unit.addition is None else sum_record(config, unit.addition)
        if self.is_pool:
            return PoolPlanner(config, self.layer, source, shape, output_shape, images)
        if self.by_channel:
            work = channel_work(self.layer, config.columns, shape, output_shape, self.zero_points)
            return ChannelPlanner(config, work, source, shape, output_shape, unit.pool, images, trailer)
        return ConvolutionPlanner(config, self.layer, self.zero_points[0], source, shape, output_shape, unit.pool, images, trailer,
                                  None if self.reading is None else self.reading.expected)

    def _plan(self, room, resident=False):
        """Return the plan in `room` beats of buffer for a loaded input, or for a resident one; None where nothing fits."""
        try:
            return self.planner.plan(room, resident)
        except UserError as error:
            self.refusal = error
            return None

    def with_streams(self, plan):
        """Return a plan with its weight streams, if it has any."""
        if self.is_pool:
            return plan
        if id(plan) not in self.streamed:
            self.streamed[id(plan)] = self.planner.with_streams(plan)
        return self.streamed[id(plan)]

    def home(self, base, flat):
        """Return the Home of the output's copy from beat `base` on, for readers that are `flat` or not; None where no STORE can say it."""
        pixels = _pixels(self.target)
        if flat or pixels == 1:
            return Home(base, 1, pixels)
        return Home(base, self.target.planes, 1) if self.target.planes <= _MOST_PITCH else None

    @property
    def beats(self):
        """Beats of the output's copy."""
        return _pixels(self.target) * self.target.planes

    def lag(self, flat):
        """Return the most beats from a resident input's base to the output's at which no copy overwrites what is still to be read; often negative.

        A CONV's copies come after its own reads and all before; what later operations read must lie beyond them. A POOL's come while it still reads.
        """
        plan, schedule = self.with_streams(self.plan(0, True)), Schedule()
        self._emit(schedule, plan, Site(self.reads, self.writes, self.source, self.target, 0, True, self.home(0, flat), self.flat), 0, None, None)
        row_beats = plan.geometry.window.row_beats(self.source.shape[1], plan.tiling.passes[0])
        first_row, ends, limits = self.source.shape[0], [], []
        for op in reversed(schedule.ops):
            if op.engine == "store":
                ends.append(op.values["copy_destination"] + (op.values["beats"] - 1) * op.values["copy_pitch"] + 1)
            elif len(op.reads):
                read_later = min(first_row, op.reads.start)
                limits += [(read_later if op.name == "POOL" else first_row) * row_beats - end for end in ends]
                first_row, ends = read_later, []
        return min(limits)

    def emit(self, schedule, plan, choice, placements, stream_address, tables, filters):
        """Add the operations of a plan to a Schedule. `choice` says where in the buffers; tensors lie at `placements`, the plan's streams and the
        addition's tables at the addresses given; `filters` is the first word of the filter mask or None."""
        source = replace(self.source, address=placements[self.reads].address)
        mask = None if self.reading is None else self.reading.word
        site = Site(self.reads, self.writes, source, placements[self.writes].spread(), choice.base, choice.resident, choice.home, self.flat, mask,
                    self.measured)
        unit, addition = self.unit, None
        if unit.addition is not None:
            zero_point = self.network.tensors[unit.output].zero_point
            addition = Addition(unit.addition, unit.operand, placements[unit.operand], tables, zero_point)
        self._emit(schedule, plan, site, stream_address, filters, addition)

    def _emit(self, schedule, plan, site, stream_address, filters, addition):
        if self.is_pool:
            emit_max_pool(schedule, self.config, self.layer, plan, site)
        elif self.by_channel:
            emit_channels(schedule, self.config, plan, site, stream_address, filters, addition)
        else:
            emit_convolution(schedule, self.config, self.layer, plan, site, self.zero_points, stream_address, filters, addition)
