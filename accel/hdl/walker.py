# SPDX-License-Identifier: BSD-2-Clause
"""Issues the pixels of each step to all clusters and ends tiles: the frame s0 that everything downstream follows at a fixed distance."""

from myhdl import always, always_comb, block

from accel.hdl.interfaces import flag, signed, unsigned
from accel.hdl.pixel_walker import pixel_walker
from accel.hdl.settings import Settings, copy_register, settings_copy
from accel.hdl.step import OFFSET_BITS, PLACE_BITS


class Pixel:
    """A pixel of a step in frame s0; the lanes' channels are in `channels`, a bit a cluster in `valid`; `slot`: it is the place of the zero
    point's share. `products` multiplications a pixel and cluster count as work."""

    def __init__(self, config):
        self.running = flag()
        self.number = unsigned((config.tile_pixels - 1).bit_length())
        self.valid = [flag() for _ in range(config.clusters)]
        self.first = flag()
        self.bank = flag()
        self.lanes = unsigned(config.lanes)
        self.channels = [unsigned((config.block_channels - 1).bit_length()) for _ in range(config.lanes)]
        self.products = unsigned(11)
        self.slot = flag()


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
def walker(clk, clear, stop, waiting, tile, step, bank_free, take, opened, waits_for_bank, finish, finish_allowed, finish_taken, pixel,
           word_addresses, places, addresses, beyond, config):
    """Takes prepared steps and issues one pixel a cycle, the next step's right after the last of the step before.

    stop (in, flag): take nothing more. waiting (in, Tile): the settings that an opening step makes its own; tile (out, Tile): those of
        the tile under way. step (in, Step), take (out, flag): the prepared step begins with the next cycle. bank_free (in, unsigned 2):
        bit b: nothing that is in bank b waits for the drain. opened (out, flag): the step was its tile's first, `waiting` may change.
        waits_for_bank (out, flag): a prepared tile waits for its bank, for the counters.
    finish (in), finish_taken (out, flag): the tile's last step was taken; answered in the cycle of its last pixel or later, when
        finish_allowed (in, flag).
    pixel (out, Pixel): frame s0. word_addresses (out, list of lists): a cycle later; places (out, list of Places): two cycles later;
    addresses, beyond (out, lists): three cycles later.
    """
    clusters = config.clusters
    running, boundary, advance, opens, bank_ok, finishes, slot = (flag() for _ in range(7))
    left = unsigned(6)
    offset, ky, x, used = signed(OFFSET_BITS), unsigned(6), unsigned(PLACE_BITS - 1), flag()
    last_column, height, width = unsigned(12), unsigned(12), unsigned(14)

    @always_comb
    def decide():
        boundary.next = not running or left == 0
        advance.next = running and left != 0
        bank_ok.next = not step.opens or bank_free[step.bank]
        slot.next = tile.shape.dynamic and left == 0

    @always_comb
    def end_tile():
        finishes.next = finish and boundary and finish_allowed and not stop

    @always_comb
    def take_step():
        take.next = step.prepared and boundary and not stop and bank_ok and (not finish or finish_allowed)
        opened.next = step.prepared and boundary and not stop and bank_ok and (not finish or finish_allowed) and step.opens
        finish_taken.next = finishes
        waits_for_bank.next = step.prepared and boundary and not bank_ok

    @always(clk.posedge)
    def count():
        if take:
            running.next = True
            pixel.number.next = 0
            if step.brief:
                left.next = 0
            elif step.opens:
                left.next = waiting.conv.pixels - 1
                if waiting.shape.dynamic:
                    left.next = waiting.conv.pixels
            else:
                left.next = tile.conv.pixels - 1
                if tile.shape.dynamic:
                    left.next = tile.conv.pixels
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
            x.next = step.x
            used.next = step.lanes != 0
            pixel.lanes.next = step.lanes
            pixel.products.next = step.products
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
        pixel.slot.next = slot
        opens.next = step.opens

    settings = tile_copy(clk, opened, waiting, tile)
    channels = [copy_register(clk, take, step.channels[j], pixel.channels[j]) for j in range(config.lanes)]
    walkers = [
        pixel_walker(clk, take, opens, advance, waiting.runs[c], tile.runs[c], tile.shape, tile.walk, last_column, offset, ky, x, used,
                     pixel.number, slot, running, height, width, pixel.valid[c], word_addresses[c], places[c], addresses[c], beyond[c], config)
        for c in range(clusters)]

    return decide, end_tile, take_step, count, hold_step, follow_map, route, settings, channels, walkers
