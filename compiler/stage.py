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
from compiler.ir import MaxPool2D
from compiler.lower import lower_layer
from compiler.pooling import PoolPlanner, emit_max_pool
from compiler.schedule import Schedule

# What STORE.copy_pitch can say.
_MOST_PITCH = 255


class Stage:
    """A Unit of a lowered network. It reads tensor `reads` and writes `writes`; `flat`: it reads its input's planes one after the other, as one pixel."""

    def __init__(self, network, config, unit, placements):
        self.network, self.config, self.unit, self.reads, self.writes = network, config, unit, unit.layer.input, unit.output
        self.layer, info, self.source = lower_layer(network, unit.layer, placements)
        self.target, inner = placements[unit.output].spread(), network.tensors[unit.inner]
        self.flat = self.source.shape != placements[self.reads].spread().shape
        self.zero_points = info.zero_point, inner.zero_point
        self.plan, self.streamed = cache(self._plan), {}
        self.is_pool, self.by_channel = isinstance(unit.layer, MaxPool2D), runs_depthwise(unit.layer)
        trailer = b"" if unit.addition is None else sum_record(config, unit.addition)
        if self.is_pool:
            self.planner = PoolPlanner(config, self.layer, self.source, self.target.shape)
        elif self.by_channel:
            work = channel_work(self.layer, config.columns, info.shape, inner.shape, self.zero_points)
            self.planner = ChannelPlanner(config, work, self.source, inner.shape, unit.pool, trailer)
        else:
            self.planner = ConvolutionPlanner(config, self.layer, info.zero_point, self.source, inner.shape, unit.pool, trailer)

    def _plan(self, room, resident=False):
        """Return the plan in `room` beats of buffer for a loaded input, or for a resident one; None where nothing fits."""
        try:
            return self.planner.plan(room, resident)
        except UserError:
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
        height, width, _ = self.target.shape
        flat = flat or height * width == 1
        if not flat and self.target.planes > _MOST_PITCH:
            return None
        return Home(base, 1, height * width) if flat else Home(base, self.target.planes, 1)

    @property
    def beats(self):
        """Beats of the output's copy."""
        height, width, _ = self.target.shape
        return height * width * self.target.planes

    def lag(self, flat):
        """Return the most beats from a resident input's base to the output's at which no copy overwrites what is still to be read; often negative.

        A copy comes after the reads of its own tile and all before; what later operations read must lie beyond it.
        """
        plan, schedule = self.with_streams(self.plan(0, True)), Schedule()
        self._emit(schedule, plan, Site(self.reads, self.writes, self.source, self.target, 0, True, self.home(0, flat), self.flat), 0, None, None)
        row_beats = plan.geometry.window.row_beats(self.source.shape[1], plan.tiling.passes[0])
        first_row, limits = self.source.shape[0], []
        for op in reversed(schedule.ops):
            if op.engine == "store":
                end = op.values["copy_destination"] + (op.values["beats"] - 1) * op.values["copy_pitch"] + 1
                limits.append(first_row * row_beats - end)
            elif len(op.reads):
                first_row = min(first_row, op.reads.start)
        return min(limits)

    def emit(self, schedule, plan, choice, placements, stream_address, tables, filters):
        """Add the operations of a plan to a Schedule. `choice` says where in the buffers; tensors lie at `placements`, the plan's streams and the
        addition's tables at the addresses given; `filters` is the first word of the filter mask or None."""
        source = replace(self.source, address=placements[self.reads].address)
        site = Site(self.reads, self.writes, source, placements[self.writes].spread(), choice.base, choice.resident, choice.home, self.flat)
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
