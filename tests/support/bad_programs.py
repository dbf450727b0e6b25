# SPDX-License-Identifier: BSD-2-Clause
"""Programs with one fault each: {what is wrong: function(words, model) -> (changed words, position of the fault)} and the error expected."""

from accel import isa


def replace(words, name, **values):
    """Return words with fields of the first instruction `name` changed, and its position."""
    place = next(i for i, word in enumerate(words) if isa.decode(word)[0] == name)
    changed = list(words)
    changed[place] = isa.encode(name, **{**isa.decode(words[place])[1], **values})
    return changed, place


def _with_leftover(words):
    """Return words whose last WEIGHTS brings one beat too many, and the END's position."""
    place = max(i for i, word in enumerate(words) if isa.decode(word)[0] == "WEIGHTS")
    values = isa.decode(words[place])[1]
    return [*words[:place], isa.encode("WEIGHTS", **{**values, "beats": values["beats"] + 1}), *words[place + 1:]], len(words) - 1


def _with_far_tile(words, config):
    """Return words with a tile that begins beyond the buffer, in a layer that is not packed, and the position of the instruction that reads there."""
    decoded = list(map(isa.decode, words))
    shape = next(i for i, (name, values) in enumerate(decoded) if name == "SHAPE" and not values["packed"])
    tile = next(i for i in range(shape, len(words)) if decoded[i][0] == "TILE")
    changed = list(words)
    changed[tile] = isa.encode("TILE", **{**decoded[tile][1], "address": config.activation_bytes})
    return changed, next(i for i in range(tile, len(words)) if decoded[i][0] in ("CONV", "POOL"))


def bad_programs(config):
    """Return {what is wrong: (change, error name)}."""
    beats = config.activation_words * config.beats_per_word
    return {
        "a bad opcode": (lambda words, model: ([*words[:5], 63, *words[6:]], 5), "BAD_OPCODE"),
        "another instruction set version": (lambda words, model: replace(words, "BEGIN", isa_version=99), "BAD_VERSION"),
        "another configuration": (lambda words, model: replace(words, "BEGIN", config_hash=1), "BAD_CONFIG"),
        "no BEGIN": (lambda words, model: (words[1:], 0), "NO_BEGIN"),
        "no END": (lambda words, model: (words[:-1], len(words) - 1), "NO_BEGIN"),
        "a read before the window": (lambda words, model: replace(words, "LOAD", address=model.base - 64), "READ_WINDOW"),
        "a read after the window": (lambda words, model: replace(words, "WEIGHTS", address=model.end), "READ_WINDOW"),
        "a write before the window": (
            lambda words, model: replace(words, "STORE", address=model.write_window[0] - config.beat_bytes), "WRITE_WINDOW"),
        "a write after the window": (lambda words, model: replace(words, "STORE", address=model.end), "WRITE_WINDOW"),
        "a load beyond the buffer": (lambda words, model: replace(words, "LOAD", destination=beats - 1), "BUFFER"),
        "a tile beyond the buffer": (lambda words, model: _with_far_tile(words, config), "BUFFER"),
        "no rows": (lambda words, model: replace(words, "LOAD", rows=0), "BAD_FIELD"),
        "a window without columns": (lambda words, model: replace(words, "SHAPE", kernel_width=0), "BAD_FIELD"),
        "a cluster that is not there": (lambda words, model: replace(words, "TILE", cluster=7), "BAD_FIELD"),
        "no beats to store": (lambda words, model: replace(words, "STORE", beats=0), "BAD_FIELD"),
        "a semaphore that is never given": (lambda words, model: replace(words, "CONV", wait_b=isa.semaphore(7)), "DEADLOCK"),
        "more weights than the tiles take": (lambda words, model: _with_leftover(words), "LEFTOVER"),
        "a layer without record": (lambda words, model: replace(words, "LAYER", index=200), "BAD_FIELD"),
    }
