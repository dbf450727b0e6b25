# SPDX-License-Identifier: BSD-2-Clause
"""The memory behind the core's AXI port: LiteDRAM with a DDR3 module, burst by burst, with its banks, rows and refreshes."""

from dataclasses import dataclass

from compiler.timing.events import Signal


@dataclass(frozen=True)
class DramTimings:
    """Cycles of LiteDRAM with MT41K128M16 at 100 MHz, 1:4, behind LiteDRAMAXI2Native.

    A command enters its bank's queue `queue` cycles before it can go to the memory, at most `ahead` of them wait there; the port goes on to another
    bank only when they have all gone. Read data are at the core `read` cycles after their command, a write's answer `write` cycles after its last.
    """

    row_bytes: int = 2048
    banks: int = 8
    accept: int = 2       # from a burst's issue by the core to its first command: the core's register and the AXI bridge's
    queue: int = 2
    ahead: int = 9
    read: int = 12        # 9 of crossbar and PHY, 2 of the bridge's buffer, 1 of the core's register
    write: int = 3        # 2 to the data, 1 of the bridge's buffer
    bank: int = 1         # the multiplexer turns to another bank
    activate: int = 5     # tRCD 3 and the turns of state machine and multiplexer
    precharge: int = 3    # tRP
    to_write: int = 8     # the multiplexer turns to writes once one is there
    to_read: int = 2      # and back
    write_to_read: int = 7  # from a write to a read, at least: tWTR 2, the write's latency 2, tCCD 1, the turns
    refresh_period: int = 782
    refresh: int = 42     # tRP 3, tRFC 32 and the hand-over
    phase: int = 391      # the first refresh, from the doorbell


class Memory:
    """Serves read and write bursts in turn, each kind in order; `rows` maps a bank to its open row."""

    def __init__(self, events, timings, beat_bytes):
        self.events, self.timings, self.beat_bytes = events, timings, beat_bytes
        self.reads, self.writes, self.asked = [], [], Signal(events, "memory is asked")
        self.read_taken, self.write_taken = (Signal(events, f"the memory's port takes a {kind}") for kind in ("read", "write"))
        self.rows, self.bank, self.writing = {}, None, False
        self.accepted = self.commanded = 0
        self.next_refresh = timings.phase
        self.wrote = False

    def read(self, address, beats, served):
        """Ask for a burst in this cycle; served(first, last) is called in time with the cycles of its first and last beat at the core."""
        self.reads.append((self.events.now, address, beats, served))
        self.asked.fire()

    def write(self, address, beats, served):
        """Write a burst whose beats follow from this cycle on; served(cycle) is called in time with the cycle of the answer."""
        self.writes.append((self.events.now, address, beats, served))
        self.asked.fire()

    def serve(self):
        """Process: one burst after the other."""
        timings = self.timings
        while True:
            while not self.reads and not self.writes:
                yield self.asked
            # Where both kinds wait, they take turns.
            write = bool(self.writes) and not (self.reads and self.wrote)
            asked, address, beats, served = (self.writes if write else self.reads).pop(0)
            self.wrote = write
            first, last = self._commands(asked + timings.accept, address, beats, write)
            if write:
                self.write_taken.fire()
                served(last + timings.write)
            else:
                self.read_taken.fire()
                served(first + timings.read, last + timings.read)
            yield self.accepted

    def _commands(self, earliest, address, beats, write):
        """Return the cycles of the first and last command of a burst."""
        timings = self.timings
        row, bank = divmod(address // timings.row_bytes, timings.banks)
        accepted = max(earliest, self.accepted + 1)
        if bank != self.bank:
            accepted = max(accepted, self.commanded + 1)
        first = max(accepted + timings.queue + (timings.bank if bank != self.bank else 0), self.commanded + 1)
        first = self._refreshed(first)
        if self.rows.get(bank) != row:
            first += timings.activate + (timings.precharge if bank in self.rows else 0)
            self.rows[bank] = row
        if write != self.writing:
            first += timings.to_write if write else timings.to_read
            if not write:
                first = max(first, self.commanded + timings.write_to_read)
        last = first + beats - 1
        if last >= self.next_refresh:
            last = self._refresh_within(last)
            self.rows[bank] = row
        self.bank, self.writing, self.commanded = bank, write, last
        self.accepted = max(accepted + beats - 1, last - timings.ahead)
        return first, last

    def _refreshed(self, cycle):
        """Return when a command of `cycle` can go, refreshes before it done."""
        timings = self.timings
        while cycle >= self.next_refresh:
            cycle = max(cycle, self.next_refresh + timings.refresh)
            self.next_refresh += timings.refresh_period
            self.rows.clear()
            self.writing = False
        return cycle

    def _refresh_within(self, last):
        timings = self.timings
        self.next_refresh += timings.refresh_period
        self.rows.clear()
        return last + timings.refresh + timings.activate
