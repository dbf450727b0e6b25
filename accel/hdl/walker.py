# SPDX-License-Identifier: BSD-2-Clause
"""Issues the pixels of each step to all clusters and ends tiles: the frame s0 that everything downstream follows at a fixed distance."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.pixel_walker import pixel_walker
from accel.hdl.settings import Settings, copy_register, settings_copy
from accel.hdl.step_loader import OFFSET_BITS


class Pixel:
    """A pixel of a step in frame s0; the lanes' channels are in `channels`, a bit a cluster in `valid`."""

    def __init__(self, config):
        self.running = flag()
        self.number = unsigned((config.tile_pixels - 1).bit_length())
        self.valid = [flag() for _ in range(config.clusters)]
        self.first = flag()
        self.bank = flag()
        self.lanes = unsigned(config.lanes)
        self.channels = [unsigned(5) for _ in range(config.lanes)]
        self.count = unsigned(4)


class Tile:
    """The settings of one tile."""

    def __init__(self, config):
        self.shape, self.walk, self.drain, self.conv = (Settings(name) for name in ("SHAPE", "WALK", "DRAIN", "CONV"))
        self.runs = [Settings("TILE") for _ in range(config.clusters)]
        self.position = unsigned(16)
        self.give = unsigned(8)


@block
def tile_copy(clk, enable, source, target):
    """target (out, Tile) takes source (Tile) in each cycle with `enable`."""
    parts = [settings_copy(clk, enable, getattr(source, name), getattr(target, name)) for name in ("shape", "walk", "drain", "conv")]
    runs = [settings_copy(clk, enable, a, b) for a, b in zip(source.runs, target.runs, strict=True)]
    rest = [copy_register(clk, enable, source.position, target.position), copy_register(clk, enable, source.give, target.give)]
    return parts, runs, rest


@block
def walker(clk, clear, stop, waiting, tile, step, take, opened, finish, finish_taken, pixel, word_addresses, addresses, outside, beyond, config):
    """Takes prepared steps and issues one pixel a cycle, the next step's right after the last of the step before.

    stop (in, flag): take nothing more. waiting (in, Tile): the settings that an opening step makes its own; tile (out, Tile): those of
        the tile under way. step (in, Step), take (out, flag): the prepared step begins with the next cycle. opened (out, flag): it was
        its tile's first, `waiting` may change.
    finish (in), finish_taken (out, flag): the tile's last step was taken; answered in the cycle of its last pixel.
    pixel (out, Pixel): frame s0. word_addresses (out, list): a cycle later; addresses, outside, beyond (out, lists): two cycles later.
    """
    clusters = config.clusters
    running, boundary, advance, opens = flag(), flag(), flag(), flag()
    left = unsigned(6)
    offset, ky, kx, used = signed(OFFSET_BITS), unsigned(6), unsigned(6), flag()
    last_column, height, width = unsigned(12), unsigned(12), unsigned(12)

    @always_comb
    def decide():
        boundary.next = not running or left == 0
        advance.next = running and left != 0

    @always_comb
    def take_step():
        take.next = step.prepared and boundary and not stop
        opened.next = step.prepared and boundary and not stop and step.opens
        finish_taken.next = finish and boundary and not stop

    @always(clk.posedge)
    def count():
        if take:
            running.next = True
            pixel.number.next = 0
            if step.opens:
                left.next = waiting.conv.pixels - 1
            else:
                left.next = tile.conv.pixels - 1
        elif advance:
            left.next = left - 1
            pixel.number.next = pixel.number + 1
        else:
            running.next = False
        if clear:
            running.next = False

    @always(clk.posedge)
    def hold_step():
        if take:
            offset.next = step.offset
            ky.next = step.ky
            kx.next = step.kx
            used.next = step.count != 0
            pixel.lanes.next = step.lanes
            pixel.count.next = step.count
            pixel.first.next = step.first
            pixel.bank.next = step.bank
            if step.opens:
                last_column.next = waiting.shape.output_width - 1

    @always(clk.posedge)
    def follow_map():
        height.next = tile.shape.height
        width.next = tile.shape.width

    @always_comb
    def route():
        pixel.running.next = running
        opens.next = step.opens

    settings = tile_copy(clk, opened, waiting, tile)
    channels = [copy_register(clk, take, step.channels[j], pixel.channels[j]) for j in range(config.lanes)]
    walkers = [
        pixel_walker(clk, take, opens, advance, waiting.runs[c], tile.runs[c], tile.shape, tile.walk, last_column, offset, ky, kx, used,
                     pixel.number, running, height, width, pixel.valid[c], word_addresses[c], addresses[c], outside[c], beyond[c], config)
        for c in range(clusters)]

    return decide, take_step, count, hold_step, follow_map, route, settings, channels, walkers
