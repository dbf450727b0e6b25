# SPDX-License-Identifier: BSD-2-Clause
"""Instruction streams that no compiler writes: noise, right opcodes with any fields, and good programs with something changed."""

from dataclasses import dataclass

from accel import isa

LONGEST = 24


@dataclass(frozen=True)
class Area:
    """Where random programs may point: byte ranges (base, limit) of the read and the write window."""

    read: tuple
    write: tuple


def random_program(rng, config, good, area):
    """Return (kind, words): `rng` is a random.Random, `good` the words of a program that works, `area` an Area."""
    kind = rng.choice(("noise", "opcodes", "begun", "begun", "begun", "mutated", "mutated", "mutated"))
    words = {"noise": _noise, "opcodes": _opcodes, "begun": _begun, "mutated": _mutated}[kind](rng, config, good, area)
    return kind, words


def _noise(rng, config, good, area):
    return [rng.getrandbits(128) for _ in range(rng.randint(1, LONGEST))]


def _opcodes(rng, config, good, area):
    return [rng.getrandbits(128) >> isa.OPCODE.bits << isa.OPCODE.bits | rng.choice(isa.TABLE).opcode for _ in range(rng.randint(1, LONGEST))]


def _begun(rng, config, good, area):
    """BEGIN, then instructions with any fields, most of them plausible; sometimes engines work at once, often semaphores are left out."""
    rows = [row for row in isa.TABLE if row.name not in ("BEGIN", "END")]
    favourites = rng.choices(rows, k=rng.randint(1, len(rows)))
    synchronised = rng.random() < 0.5
    wildness = rng.choice((0.0, 0.03, 0.3))
    words = [isa.encode("BEGIN", isa_version=isa.ISA_VERSION, config_hash=config.hash)]
    if rng.random() < 0.7:
        # Settings that most of the others need, so that they get further.
        words += [random_instruction(rng, isa.BY_NAME[name], config, area, synchronised, wildness / 4)
                  for name in ("LOAD_SHAPE", "SHAPE", "WALK", "DRAIN")]
        words += [isa.encode("TILE", cluster=c, pixels=rng.randint(0, config.tile_pixels)) for c in range(config.clusters)]
    words += [random_instruction(rng, rng.choice(favourites), config, area, synchronised, wildness) for _ in range(rng.randint(1, LONGEST))]
    return words + [isa.encode("END")] * (rng.random() < 0.9)


def _mutated(rng, config, good, area):
    words = list(good)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place, other = rng.randrange(len(words)), rng.randrange(len(words))
        change = rng.choice(("flip", "flip", "field", "field", "setting", "swap", "repeat", "drop", "insert", "cut"))
        row = isa.BY_OPCODE.get(isa.OPCODE.extract(words[place]))
        if change == "flip":
            words[place] ^= 1 << rng.randrange(128)
        elif change == "field" and row is not None and row.fields:
            field = rng.choice(row.fields)
            value = random_field(rng, row, field, config, area)
            words[place] = words[place] & ~(((1 << field.bits) - 1) << field.low) | field.insert(value)
        elif change == "setting":
            _change_setting(rng, words, config, area)
        elif change == "swap":
            words[place], words[other] = words[other], words[place]
        elif change == "repeat":
            words.insert(other, words[place])
        elif change == "drop" and len(words) > 1:
            words.pop(place)
        elif change == "insert":
            words.insert(place, random_instruction(rng, rng.choice(isa.TABLE), config, area, True, 0.1))
        elif change == "cut":
            words = words[:max(1, place)]
    return words


def _change_setting(rng, words, config, area):
    """Give one of _SELDOM, which most good programs leave at 0, a plausible value in one instruction or in all."""
    name, key = rng.choice(_SELDOM)
    row = isa.BY_NAME[name]
    field = next(field for field in row.fields if field.name == key)
    places = [i for i, word in enumerate(words) if isa.OPCODE.extract(word) == row.opcode]
    value = _plausible(rng, row, field, config, area)
    for place in places if rng.random() < 0.5 else rng.sample(places, min(1, len(places))):
        words[place] = words[place] & ~(((1 << field.bits) - 1) << field.low) | field.insert(value)


def random_instruction(rng, row, config, area, synchronised, wildness):
    """Return a word of `row`: each field plausible, but with probability `wildness` anything; semaphores only where `synchronised`."""
    values = {}
    for field in row.fields:
        if field.name in ("wait_a", "wait_b", "signal_a", "signal_b", "copy_signal"):
            wanted = synchronised and rng.random() < (0.15 if field.name.startswith("wait") else 0.3)
            values[field.name] = isa.semaphore(rng.randrange(3)) if wanted else 0
        elif rng.random() < wildness:
            values[field.name] = random_field(rng, row, field, config, area)
        else:
            values[field.name] = _plausible(rng, row, field, config, area)
    return isa.encode(row.name, **values)


def random_field(rng, row, field, config, area):
    """Return a value of the field: an edge, a small one, a power of two, any."""
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice((field.minimum, field.maximum, 0))
    if kind == 4:
        return 1 << rng.randrange(field.maximum.bit_length())
    if kind == 1:
        return min(field.maximum, rng.randint(0, 20))
    return _plausible(rng, row, field, config, area) if kind == 2 else rng.randint(field.minimum, field.maximum)


def _plausible(rng, row, field, config, area):
    beat = config.beat_bytes
    if field.name == "pixels" and row.name == "CONV" and rng.random() < 0.8:
        return config.tile_pixels
    if field.name == "address" and row.name in ("LOAD", "WEIGHTS", "STORE"):
        low, high = area.write if row.name == "STORE" else area.read
        return rng.randrange(low // beat, max(low // beat + 1, high // beat)) * beat
    if (row.name, field.name) in _SELDOM and rng.random() < 0.6:
        return 0
    low, high = _PLAUSIBLE.get((row.name, field.name)) or _PLAUSIBLE.get(field.name) or _sized(row, field, config)
    value = rng.randint(low, high) * (beat if field.name == "source_pitch" else 1)
    if row.name == "WALK" or field.name == "address":
        value *= rng.choice((1, config.block_channels))
    return min(max(value, field.minimum), field.maximum)


# Fields that change what everything else means: 0 most of the time.
_SELDOM = (("SHAPE", "depthwise"), ("SHAPE", "dynamic"), ("SHAPE", "split"), ("DRAIN", "rounding"), ("DRAIN", "add"), ("LOAD", "target"),
           ("STORE", "copy_clusters"), ("STORE", "measure"), ("CONV", "whole"), ("WEIGHTS", "whole"))

# Field, or (instruction, field), to the least and the largest plausible value; where missing, see _sized.
_PLAUSIBLE = {
    "isa_version": (isa.ISA_VERSION, isa.ISA_VERSION), "index": (0, 63), "source_pitch": (0, 16), "item_step": (-2, 4), "rows": (1, 4),
    "length": (1, 64), "beats": (1, 40), ("STORE", "beats"): (1, 12),
    "kernel_height": (1, 3), "kernel_width": (1, 3), "blocks": (1, 3), "stride_y": (1, 3), "stride_x": (1, 3), "height": (1, 12), "width": (1, 12),
    "first_x": (-2, 0), "output_width": (1, 8), "pixel_step": (0, 4), "row_step": (0, 8), "tap_step": (0, 4), "tap_row_step": (0, 8), "y": (-2, 8),
    "x": (-2, 8), "output_x": (0, 4), "planes": (0, 2), "void": (0, 0), "filters": (0, 5), "first_block": (0, 2), "block": (0, 3),
    "pool_columns": (0, 0), "target": (0, 2), "copy_pitch": (0, 4), "mask_plane": (0, 8)}


def _sized(row, field, config):
    """Return the least and the largest value of fields that depend on the configuration; of others, all that there is."""
    most = {
        "config_hash": config.hash, "item_bytes": 2 * config.beat_bytes, "destination": config.activation_words,
        "clusters": (1 << config.clusters) - 1, "copy_clusters": (1 << config.clusters) - 1,
        "copy_destination": config.activation_words * config.beats_per_word, "cluster": config.clusters - 1,
        "address": config.activation_words // 2, "pixels": config.tile_pixels, "columns": config.columns}
    if field.name in most:
        return most["config_hash"] if field.name == "config_hash" else int(field.name in ("item_bytes", "pixels")), most[field.name]
    return field.minimum, field.maximum


def shares_a_semaphore(words):
    """Whether two engines wait for the same semaphore: which of them takes it is then not defined."""
    takers = {}
    for word in words:
        name, values = isa.decode(word)
        for key in ("wait_a", "wait_b"):
            if values.get(key, 0) >= 8:
                takers.setdefault(values[key], set()).add(isa.BY_NAME[name].engine)
    return any(len(engines) > 1 for engines in takers.values())


def measures_for_itself(words):
    """Whether STOREs measure what dynamic CONVs of the program may read: without semaphores between the two the order is not defined."""
    decoded = [isa.decode(word) for word in words]
    return any(name == "STORE" and values["measure"] for name, values in decoded) and any(name == "SHAPE" and values["dynamic"] for name, values in decoded)


def work(words, config, window_bytes):
    """Return cycles that the program cannot exceed while it gets on, for a memory window of so many bytes."""
    beat, window = config.beat_bytes, window_bytes // config.beat_bytes + 1
    kernel = pixels = 1
    cycles = weights = blocks = pools = 0
    decoded = [isa.decode(word) for word in words]
    for name, values in decoded:
        if name == "SHAPE":
            kernel, blocks = max(kernel, values["kernel_height"] * values["kernel_width"]), max(blocks, values["blocks"])
        elif name == "TILE":
            pixels = max(pixels, values["pixels"])
    for name, values in decoded:
        if name == "LOAD":
            cycles += values["rows"] * min(values["length"], window * beat)
        elif name == "WEIGHTS":
            weights += min(values["beats"], window)
        elif name == "CONV":
            cycles += 8 * blocks + 4 * config.clusters * config.tile_pixels * config.columns
        elif name == "POOL":
            pools += 1
    return cycles + weights * (config.tile_pixels + 2) + pools * pixels * (2 * kernel + 4) + 100 * len(words)
