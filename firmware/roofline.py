# SPDX-License-Identifier: BSD-2-Clause
"""The roofline of a run: how near each layer came to what the grid and the memory allow."""

from dataclasses import dataclass
from io import BytesIO
from textwrap import fill

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter
from numpy import geomspace

from firmware.report import dram_bytes

INCHES, DOTS_PER_INCH = (10, 6.5), 120

# What LiteDRAM gives one long linear read, of the port's peak: refresh and the opening of rows take the rest. Measured with its PHY model.
LITEDRAM_SHARE = 0.89

# Up to so many points have their names beside them; more have numbers, and a key.
NAMED = 14

INK, FAINT, LAYER, WHOLE, LIMIT = "#22272e", "#8a929c", "#1f6fb2", "#c23b22", "#b07d12"


@dataclass(frozen=True)
class Point:
    """A layer, or all of them: MACs that were done (not those pruned away), bytes of DRAM read and written, cycles."""

    name: str
    macs: int
    bytes: int
    cycles: int

    @property
    def intensity(self):
        """MACs per byte of DRAM."""
        return self.macs / self.bytes

    @property
    def rate(self):
        """MACs per cycle."""
        return self.macs / self.cycles


def points_of(name, run):
    """Return (points, without) of the ImageRun `run` of the network called `name`.

    points: of the whole network, then of each layer that did MACs, [Point]; none where no layer did. without: of the other layers.
    """
    layers = [Point(layer.name, layer.record["macs"], sum(dram_bytes(layer.record)), layer.cycles) for layer in run.layers]
    working = [p for p in layers if p.macs and p.bytes]
    whole = [Point(name, *(sum(getattr(p, field) for p in layers) for field in ("macs", "bytes")), run.cycles)] if working else []
    return whole + working, [p for p in layers if p not in working]


def roof(config, intensity, share=1.0):
    """Return the MACs per cycle that `config` can reach at `intensity` MACs per byte with `share` of its memory port."""
    return min(config.macs_per_cycle, intensity * config.beat_bytes * share)


def ridge(config, share=1.0):
    """Return the MACs per byte from which on the grid is the limit."""
    return config.macs_per_cycle / (config.beat_bytes * share)


def place_labels(anchors, radii, sizes, obstacles, bounds):
    """Return for each label (left, bottom) of its box: within bounds, over no other label, point or obstacle, and as near to its point as is free.

    anchors: [(x, y)] of the points, radii: theirs, sizes: [(width, height)] of the labels, obstacles: boxes (left, bottom, right, top), bounds: a
    box; all in one unit. A label that finds no place lies beside its point, over whatever is there.
    """
    taken, places = [*obstacles, *((x - r, y - r, x + r, y + r) for (x, y), r in zip(anchors, radii, strict=True))], []
    for (x, y), radius, size in zip(anchors, radii, sizes, strict=True):
        boxes = list(_boxes_around(x, y, radius, *size, bounds))
        box = next((box for box in boxes if _inside(box, bounds) and not any(_overlap(box, other) for other in taken)), boxes[0])
        taken.append(box)
        places.append(box[:2])
    return places


def _boxes_around(x, y, radius, width, height, bounds):
    """Yield boxes to the right and left of (x, y), level with it, then ever farther above and below and away."""
    rise = 0
    while rise < bounds[3] - bounds[1]:
        away = radius + 3 + rise / 4
        for middle in (y + rise, y - rise):
            for left in (x + away, x - away - width):
                yield left, middle - height / 2, left + width, middle + height / 2
        rise += height / 4


def _overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _inside(one, other):
    return one[0] >= other[0] and one[1] >= other[1] and one[2] <= other[2] and one[3] <= other[3]


def roofline_png(name, config, run):
    """Return the roofline of the ImageRun `run` of the network called `name` on `config` as the bytes of a PNG, INCHES at DOTS_PER_INCH large."""
    png = BytesIO()
    draw_roofline(name, config, run).savefig(png, format="png")
    return png.getvalue()


def draw_roofline(name, config, run):
    """Return roofline_png's matplotlib Figure."""
    points, without = points_of(name, run)
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots()
    _axes(axes, name, config, points)
    _roofs(axes, config)
    note = [f"Percentage: of the roof at {LITEDRAM_SHARE:.0%} of the port. The larger a point, the more of the {run.cycles:,} cycles it took. "
            "MACs are those done, bytes those read and written."]
    if without:
        note.append("Without MACs: " + ", ".join(f"{p.name} ({p.cycles:,} cycles)" for p in without))
    figure.supxlabel("\n".join(fill(line, 160) for line in note), fontsize=8, color=INK, x=0.01, ha="left")
    labels = [f"{p.name} {p.rate / roof(config, p.intensity, LITEDRAM_SHARE):.0%}" for p in points]
    if len(points) > NAMED:
        _key(axes, labels[1:])
        labels[1:] = map(str, range(1, len(labels)))
    _points(figure, axes, config, points, labels)
    return figure


def _axes(axes, name, config, points):
    intensities, rates = [p.intensity for p in points] + [ridge(config)], [p.rate for p in points] + [config.macs_per_cycle]
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set(xlim=(min(intensities) / 2, max(intensities) * 3), ylim=(min(rates) / 2, config.macs_per_cycle * 2),
             xlabel="MACs per byte of DRAM", ylabel="MACs per cycle", title=f"{name} on {config.name}: roofline of the median image")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(color="#dde1e6", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _roofs(axes, config):
    low, high = axes.get_xlim()
    words = f"{config.macs_per_cycle} MACs/cycle (the grid), {config.beat_bytes} bytes/cycle (the memory port)"
    for share, style, label in ((1, "-", words), (LITEDRAM_SHARE, "--", f"{LITEDRAM_SHARE:.0%} of the port: what LiteDRAM gives one long read")):
        corners = [low, ridge(config, share), high]
        axes.plot(corners, [roof(config, x, share) for x in corners], style, color=LIMIT, linewidth=1.5, zorder=1, label=label)
    axes.legend(loc="upper left", fontsize=9, framealpha=1, edgecolor="none")  # nothing else can lie above the memory's roof


def _key(axes, labels):
    """Write the numbered labels beside the picture, at most two columns of them."""
    rows = max(32, -(-len(labels) // 2))
    for first in range(0, len(labels), rows):
        lines = [f"{first + i + 1}  {label}" for i, label in enumerate(labels[first:first + rows])]
        axes.annotate("\n".join(lines), (1, 1), (10 + first / rows * 120, 0), xycoords="axes fraction", textcoords="offset points", fontsize=8,
                      color=INK, va="top", linespacing=1.25)


def _points(figure, axes, config, points, labels):
    texts, areas = [], []
    for p, label in zip(points, labels, strict=True):
        whole = p is points[0]
        areas.append(60 if whole else 20 + 250 * p.cycles / points[0].cycles)
        axes.scatter(p.intensity, p.rate, s=areas[-1], marker="D" if whole else "o", color=WHOLE if whole else LAYER, alpha=0.85, linewidth=0,
                     zorder=3)
        line = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        texts.append(axes.annotate(label, (p.intensity, p.rate), (0, 0), textcoords="offset pixels", fontsize=9, color=WHOLE if whole else INK,
                                   zorder=4, arrowprops=line))
    figure.draw_without_rendering()  # only then is it known where the points lie and how large the labels are
    boxes = [Text.get_window_extent(text) for text in texts]  # without their lines
    anchors = [tuple(axes.transData.transform((p.intensity, p.rate))) for p in points]
    radii = [area ** 0.5 / 2 * DOTS_PER_INCH / 72 for area in areas]
    obstacles = [axes.get_legend().get_window_extent().extents, *_along_roofs(axes, config)]
    places = place_labels(anchors, radii, [(box.width + 2, box.height + 2) for box in boxes], obstacles, axes.get_window_extent().extents)
    for text, (x, y), (left, bottom), box in zip(texts, anchors, places, boxes, strict=True):
        text.set_position((left - x, bottom + 1 - y))
        text.arrow_patch.set_visible(abs(bottom + box.height / 2 - y) > box.height)


def _along_roofs(axes, config):
    """Return small boxes that cover the roofs, in pixels."""
    middles = [axes.transData.transform((x, roof(config, x, share))) for share in (1, LITEDRAM_SHARE) for x in geomspace(*axes.get_xlim(), 200)]
    return [(x - 3, y - 3, x + 3, y + 3) for x, y in middles]
