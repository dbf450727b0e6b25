# SPDX-License-Identifier: BSD-2-Clause
"""Which tensors stay on chip and where: whole maps in the activation buffers, beside the regions that loaded layers need.

A tensor's place is its own from its first store to its last reader. It may overlap the input of the layer that writes it, where that layer is the
input's last reader and overwrites only rows that it has read. Tensors are taken up one after the other, the one that saves most first, as long as
all find a place and the layers together become cheaper.
"""

from dataclasses import dataclass

# Places that are tried before a set of tensors counts as one that does not fit.
_MOST_TRIALS = 400


@dataclass(frozen=True)
class Choice:
    """How a stage runs: its `plan`; the first beat `base` of its input's region or resident map; the Home of its output or None."""

    plan: object
    base: int
    resident: bool
    home: object


@dataclass(frozen=True)
class Candidate:
    """A tensor that can stay: written by stage `producer`, read there by the stages `readers`; `beats` long; `saved`: cycles; flat as they are."""

    tensor: str
    producer: int
    readers: tuple
    beats: int
    flat: bool
    saved: float

    @property
    def last(self):
        """The last stage that reads it there."""
        return self.readers[-1]

    def lives_at(self, number):
        """Whether it has its place during stage `number`."""
        return self.producer <= number <= self.last


def plan_residency(stages, capacity, word):
    """Return a Choice for each of `stages` in order; buffers have `capacity` beats, a word is `word` beats. None where a stage fits in no way.

    A stage has reads, writes, flat, beats, plan(), home() and lag() as compiler/stage.py describes them.
    """
    return Residency(stages, capacity, word).choices()


class Residency:
    """The search for one network."""

    def __init__(self, stages, capacity, word):
        self.stages, self.capacity, self.word = stages, capacity, word

    def choices(self):
        """Return the Choices, as plan_residency() does."""
        best = self._choose({})
        for candidate in sorted(self.candidates(), key=lambda one: -one.saved):
            places = self.place([*best[2], candidate])
            found = places and self._choose(places)
            if found and (best[1] is None or found[1] is not None and found[1] < best[1]):
                best = found
        return best[0] if best[1] is not None else None

    def candidates(self):
        """Return a Candidate for each tensor that some later stage can read in the buffers and that could fit."""
        found = []
        for number, stage in enumerate(self.stages):
            able = [i for i, other in enumerate(self.stages) if other.reads == stage.writes and other.plan(0, True) is not None]
            flat = all(self.stages[i].flat for i in able)
            readers = tuple(i for i in able if self.stages[i].flat == flat)
            if readers and stage.beats <= self.capacity and stage.home(0, flat) is not None:
                saved = sum(self._saved(self.stages[i]) for i in readers)
                found.append(Candidate(stage.writes, number, readers, stage.beats, flat, saved))
        return found

    def _saved(self, stage):
        loaded = stage.plan(self.capacity)
        return float("inf") if loaded is None else loaded.score - stage.plan(0, True).score

    def place(self, candidates):
        """Return {Candidate: base} so that all have a place, or None."""
        self.trials = _MOST_TRIALS
        return self._place(sorted(candidates, key=lambda one: one.producer), {})

    def _place(self, left, placed):
        if not left:
            return placed
        candidate = left[0]
        for base in self._bases(candidate, placed):
            self.trials -= 1
            if self.trials < 0:
                return None
            found = self._place(left[1:], {**placed, candidate: base})
            if found is not None:
                return found
        return None

    def _bases(self, candidate, placed):
        """Return the bases worth a try: behind its input's reads, the highest and the lowest free place."""
        live = [other for other in placed if other.lives_at(candidate.producer)]
        bases = []
        for source in live:
            if candidate.producer == source.last and self.stages[candidate.producer].reads == source.tensor:
                highest = placed[source] + self.stages[candidate.producer].lag(candidate.flat)
                fitting = [min(end - candidate.beats, highest) for first, end in self._gaps(placed, [other for other in live if other is not source])
                           if min(end - candidate.beats, highest) >= first]
                bases += fitting[-1:]
        free = [(first, end) for first, end in self._gaps(placed, live) if end - first >= candidate.beats]
        if free:
            bases += [free[-1][1] - candidate.beats, free[0][0]]
        return list(dict.fromkeys(bases))

    def _gaps(self, placed, candidates):
        """Return the (first, end) of what these of the placed candidates leave free, in order."""
        first, found = 0, []
        for base, end in sorted((placed[one], placed[one] + one.beats) for one in candidates):
            if base > first:
                found.append((first, base))
            first = max(first, end)
        return found + [(first, self.capacity)] * (first < self.capacity)

    def _choose(self, places):
        """Return (Choices, their score or None where a stage does not fit, places)."""
        choices, total, before = [], 0.0, range(0)
        for number, stage in enumerate(self.stages):
            live = [one for one in places if one.lives_at(number)]
            source = next((one for one in live if one.tensor == stage.reads and number in one.readers), None)
            home = next((stage.home(places[one], one.flat) for one in live if one.producer == number), None)
            if source is not None:
                plan, base = stage.plan(0, True), places[source]
            else:
                plan, base = self._load_region(stage, self._gaps(places, live), before)
            if plan is None:
                return None, None, places
            before = range(base, base + plan.tiling.regions * plan.tiling.region_beats)
            total += plan.score
            choices.append(Choice(plan, base, source is not None, home))
        return choices, total, places

    def _load_region(self, stage, gaps, before):
        """Return (plan, base) in the largest gap, at that end where it overlaps less of what the stage before reads."""
        word = self.word
        rooms = [(-(-first // word) * word, end // word * word) for first, end in gaps]
        first, end = max(rooms, key=lambda room: room[1] - room[0], default=(0, 0))
        plan = stage.plan(end - first) if end > first else None
        if plan is None:
            return None, 0
        beats = plan.tiling.regions * plan.tiling.region_beats

        def overlap(base):
            return len(range(max(base, before.start), min(base + beats, before.stop)))

        return plan, min((first, end - beats), key=overlap)
