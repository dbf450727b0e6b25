# SPDX-License-Identifier: BSD-2-Clause
"""The host's API to a firmware at a serial port, by frames: load a model, classify images, read counters and tensors, run single steps.

A board's port and the simulation's pseudo-terminal are the same to it. Bytes that the line damages, loses or doubles cost time only.
"""

import random
import time
import zlib
from dataclasses import dataclass

import numpy as np

from accel.errors import UserError
from accel.registers import RECORD_FIELDS
from compiler.binary import HEADER
from compiler.memory_map import MODEL_ADDRESS
from compiler.ir import Concat
from firmware.frames import (
    ANSWERS, IDENTITY, MOST_PAYLOAD, PROTOCOL, REQUESTS, RESULT, TABLES, Frame, FrameReader, encode, pack_words, words_of)
from firmware.inference import CpuRun, Outcome, describe_error, judge_run, layer_runs
from firmware.link import NO_SUCH_RATE

_KINDS = {name: kind for name, (kind, *_) in REQUESTS.items()}
_HEADER_BYTES = 4 * len(HEADER)
_WRITE_WORDS = len(REQUESTS["WRITE"][1])
# A new rate is tried for less than the half second after which the firmware gives it up, and a few times, since the line may damage its request.
_TRIAL_SECONDS, _TRIALS, _SETTLE_SECONDS = 0.3, 3, 0.01
# The part of a request's patience after which the first rate is taken again.
_LOST = 0.1


class NoAnswer(UserError):
    """A request was not answered."""


class Refused(UserError):
    """A request was answered by a refusal."""


@dataclass(frozen=True)
class Identity:
    """Who answers: the words of frames.IDENTITY."""

    config: int
    model_version: int
    most_payload: int
    memory_first: int
    memory_end: int
    clock_hz: int
    baud: int


@dataclass(frozen=True)
class Run:
    """`output` int8 [H, W, C] (int32 of sums), `cycles` from the first doorbell to the last done, `end_to_end` from image to answer in DRAM."""

    output: np.ndarray
    cycles: int
    end_to_end: int


@dataclass(frozen=True)
class Step:
    """What one step came to: its `number`, the names of its `layers`, its `cycles`, and whether it was the `last`."""

    number: int
    layers: tuple
    cycles: int
    last: bool


def place_of(model, name):
    """Return where tensor `name` of a compiled model lies in memory. Raises UserError where it does not."""
    if name not in model.placements:
        raise UserError(f"the model has no tensor {name!r} in memory: it has {', '.join(model.placements)}")
    return model.placements[name]


class Session:
    """Speaks to the firmware at `port`, a pyserial port with a timeout of less than a second. Raises UserError where none answers.

    check_alive is called while waiting; it raises where waiting is in vain. silence: seconds without an answer after which a request is sent again;
    more than a request takes, but for runs, of which the firmware hears nothing meanwhile. patience: seconds until a request, and
    run_patience: until a run, is given up. payload: the largest that the host sends; a line that damages much wants short ones.
    raised: whether the line has another rate than at the start, until it is lowered or found not to carry frames.
    """

    def __init__(self, port, check_alive=lambda: None, silence=1.0, patience=30.0, run_patience=300.0, payload=MOST_PAYLOAD):
        if not 4 * len(HEADER) <= payload <= MOST_PAYLOAD:
            raise ValueError(f"payload is {payload}, but it must be {4 * len(HEADER)} to {MOST_PAYLOAD}")
        self.port, self.check_alive, self.silence, self.patience, self.run_patience = port, check_alive, silence, patience, run_patience
        self.repeated, self.raised = 0, False  # how many requests had to be sent again; see change_baud
        self._reader, self._frames = FrameReader(), []
        # An earlier host's numbers must not go on: its last request would be taken for ours.
        self._sequence = random.SystemRandom().getrandbits(32)
        self._binary = self._next = self._by_cpu = None
        self.identity = Identity(*self._words("IDENTIFY", IDENTITY))
        self.payload = min(payload, self.identity.most_payload)

    def load_model(self, binary, advance=lambda count: None):
        """Load a ModelBinary, which all that follows is about. advance: called with the number of bytes that arrived; a model that is in memory already,
        by an earlier session or the serial boot, is not sent again.

        Raises UserError with the firmware's sentence where the model does not fit it: before the model has been sent, if its header shows it.
        """
        data, self._binary = binary.data, None
        self._ask("OFFER", data[:_HEADER_BYTES], doing="the model")
        try:
            self._accept(data)
            advance(len(data))
        except Refused:
            self.write(MODEL_ADDRESS, data, advance)
            self._accept(data)
        self._binary = binary

    def _accept(self, data):
        self._ask("ACCEPT", pack_words(len(data), zlib.crc32(data)), self.run_patience, "the model")

    def run(self, image):
        """Run an int8 image [H, W, C], or a batch of the model's size [N, H, W, C]; returns its Run. Raises UserError where a program stops."""
        self._put_image(image)
        result = self._result("RUN", b"")
        return Run(self.tensor(self._binary.model.lowered.output), result["cycles"], result["end_to_end"])

    def judged_run(self, network, expectation, image):
        """Run an image, or a batch, of the model that was loaded, `network`'s; returns its ImageRun, every tensor held against the Expectation."""
        self._put_image(image)
        result = self._result("RUN", b"")
        return judge_run(Outcome(result["cycles"], result["end_to_end"], *self._tables()), network, self._binary.model, expectation, self.read)

    def run_by_cpu(self, image):
        """Run an image by the CPU's kernels alone; returns its CpuRun."""
        self.start(image, by_cpu=True)
        steps = [self.step()]
        while not steps[-1].last:
            steps.append(self.step())
        return CpuRun(tuple(step.cycles for step in steps), self.tensor(self._binary.model.lowered.output))

    def start(self, image, by_cpu=False):
        """Take an image as `run` does, and wait before the first step; by_cpu: the steps are the layers, each by the CPU's kernel."""
        self._put_image(image)
        self._next, self._by_cpu = 0, by_cpu

    def step(self):
        """Run the next step of the image that was started: a program of the accelerator or a layer of the CPU; returns a Step."""
        names = self._step_names()
        if self._next is None or self._next == len(names):
            raise UserError("there is no step left: start an image first")
        result = self._result("STEP", pack_words(self._by_cpu, self._next))
        self._next += 1
        return Step(self._next - 1, names[self._next - 1], result["cycles"], self._next == len(names))

    def counters(self):
        """Return the LayerRun of each layer of the last run."""
        model = self._loaded().model
        steps, records = self._tables()
        return layer_runs(model, records, [cycles for cycles, _ in steps])

    def tensor(self, name):
        """Return tensor `name` of the model as it lies in memory: int8 [H, W, C] (int32 of sums). Other tensors may have reused the place."""
        place = place_of(self._loaded().model, name)
        return place.unpack(self.read(place.address, place.bytes))

    def reset(self):
        """Make the firmware forget the model and turn every filter on."""
        self._binary = self._next = None
        self._ask("RESET", doing="to reset")

    def change_baud(self, baud):
        """Go to another rate; returns whether the line has it now. Where it does not carry frames, or the host's driver refuses the rate, both sides go
        back to the first one.

        Raises UserError where the firmware's line can only have one rate, or not this one.
        """
        for _ in range(_TRIALS):
            self._ask("SPEED", pack_words(baud), doing=f"{baud:,} baud")
            possible = self._set_rate(baud)
            if possible and self._is_heard():
                return True
            self._set_rate(self.identity.baud)
            self._words("IDENTIFY", IDENTITY)
            if not possible:
                break
        return False

    def lower(self):
        """Go back to the line's first rate, which the next host begins with."""
        if self.raised:
            self.change_baud(self.identity.baud)

    def release(self):
        """Leave the line to the console: let it ask for a line, which a Link on the same port waits for. The session may go on afterwards."""
        self.lower()
        self._on_port(self.port.write, b"\n")

    def write(self, address, data, advance=lambda count: None):
        """Write bytes to memory from byte `address` on. advance: called with the number of bytes that arrived."""
        size = self.payload - 4 * _WRITE_WORDS
        for start in range(0, len(data), size):
            part = data[start:start + size]
            self._ask("WRITE", pack_words(address + start) + part, doing=f"{len(part)} bytes for 0x{address + start:x}")
            advance(len(part))

    def read(self, address, size):
        """Return `size` bytes of memory from byte `address` on."""
        parts = []
        for start in range(0, size, self.payload):
            count = min(self.payload, size - start)
            parts.append(self._ask("READ", pack_words(address + start, count), doing=f"to read {count} bytes at 0x{address + start:x}"))
        return b"".join(parts)

    def _loaded(self):
        if self._binary is None:
            raise UserError("no model has been loaded in this session: load one first")
        return self._binary

    def _put_image(self, image):
        model = self._loaded().model
        place = model.placements[model.lowered.input]
        shape = (place.shape[0] // model.batch, *place.shape[1:])
        if image.dtype != np.int8 or image.shape not in (shape, (model.batch, *shape)) or image.size != np.prod(place.shape):
            raise UserError(f"the model takes {model.batch} int8 image(s) of {'x'.join(map(str, shape))}, not {image.dtype} of {image.shape}")
        self._next = None
        self.write(place.address, image.tobytes())

    def _step_names(self):
        """Return the names of the layers of each step."""
        model = self._loaded().model
        if self._by_cpu:
            return [(layer.name,) for layer in model.lowered.layers if not isinstance(layer, Concat)]
        return [tuple(layer.name for layer in model.layers[step.layers.start:step.layers.stop]) for step in model.steps]

    def _set_rate(self, baud):
        """Set the host's side of the line; returns whether its driver can have the rate."""
        self.raised = baud != self.identity.baud
        try:
            self._on_port(setattr, self.port, "baudrate", baud)
        except NO_SUCH_RATE:
            return False
        time.sleep(_SETTLE_SECONDS)
        return True

    def _is_heard(self):
        try:
            self._words("IDENTIFY", IDENTITY, patience=_TRIAL_SECONDS)
        except NoAnswer:
            return False
        return True

    def _tables(self):
        """Return the rows of cycles and checksum of the model's steps, and the rows of the accelerator's words."""
        model = self._loaded().model
        return (self._table("STEPS", len(model.steps), 2),
                self._table("RECORDS", sum(not layer.on_cpu for layer in model.layers), len(RECORD_FIELDS)))

    def _table(self, name, count, width):
        """Return `count` rows of `width` words of a table of counters."""
        rows = []
        while len(rows) < count:
            words = words_of(self._ask("COUNTERS", pack_words(TABLES[name], len(rows)), doing="to tell its counters"))
            if not words:
                raise UserError(f"the firmware has {len(rows)} rows of counters of the model's {count}: build the firmware again")
            rows += [words[i:i + width] for i in range(0, len(words), width)]
        return rows

    def _result(self, name, payload):
        """Return the result of a RUN or STEP, {word: value}. Raises UserError where a program stopped with an error."""
        words = dict(zip((word for word, _ in RESULT), self._words(name, RESULT, payload, self.run_patience, "to run"), strict=True))
        if words["error"]:
            raise UserError(describe_error(self._binary.model.steps[words["step"]], words["error"], words["position"], words["detail"]))
        return words

    def _words(self, name, table, payload=b"", patience=None, doing=""):
        words = words_of(self._ask(name, payload, patience, doing))
        if len(words) != len(table):
            raise UserError(f"the firmware answers {name} with {len(words)} words instead of {len(table)}: build the firmware again")
        return words

    def _ask(self, name, payload=b"", patience=None, doing=""):
        """Send a request until it is answered; returns the answer's payload. UserError where it is refused, NoAnswer where it is never answered."""
        patience = self.patience if patience is None else patience
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        line, begun = encode(Frame(_KINDS[name], self._sequence, payload)), time.monotonic()
        self._on_port(self.port.write, line)
        # A firmware that is still starting may not have heard the first request.
        silence = min(self.silence, 1.0, patience / 3) if name == "IDENTIFY" else self.silence
        while (answer := self._receive(min(begun + patience, time.monotonic() + silence))) is None:
            if time.monotonic() > begun + patience:
                raise NoAnswer(f"the firmware has not answered {name} for {patience:g} seconds: look whether the board runs this firmware and "
                               "the baud rate is right, or reset it and try again")
            if self.raised and patience != _TRIAL_SECONDS and time.monotonic() > begun + _LOST * patience:
                self._set_rate(self.identity.baud)
            self.repeated += 1
            self._on_port(self.port.write, line)
        if answer.protocol != PROTOCOL:
            raise UserError(f"the firmware speaks version {answer.protocol} of the protocol, not {PROTOCOL}: build the firmware again")
        if answer.kind == ANSWERS["REFUSED"]:
            raise Refused(f"the firmware refuses {doing or name}: {answer.payload.decode(errors='replace')}")
        return answer.payload

    def _receive(self, deadline):
        """Return the answer to the last request, or None where it has to be sent again. Answers to earlier ones are passed over."""
        while True:
            while self._frames:
                frame = self._frames.pop(0)
                if frame is None or frame.kind == ANSWERS["BROKEN"]:
                    return None
                if frame.sequence == self._sequence and frame.kind in ANSWERS.values():
                    return frame
            self.check_alive()
            self._frames += self._reader.feed(self._on_port(lambda: self.port.read(max(1, self.port.in_waiting))))
            if not self._frames and time.monotonic() > deadline:
                return None

    @staticmethod
    def _on_port(action, *arguments):
        try:
            return action(*arguments)
        except OSError as error:  # pyserial's are among them
            raise UserError(f"the serial port failed ({error}): connect the board again and start anew") from error
