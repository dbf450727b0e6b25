# SPDX-License-Identifier: BSD-2-Clause
"""A unit as it is planned: in how much room, with its input loaded or resident, and how closely its output can follow its input."""

from dataclasses import fields, replace
from functools import cache

from accel.errors import UserError
from compiler.convolution import ConvolutionPlanner
from compiler.emit import Home, Site
from compiler.emit_convolution import emit_convolution
from compiler.flatten import flatten
from compiler.ir import Conv2D, FullyConnected
from compiler.pooling import PoolPlanner, emit_max_pool
from compiler.schedule import Schedule

# What STORE.copy_pitch can say.
_MOST_PITCH = 255


# What SHAPE.stride_y and SHAPE.height can say.
_MOST_STRIDE, _MOST_ROWS = 15, 4095


def lower(network, layer, placements, batch=1):
    """Return (layer, input TensorInfo, input Placement) as accelerator and CPU compute it: a fully connected layer as a convolution.

    Its input is one pixel of all its bytes. Where several images' bytes do not lie together it is a map, under a window as large.
    """
    info, placement = network.tensors[layer.input], placements[layer.input]
    if not isinstance(layer, FullyConnected):
        return layer, info, placement
    if batch > 1 and placement.planar and info.height * info.width > 1:
        stride = info.height if info.height <= _MOST_STRIDE else 1
        return Conv2D(**{field.name: getattr(layer, field.name) for field in fields(layer)} | {"stride": (stride, 1)}), info, placement
    layer, info, placement = flatten(layer, info, placement)
    return layer, info, replace(placement, shape=(batch, 1, info.channels))


def stacked(layer, shape, output_shape, batch, pool=False):
    """Return (shape, output shape, images) of a batch: one high map where the windows walk evenly from one image into the next."""
    pad, rows = layer.padding, output_shape[0]
    even = pad.top == pad.bottom == 0 and rows * layer.stride[0] == shape[0] and not (pool and rows % 2)
    if even and batch * shape[0] <= _MOST_ROWS:
        return (batch * shape[0], *shape[1:]), (batch * rows, *output_shape[1:]), 1
    return shape, output_shape, batch


def _pixels(placement):
    return placement.shape[0] * placement.shape[1]


class Stage:
    """A Unit of the network, for `batch` images. It reads tensor `reads` and writes `writes`; `flat`: it reads its input's planes one after the
    other, as one pixel."""

    def __init__(self, network, config, unit, placements, batch=1):
        self.config, self.unit, self.reads, self.writes = config, unit, unit.layer.input, unit.output
        self.layer, info, self.source = lower(network, unit.layer, placements, batch)
        self.target, self.inner = placements[unit.output], network.tensors[unit.inner]
        self.flat = _pixels(self.source) != _pixels(placements[self.reads])
        self.zero_points = info.zero_point, self.inner.zero_point
        self.plan, self.streamed = cache(self._plan), {}
        self.is_convolution = isinstance(unit.layer, Conv2D)
        if self.is_convolution:
            shape, output_shape, images = stacked(self.layer, info.shape, self.inner.shape, batch, unit.pool)
            self.planner = ConvolutionPlanner(config, self.layer, info.zero_point, self.source, shape, output_shape, unit.pool, images)
        else:
            self.planner = PoolPlanner(config, self.layer, self.source, *stacked(self.layer, info.shape, self.inner.shape, batch))

    def _plan(self, room, resident=False):
        """Return the plan in `room` beats of buffer for a loaded input, or for a resident one; None where nothing fits."""
        try:
            return self.planner.plan(room, resident)
        except UserError:
            return None

    def with_streams(self, plan):
        """Return a plan with its weight streams, if it has any."""
        if not self.is_convolution:
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
        self.emit(schedule, plan, Site(self.reads, self.writes, self.source, self.target, 0, True, self.home(0, flat)))
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

    def emit(self, schedule, plan, site, stream_address=0, filters=None):
        """Add the operations of a plan to a Schedule, at a Site."""
        if self.is_convolution:
            emit_convolution(schedule, self.config, self.layer, plan, site, self.zero_points, stream_address, filters)
        else:
            emit_max_pool(schedule, self.config, self.layer, plan, site)
