# SPDX-License-Identifier: BSD-2-Clause
"""From what operations wait for to semaphores: one for each pair of engines, each give taken exactly once.

Engines work in order. So of what an operation waits for only the latest operation of each engine counts, and it need not be waited for where an
operation before has waited for it, or for a later one. What is left is in the same order at both ends: the n-th give is for the n-th take.
Everything waited for is earlier in the program, so full queues cannot deadlock.
"""

from bisect import bisect_left

from accel import isa
from accel.errors import UserError
from compiler.isa_limits import most

# (who gives, who takes) -> semaphore. A STORE gives to the load engine when memory has answered, to the compute engine when its copy is there.
SEMAPHORES = {("load", "compute"): isa.semaphore(0), ("store", "load"): isa.semaphore(1), ("compute", "load"): isa.semaphore(2),
              ("store", "compute"): isa.semaphore(3)}
# What a semaphore counts to. Besides the gives before a taker in the program come those behind it, as far as its queue holds instructions.
MOST_GIVEN = 63
MOST_BEATS = most("STORE", "beats")


def link(config, ops, names):
    """Return the instruction words of a Schedule's ops, whose layers have `names`. Raises UserError where an instruction cannot say an op.

    Where a semaphore would be given too often ahead, stores give it for several rows together.
    """
    stores = {}
    for op in ops:
        if op.name == "STORE":
            stores.setdefault(op.layer, []).append(op)
    grain = 1
    while True:
        pairs = pair(ops, stores, grain)
        ahead = max(map(most_ahead, pairs.values()))
        if ahead < MOST_GIVEN - config.queue_depth:
            return [_word(name, values, names[layer]) for name, values, layer in _instructions(config, ops, pairs)]
        if grain > len(ops):
            raise UserError(f"the program gives a semaphore {ahead} times ahead, but {MOST_GIVEN - config.queue_depth - 1} are possible; use a "
                            "network of fewer layers")
        grain *= 2


def pair(ops, stores, grain):
    """Return {(giver, taker): [(Op that gives, Op that takes)]} in order; `stores` are each layer's STOREs, of which each `grain`-th may give."""
    numbers = {op: i for layer in stores.values() for i, op in enumerate(layer)}
    pairs, latest = {channel: [] for channel in SEMAPHORES}, dict.fromkeys(SEMAPHORES, -1)
    for op in ops:
        for giver in ("load", "compute", "store"):
            needed = max((need for need in op.needs if need.engine == giver), key=lambda need: need.index, default=None)
            channel = giver, op.engine
            if needed is None or needed.index <= latest[channel]:
                continue
            if giver == "store":
                layer = stores[needed.layer]
                needed = layer[min(numbers[needed] // grain * grain + grain, len(layer)) - 1]
            if needed.index >= op.index:
                raise ValueError(f"{op.name} {op.index} waits for {needed.name} {needed.index}, which is later in the program")
            latest[channel] = needed.index
            pairs[channel].append((needed, op))
    return pairs


def most_ahead(pairs):
    """Return how often a semaphore can be given before it is taken: when a taker comes, all gives before it in the program may have been given."""
    gives = [give.index for give, _ in pairs]
    return max((bisect_left(gives, take.index) - taken for taken, (_, take) in enumerate(pairs)), default=0)


def _word(name, values, layer):
    try:
        return isa.encode(name, **values)
    except ValueError as error:
        raise UserError(f"layer {layer!r} is beyond what an instruction can say: {error}") from error


def _instructions(config, ops, pairs):
    """Return [(name, values, layer)] with semaphores, stores that go on where the one before ended being one."""
    signals, waits = {}, {}
    for channel, taken in pairs.items():
        for give, take in taken:
            signals.setdefault(give, {})[channel[1]] = SEMAPHORES[channel]
            waits.setdefault(take, []).append(SEMAPHORES[channel])
    entries, last = [], None
    for op in ops:
        if op.name == "STORE":
            given = signals.get(op, {})
            if last is not None and _continues(config, last, op.values):
                last["beats"] += op.values["beats"]
            else:
                last = dict(op.values)
                entries.append((op.name, last, op.layer))
            if given:
                last.update(signal_a=given.get("load", 0), copy_signal=given.get("compute", 0))
                last = None
            continue
        if op.name == "LAYER":
            last = None
        sync = dict(zip(("wait_a", "wait_b"), waits.get(op, ()))) | dict(zip(("signal_a", "signal_b"), signals.get(op, {}).values()))
        entries.append((op.name, op.values | sync, op.layer))
    return entries


def _continues(config, store, values):
    """Whether a STORE goes on where `store` ends, in memory and in the buffers, and in what it measures. It may then be one with it.

    The STORE then stands where its first beats are drained, so nothing that it waits for comes before it.
    """
    beats = store["beats"]
    return (values["address"] == store["address"] + beats * config.beat_bytes and beats + values["beats"] <= MOST_BEATS
            and store["copy_pitch"] == values["copy_pitch"] and store.get("mask_plane") == values.get("mask_plane")
            and values["copy_destination"] == store["copy_destination"] + beats * store["copy_pitch"])
