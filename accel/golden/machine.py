# SPDX-License-Identifier: BSD-2-Clause
"""The golden model's control: four engines that run free of each other, semaphores, memory windows, records."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from accel import isa
from accel.golden.compute import Compute
from accel.golden.fault import ProgramFault
from accel.registers import ERROR_CODES, FILTER_WORDS, RECORD_FIELDS, RECORDS, TABLE_WORDS

LOAD_TARGETS = ("buffers", "operands", "tables")


@dataclass
class Result:
    """`error` is 0 or a code of ERRORS; `records` maps a record index to the counters that do not depend on time."""

    error: int = 0
    position: int = 0
    detail: int = 0
    records: dict = field(default_factory=dict)


def checksum(beats):
    """Return the store engine's 32-bit checksum of beats (bytes) in the order written."""
    total = 0
    for beat in beats:
        words = np.frombuffer(beat, "<u4")
        total = (total << 1 | total >> 31) & 0xFFFFFFFF
        for i, word in enumerate(int(w) for w in words):
            total ^= (word << 7 * i | word >> (32 - 7 * i)) & 0xFFFFFFFF
    return total


class Golden:
    """Executes programs on `memory` (a bytearray whose first byte has address `origin`)."""

    TIMED = ("end", "busy", "stall_fetch", "stall_weights", "stall_activations", "stall_drain", "stall_store", "stall_sync", "fetch_bytes", "edges")

    def __init__(self, config, memory, origin=0, filters=None):
        """filters: the FILTER_WORDS words of the run-time filter mask (default: every filter on)."""
        self.config, self.memory, self.origin = config, memory, origin
        self.filters = [(1 << config.columns) - 1] * FILTER_WORDS if filters is None else filters

    def run(self, words, read_window, write_window):
        """Execute `words` (ints of 128 bits); windows are (base, limit) in bytes. Returns a Result; an error stops, it does not raise."""
        self._reset(read_window, write_window)
        try:
            self._dispatch(words)
            self._run_engines()
        except ProgramFault as fault:
            return Result(fault.code, fault.position, fault.detail, self.records)
        return Result(records=self.records)

    def _reset(self, read_window, write_window):
        config = self.config
        self.read_window, self.write_window = read_window, write_window
        self.queues = {name: deque() for name in isa.ENGINES if name != "control"}
        self.semaphores = [0] * isa.SEMAPHORES
        self.records, self.shape = {}, None
        self.bytes = {"load": 0, "weights": 0, "store": 0}
        self.beats, self.outputs, self.stored = {"weights": deque(), "load": deque()}, [], []
        self.buffers = np.zeros((config.clusters, config.activation_words, config.block_channels), np.int8)
        self.tables = np.zeros(TABLE_WORDS, np.int32)
        self.compute = Compute(config, self.buffers, self._stream("weights"), self.outputs, self.filters, self._stream("load"), self.tables)

    def _dispatch(self, words):
        for position, word in enumerate(words):
            name, values = isa.decode(word)
            if position == 0 and name != "BEGIN":
                raise ProgramFault(ERROR_CODES.NO_BEGIN, position)
            if name is None:
                raise ProgramFault(ERROR_CODES.BAD_OPCODE, position, isa.OPCODE.extract(word))
            if name == "BEGIN":
                self._check_begin(values, position)
            elif name == "END":
                self.end = position
                return
            elif name == "LAYER":
                if values["index"] >= RECORDS:
                    raise ProgramFault(ERROR_CODES.BAD_FIELD, position, values["index"])
                for queue in self.queues.values():
                    queue.append((position, name, values))
            else:
                if "planes" in values:
                    values["void"] |= self._all_masked(values)
                self.queues[isa.BY_NAME[name].engine].append((position, name, values))
        raise ProgramFault(ERROR_CODES.NO_BEGIN, len(words))

    def _all_masked(self, values):
        words = [self.filters[(values["filters"] + i) % FILTER_WORDS] for i in range(values["planes"])]
        return int(bool(words) and not values["whole"] and not any(word & ((1 << self.config.columns) - 1) for word in words))

    def _check_begin(self, values, position):
        if position != 0:
            raise ProgramFault(ERROR_CODES.NO_BEGIN, position)
        if values["isa_version"] != isa.ISA_VERSION:
            raise ProgramFault(ERROR_CODES.BAD_VERSION, position, values["isa_version"])
        if values["config_hash"] != self.config.hash:
            raise ProgramFault(ERROR_CODES.BAD_CONFIG, position, values["config_hash"])

    def _run_engines(self):
        """Let each engine go on as far as it can, in turn, until all are done or none can move."""
        moved = True
        while moved:
            moved = False
            for engine in self.queues:
                while self.queues[engine] and self._step(engine):
                    moved = True
        waiting = [queue[0][0] for queue in self.queues.values() if queue]
        if waiting:
            raise ProgramFault(ERROR_CODES.DEADLOCK, min(waiting))
        if any(self.beats.values()) or self.outputs:
            raise ProgramFault(ERROR_CODES.LEFTOVER, self.end)

    def _step(self, engine):
        """Execute the engine's next instruction if nothing holds it up. Returns whether it did."""
        position, name, values = self.queues[engine][0]
        waits = {values.get("wait_a", 0), values.get("wait_b", 0)}
        taken = [w - 8 for w in waits if w >= 8]
        if any(self.semaphores[s] == 0 for s in taken) or not self._ready(name, values):
            return False
        for s in taken:
            self.semaphores[s] -= 1
        self.queues[engine].popleft()
        self._execute(engine, name, values, position)
        for s in {values.get(key, 0) for key in ("signal_a", "signal_b", "copy_signal")}:
            if s >= 8:
                self.semaphores[s - 8] += 1
        return True

    def _execute(self, engine, name, values, position):
        handlers = {"LOAD_SHAPE": self._load_shape, "LOAD": self._load, "WEIGHTS": self._weights, "STORE": self._store,
                    "CONV": self._conv, "POOL": self.compute.pool}
        if name == "LAYER":
            self._close(engine, values["index"])
        elif name in handlers:
            handlers[name](values, position)
        else:
            self.compute.setting(name, values, position)

    def _ready(self, name, values):
        """Streams: a STORE waits for its beats. (A CONV pulls WEIGHTS and operands through by itself, see _stream.)"""
        return name != "STORE" or len(self.outputs) >= values["beats"]

    def _close(self, engine, index):
        record = self.records.setdefault(index, {name: 0 for name, _ in RECORD_FIELDS if name not in self.TIMED})
        if engine == "compute":
            record["macs"], self.compute.macs = self.compute.macs, 0
        elif engine == "store":
            record["checksum"], self.stored = checksum(self.stored), []
        if engine != "compute":
            record[{"load": "load_bytes", "weights": "weight_bytes", "store": "store_bytes"}[engine]] = self.bytes[engine]
            self.bytes[engine] = 0

    def _check_window(self, window, code, address, length, position):
        if address < window[0] or address + length > window[1]:
            raise ProgramFault(code, position, address)

    def _read(self, address, length, position):
        """Return bytes of memory; the whole beats that hold them must lie in the read window."""
        beat = self.config.beat_bytes
        low, high = address // beat * beat, -(-(address + length) // beat) * beat
        self._check_window(self.read_window, ERROR_CODES.READ_WINDOW, low, high - low, position)
        start = address - self.origin
        return bytes(self.memory[start:start + length]), high - low

    def _load_shape(self, values, position):
        if values["item_bytes"] == 0:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        self.shape = values

    def _load(self, values, position):
        config, shape = self.config, self.shape
        beat = config.beat_bytes
        if (shape is None or not values["rows"] or not values["length"] or values["clusters"] >> config.clusters
                or values["target"] >= len(LOAD_TARGETS)):
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        place = values["destination"]
        for row in range(values["rows"]):
            data, moved = self._read(values["address"] + row * shape["source_pitch"], values["length"], position)
            self.bytes["load"] += moved
            for first in range(0, len(data), shape["item_bytes"]):
                item = data[first:first + shape["item_bytes"]]
                if len(item) < shape["item_bytes"]:
                    raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
                for low in range(0, len(item), beat):
                    self._put(values, place, item[low:low + beat].ljust(beat, b"\0"), position)
                    place += 1
                place += shape["item_step"] - 1
            place += shape["row_step"] - shape["item_step"]

    def _put(self, values, place, data, position):
        """Write one destination beat of a LOAD."""
        target = LOAD_TARGETS[values["target"]]
        if target == "operands":
            self.beats["load"].append(data)
        elif target == "tables":
            if not 0 <= place < TABLE_WORDS:
                raise ProgramFault(ERROR_CODES.BUFFER, position, place & 0xFFFF)
            self.tables[place] = np.frombuffer(data[:4], "<i4")[0]
        else:
            self._write_buffers(values["clusters"], place, data, position)

    def _write_buffers(self, clusters, place, data, position):
        config = self.config
        planes = self.buffers.reshape(config.clusters, -1, config.columns)
        if not 0 <= place < planes.shape[1]:
            raise ProgramFault(ERROR_CODES.BUFFER, position, place & 0xFFFF)
        planes[[c for c in range(config.clusters) if clusters >> c & 1], place] = np.frombuffer(data, np.int8)

    def _weights(self, values, position):
        beat = self.config.beat_bytes
        if not values["beats"] or values["address"] % beat:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        if values["void"]:
            return
        data, moved = self._read(values["address"], values["beats"] * beat, position)
        self.bytes["weights"] += moved
        self.beats["weights"].extend(data[i:i + beat] for i in range(0, len(data), beat))

    def _stream(self, engine):
        """Yield beats of a FIFO that `engine` fills; where it is empty, that engine goes on first, and those that it may wait for."""
        beats = self.beats[engine]
        while True:
            while not beats:
                if not self.queues[engine]:
                    raise ProgramFault(ERROR_CODES.DEADLOCK, self.position)
                if not any(self.queues[other] and self._step(other) for other in (engine, "load", "weights", "store")):
                    raise ProgramFault(ERROR_CODES.DEADLOCK, self.queues[engine][0][0])
            yield beats.popleft()

    def _conv(self, values, position):
        self.position = position
        self.compute.conv(values, position)

    def _store(self, values, position):
        beat = self.config.beat_bytes
        beyond_mask = values["measure"] and values["mask_plane"] >= isa.MASK_WORDS * self.config.beats_per_word
        if not values["beats"] or values["address"] % beat or values["copy_clusters"] >> self.config.clusters or beyond_mask:
            raise ProgramFault(ERROR_CODES.BAD_FIELD, position)
        self._check_window(self.write_window, ERROR_CODES.WRITE_WINDOW, values["address"], values["beats"] * beat, position)
        beats, self.outputs[:values["beats"]] = self.outputs[:values["beats"]], []
        start = values["address"] - self.origin
        self.memory[start:start + values["beats"] * beat] = b"".join(beats)
        for i, data in enumerate(beats if values["copy_clusters"] else ()):
            self._write_buffers(values["copy_clusters"], values["copy_destination"] + i * values["copy_pitch"], data, position)
        if values["measure"]:
            self.compute.measure(beats, values)
        self.stored.extend(beats)
        self.bytes["store"] += values["beats"] * beat
