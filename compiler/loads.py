# SPDX-License-Identifier: BSD-2-Clause
"""When what is loaded: jobs that fill a region of the activation buffer, cut by rows into pieces, a little ahead of the tiles.

A round of tiles waits for the piece with the last row that it reads. A job's pieces wait until what was in their place before has been read. With
two regions the next job's pieces stand between the present job's rounds, so that they overlap them; with one they follow the present job's last CONV.
"""

from dataclasses import dataclass

PIECE_BEATS = 256
# Pieces that are asked for before the round that takes them begins.
AHEAD = 2


@dataclass(frozen=True)
class Job:
    """One strip (one pass over its input blocks) that lies in the buffer from beat `base` on.

    `pieces` are ranges of input rows, `takes` the round that piece i is needed from; there are none where the strip lies in the buffer by itself.
    """

    number: int
    strip: object
    blocks: range
    base: int
    pieces: tuple = ()
    takes: tuple = ()


def _least_rows(config, geometry, strip, blocks):
    """Return the rows of a piece that are worth a wait of their own: runs of two bursts, PIECE_BEATS beats in all."""
    columns = len(strip.input_columns)
    return max(-(-2 * config.burst_beats // columns), -(-PIECE_BEATS // geometry.window.row_beats(columns, blocks)))


def row_pieces(config, geometry, strip, blocks):
    """Return (pieces, takes) of a strip: its input rows cut where its rounds need them, all but the first not too small."""
    least_rows = _least_rows(config, geometry, strip, blocks)
    rows = strip.input_rows
    pieces, takes, loaded = [], [], rows.start
    for i, part in enumerate(strip.rounds):
        needed = geometry.reads(part).stop
        if needed > loaded or not pieces:
            stop = max(needed, loaded + (least_rows if pieces else 1))
            stop = rows.stop if i == len(strip.rounds) - 1 else min(stop, rows.stop)
            pieces.append(range(loaded, stop))
            takes.append(i)
            loaded = stop
    return tuple(pieces), tuple(takes)


def jobs_of(strips_and_blocks, tiling, base, cut):
    """Return the Jobs of (strip, blocks) pairs in order, alternating between the tiling's regions from beat `base` on.

    `cut(strip)` gives (pieces, takes), or is None where nothing is to be loaded.
    """
    return [Job(i, strip, blocks, base + i % tiling.regions * tiling.region_beats, *(cut(strip) if cut else ()))
            for i, (strip, blocks) in enumerate(strips_and_blocks)]


def whole(strip):
    """Return (pieces, takes) of a strip that is loaded in one piece."""
    return (strip.input_rows,), (0,)


class Loader:
    """Emits the pieces of `jobs` in order by `emit(job, piece index)`, as far as the tiles that follow make it useful."""

    def __init__(self, jobs, regions, emit):
        self.jobs, self.regions, self.emit = jobs, regions, emit
        self.job, self.piece = 0, 0

    def before(self, job, turn):
        """Emit what must or should be asked for before round `turn` of job number `job`."""
        while self.job < len(self.jobs) and self._wanted(job, turn):
            if self.piece < len(self.jobs[self.job].pieces):
                self.emit(self.jobs[self.job], self.piece)
                self.piece += 1
            if self.piece >= len(self.jobs[self.job].pieces):
                self.job, self.piece = self.job + 1, 0

    def _wanted(self, job, turn):
        if not self.jobs[self.job].pieces:
            return self.job <= job
        if self.job <= job:
            return self.jobs[self.job].takes[self.piece] <= turn or self.piece < self._taken(job, turn) + AHEAD
        return self.regions == 2 and self.job == job + 1 and self.piece <= turn

    def _taken(self, job, turn):
        return sum(take <= turn for take in self.jobs[job].takes)
