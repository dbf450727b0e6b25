# SPDX-License-Identifier: BSD-2-Clause
"""How many products of a stored weight and an activation each layer of a program forms, read off its instructions and its weight streams."""

from compiler.timing.front import decode
from compiler.timing.machine import Streams
from compiler.timing.masks import follow_mask


def products(config, words, image, base):
    """Return {record of a layer: its products} of the instruction `words`, as the records count them; `image`, at byte `base`, holds the streams.

    Channels that a STORE measures count as on, so of convolutions that read them a run forms these at most.
    """
    instructions = [decode(position, word) for position, word in enumerate(words)]
    streams, place = Streams(config, instructions, image, base), 0
    settings, tiles, masks, known, found, count = {}, {}, {}, {}, {}, 0
    for instruction in instructions:
        name, fields = instruction.name, instruction.fields
        if name in ("SHAPE", "DRAIN"):
            settings[name] = fields
        elif name == "TILE":
            tiles[fields["cluster"]] = fields["pixels"]
        elif name in ("MASK", "STORE"):
            follow_mask(masks, instruction, config)
        elif name == "CONV" and not fields["void"]:
            shape = settings["SHAPE"]
            key = streams.key(place), tuple(shape.items()), tuple(masks.items()) if shape["dynamic"] else ()
            if key not in known:
                known[key] = _weights(config, streams.data(place), shape, masks)
            weights, beats = known[key]
            place += beats if fields["keep"] else beats + _parameter_beats(config, shape, settings["DRAIN"])
            pixels = [tiles[cluster] for cluster in range(config.clusters)]
            count += weights * (max(pixels) if shape["split"] else sum(pixels)) * fields["columns"]
        elif name == "LAYER":
            found[fields["index"]], count = count, 0
    return found


def _sets(config, shape):
    return config.clusters if shape["split"] else 1


def _parameter_beats(config, shape, drain):
    return (_sets(config, shape) * config.columns + drain["add"] * config.requantise_lanes) * config.parameter_beats


def _weights(config, stream, shape, masks):
    """Return (weights that each column multiplies a pixel with, beats of masks and weights) of the CONV whose masks and weights begin `stream`."""
    taps, bits, weights, beats = shape["kernel_height"] * shape["kernel_width"], config.block_channels, 0, 0
    for block in range(shape["blocks"]):
        number = block % config.masks_per_header
        if number == 0:
            header = int.from_bytes(stream[beats * config.beat_bytes:(beats + 1) * config.beat_bytes], "little")
            beats += 1
        mask = header >> number * bits & (1 << bits) - 1
        kept = (mask & masks.get(shape["first_block"] + block, 0) if shape["dynamic"] else mask).bit_count()
        # A depthwise step multiplies a pixel with as many weights as there are lanes, but only one of them belongs to a column.
        weights += taps * (-(-kept // config.lanes) if shape["depthwise"] else kept)
        beats += mask.bit_count() * taps * _sets(config, shape)
    return weights, beats
