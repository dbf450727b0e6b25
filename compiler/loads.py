# SPDX-License-Identifier: BSD-2-Clause
"""When what is loaded: jobs that fill a region of the activation buffer, cut by rows into pieces, a little ahead of the tiles.

Order and semaphores: each piece gives DATA when it is there. The first CONV of a round takes DATA where its round needs one piece more than the
rounds before it; so the rows are cut such that no round needs two more. A job's first piece waits until the job that held its region before
has been read. With two regions the next job's pieces stand between the present job's rounds, so that they overlap them; with one they
follow the present job's last CONV. Each wait is for a signal from earlier in the program, so full queues cannot deadlock.
"""

from dataclasses import dataclass

from compiler.tiling import input_span

PIECE_BEATS = 256
# Pieces that are asked for before the round that takes them begins.
AHEAD = 2


@dataclass(frozen=True)
class Job:
    """One strip (one pass over its input blocks) in region `region`.

    `pieces` are ranges of input rows, `takes` the round that piece i is needed from; `after` is whether another job had the region before,
    `before` whether another one follows.
    """

    strip: object
    blocks: range
    region: int
    pieces: tuple
    takes: tuple
    after: bool
    before: bool


def _least_rows(config, geometry, strip, blocks):
    """Return the rows of a piece that are worth a wait of their own: runs of two bursts, PIECE_BEATS beats in all."""
    columns = len(strip.input_columns)
    row_beats = geometry.window.row_beats(columns, blocks)
    return max(-(-2 * config.burst_beats // columns), -(-PIECE_BEATS // row_beats))


def row_pieces(config, geometry, strip, blocks):
    """Return (pieces, takes) of a strip: its input rows cut where its rounds need them, all but the first not too small."""
    least_rows = _least_rows(config, geometry, strip, blocks)
    layer, rows = geometry.layer, strip.input_rows
    pieces, takes, loaded = [], [], rows.start
    for i, part in enumerate(strip.rounds):
        needed = input_span(range(part.last_row, part.last_row + 1), layer.kernel[0], layer.stride[0], layer.padding.top, geometry.shape[0]).stop
        if needed > loaded or not pieces:
            stop = max(needed, loaded + (least_rows if pieces else 1))
            stop = rows.stop if i == len(strip.rounds) - 1 else min(stop, rows.stop)
            pieces.append(range(loaded, stop))
            takes.append(i)
            loaded = stop
    return tuple(pieces), tuple(takes)


def jobs_of(strips_and_blocks, regions, cut):
    """Return the Jobs of (strip, blocks) pairs in order, alternating between the regions; `cut(strip)` gives (pieces, takes)."""
    count = len(strips_and_blocks)
    return [Job(strip, blocks, i % regions, *cut(strip), i >= regions, i + regions < count)
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
        """Emit what must or should be asked for before round `turn` of job number `job`; returns whether that round takes a piece."""
        while self.job < len(self.jobs) and self._wanted(job, turn):
            self.emit(self.jobs[self.job], self.piece)
            self.piece += 1
            if self.piece == len(self.jobs[self.job].pieces):
                self.job, self.piece = self.job + 1, 0
        return turn in self.jobs[job].takes

    def _wanted(self, job, turn):
        if self.job <= job:
            return self.jobs[self.job].takes[self.piece] <= turn or self.piece < self._taken(job, turn) + AHEAD
        return self.regions == 2 and self.job == job + 1 and self.piece <= turn

    def _taken(self, job, turn):
        return sum(take <= turn for take in self.jobs[job].takes)
