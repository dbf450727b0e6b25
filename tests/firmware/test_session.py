# SPDX-License-Identifier: BSD-2-Clause
"""The host's session with the firmware's own sources, compiled for the host, over lines that damage, lose, double and fall silent."""

import threading
import time
import zlib
from dataclasses import replace

import numpy as np
import pytest
import serial

from accel.config import CONFIGS
from accel.errors import UserError
from accel.registers import RECORD_FIELDS, RECORD_WORDS, RECORDS
from compiler.binary import HEADER, MODEL_ADDRESS, build_binary
from compiler.reference import execute
from firmware.frames import ANSWERS, ENQ, MOST_PAYLOAD, REQUESTS, Frame, FrameReader, encode, pack_words
from firmware.session import Session
from nets.images import digits_samples
from nets.zoo import load_model
from tests.support.host_firmware import JOB_CYCLES, JOBS_ADDRESS, MEMORY_END, DamagedLine, HostFirmware, compile_firmware
from tests.support.slices import slice_of
from tests.support.stepped_networks import stepped

CONFIG = CONFIGS["arty-35"]
WORDS = [name for name, _ in HEADER]
FREE = 0x4180_0000


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compile_firmware(CONFIG, tmp_path_factory.mktemp("firmware"))


@pytest.fixture(scope="module")
def digits():
    """Return (network, ModelBinary with the CPU's weights, images int8 [4, H, W, C])."""
    network = load_model("digits").network
    return network, build_binary(network, CONFIG, cpu=True), digits_samples(network).images[:4]


@pytest.fixture
def firmware(program):
    with HostFirmware(program) as firmware:
        yield firmware


def session_at(port, **options):
    return Session(port, **{"silence": 0.1, "payload": 128, **options})


def jobs_of(session):
    """Return how many jobs the accelerator has been given since the firmware's start."""
    return int.from_bytes(session.read(JOBS_ADDRESS, 4), "little")


def run_by_cpu(session, network, image):
    """Run an image layer by layer; every tensor must be the reference's. Returns the Steps."""
    session.start(image, by_cpu=True)
    steps = [session.step()]
    while not steps[-1].last:
        steps.append(session.step())
    for name, expected in execute(network, image[np.newaxis]).items():
        np.testing.assert_array_equal(session.tensor(name), expected[0], err_msg=name)
    return steps


def changed(binary, **words):
    """Return the ModelBinary with words of the header changed."""
    data = bytearray(binary.data)
    for name, value in words.items():
        data[4 * WORDS.index(name):4 * WORDS.index(name) + 4] = value.to_bytes(4, "little")
    return replace(binary, data=bytes(data))


def test_the_firmware_says_who_it_is(firmware):
    identity = session_at(firmware).identity
    assert identity.config == CONFIG.hash and identity.most_payload == MOST_PAYLOAD
    assert (identity.memory_first, identity.memory_end) == (MODEL_ADDRESS, MEMORY_END)


@pytest.mark.parametrize("payload", [128, MOST_PAYLOAD])
def test_a_model_runs_layer_by_layer_and_tells_its_tensors(firmware, digits, payload):
    network, binary, images = digits
    session, arrived = session_at(firmware, payload=payload), []
    session.load_model(binary, arrived.append)
    assert sum(arrived) == len(binary.data) and max(arrived) <= payload
    for image in images:
        steps = run_by_cpu(session, network, image)
        assert [step.layers for step in steps] == [(layer.name,) for layer in network.layers]
        assert all(step.cycles > 0 for step in steps)


def test_steps_are_programs_and_layers_of_the_cpu_in_order(firmware):
    network = stepped()
    binary = build_binary(network, CONFIG)
    session = session_at(firmware)
    session.load_model(binary)
    place = binary.model.placements[network.input]
    session.start(np.zeros(place.shape, np.int8))
    steps = [session.step() for _ in binary.model.steps]
    assert [step.layers for step in steps] == [
        tuple(layer.name for layer in binary.model.layers[step.layers.start:step.layers.stop]) for step in binary.model.steps]
    assert [step.last for step in steps] == [False] * (len(steps) - 1) + [True]
    assert jobs_of(session) == len(binary.model.programs)
    with pytest.raises(UserError, match="no step left: start an image first"):
        session.step()


def test_a_run_is_the_steps_without_stops(firmware, digits):
    _, binary, images = digits
    session = session_at(firmware)
    session.load_model(binary)
    run = session.run(images[0])
    assert run.cycles == JOB_CYCLES <= run.end_to_end
    assert run.output.shape == (1, 1, 10)


def test_tables_of_more_rows_than_a_frame_holds_come_whole(firmware, digits):
    session, binary = session_at(firmware), changed(digits[1], records=RECORDS)
    session.load_model(binary)
    session.run(digits[2][0])
    rows = session._table("RECORDS", RECORDS, len(RECORD_FIELDS))
    assert rows == [tuple(range(RECORD_WORDS * i, RECORD_WORDS * i + len(RECORD_FIELDS))) for i in range(RECORDS)]
    assert session._table("STEPS", 1, 2) == [(JOB_CYCLES, 0)]
    with pytest.raises(UserError, match=f"has {RECORDS} rows of counters of the model's {RECORDS + 1}: build the firmware again"):
        session._table("RECORDS", RECORDS + 1, len(RECORD_FIELDS))


@pytest.mark.parametrize("seed", slice_of(range(12), 4))
@pytest.mark.parametrize("rate", [0.02, pytest.param(0.2, marks=pytest.mark.full)])
def test_every_answer_over_a_damaged_line_is_right(firmware, digits, rate, seed):
    network, binary, images = digits
    line = DamagedLine(firmware, np.random.default_rng(seed), rate)
    session = session_at(line, silence=0.05)
    session.load_model(binary)
    assert session.read(MODEL_ADDRESS, len(binary.data)) == binary.data, f"seed {seed}"
    for image in images[:2]:
        run_by_cpu(session, network, image)
    jobs = jobs_of(session)
    for count in range(1, 9):
        assert session.run(images[0]).cycles == JOB_CYCLES
        assert jobs_of(session) == jobs + count, f"seed {seed}: a request was executed twice or never"
    assert line.damaged > 3 and session.repeated > 0, "the line did no damage"


class Forgetful:
    """A port on which every answer is lost the first `times` times."""

    def __init__(self, port, times):
        self.port, self.times, self.lost, self.sent = port, times, 0, []

    in_waiting = 1

    def write(self, data):
        self.lost = self.lost + 1 if self.sent and self.sent[-1] == data else 0
        self.sent.append(data)
        self.port.write(data)

    def read(self, size):
        """Return what comes; nothing where it has to be lost."""
        data = self.port.read(4096)
        return b"" if self.lost < self.times else data


def test_a_request_whose_answers_are_lost_is_executed_once(firmware, digits):
    session = session_at(firmware)
    session.load_model(digits[1])
    port = session.port = Forgetful(firmware, 3)
    session.silence = 0.05
    for count in range(1, 4):
        session.run(digits[2][0])
        runs = [line for line in port.sent if FrameReader().feed(line)[0].kind == REQUESTS["RUN"][0]]
        assert len(runs) == 4 * count
        assert jobs_of(session) == count


def test_a_second_of_silence_is_outlived(firmware, digits):
    network, binary, images = digits
    line = DamagedLine(firmware, np.random.default_rng(0), 0)
    session, begun = session_at(line), time.monotonic()
    session.load_model(binary, lambda count: line.fall_silent(1) if not session.repeated else None)
    assert time.monotonic() - begun > 1 and session.repeated >= 5
    run_by_cpu(session, network, images[0])


class Killed(Exception):
    """The host is no more."""


@pytest.mark.parametrize("seed", range(4))
def test_a_host_killed_amid_a_frame_and_started_again_needs_no_reset(firmware, digits, seed):
    network, binary, images = digits
    rng = np.random.default_rng(seed)
    for _ in range(3):
        session, left = session_at(firmware), int(rng.integers(1, len(binary.data)))

        def write(data):
            nonlocal left
            firmware.write(data[:left])
            left -= len(data)
            if left <= 0:
                raise Killed

        session.port = type("Port", (), {"write": staticmethod(write), "read": firmware.read, "in_waiting": 1})()
        with pytest.raises(Killed):
            session.load_model(binary)
    session = session_at(firmware)
    with pytest.raises(UserError, match="no model has been loaded in this session"):
        session.run(images[0])
    session.load_model(binary)
    run_by_cpu(session, network, images[0])


def test_a_model_that_came_half_is_not_run(firmware, digits):
    session = session_at(firmware)
    session.write(MODEL_ADDRESS, digits[1].data[:-200])
    for name, words in (("RUN", ()), ("STEP", (0, 0)), ("COUNTERS", (0, 0))):
        with pytest.raises(UserError, match="no model has been accepted since the start or the last reset: load one"):
            session._ask(name, pack_words(*words))
    assert jobs_of(session) == 0


def test_a_model_that_was_written_over_is_not_run(firmware, digits):
    session = session_at(firmware)
    session.load_model(digits[1])
    session.write(MODEL_ADDRESS + 1000, b"\0")
    with pytest.raises(UserError, match="no model has been accepted"):
        session.run(digits[2][0])


def test_what_is_in_memory_instead_of_the_model_is_not_accepted(firmware, digits):
    session, data = session_at(firmware), digits[1].data
    session.write(MODEL_ADDRESS, data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(UserError, match="not the one that was sent: load it again"):
        session._ask("ACCEPT", pack_words(len(data), zlib.crc32(data)))


@pytest.mark.parametrize("words, sentence", [
    ({"magic": 1}, "no model in memory"),
    ({"version": 4}, "another version than the firmware reads: compile the model again"),
    ({"instruction_set": 99}, "compiled for another instruction set"),
    ({"config": CONFIGS["tiny"].hash}, "compiled for another configuration"),
    ({"address": 0x4000_0000}, "compiled for another address"),
    ({"bytes": MEMORY_END - MODEL_ADDRESS + 1}, "do not fit the memory of this board"),
    ({"bytes": 0xFFFF_FFFF}, "do not fit the memory of this board"),
    ({"write_limit": MEMORY_END + 1}, "do not fit the memory of this board"),
    ({"input": 0xFFFF_FF00, "input_bytes": 0x200}, "do not fit the memory of this board"),
    ({"output": MEMORY_END - 16, "output_bytes": 17}, "do not fit the memory of this board"),
])
def test_a_model_that_cannot_run_is_refused_before_a_byte_of_it_is_written(firmware, digits, words, sentence):
    session = session_at(firmware)
    with pytest.raises(UserError, match=f"the firmware refuses the model: .*{sentence}"):
        session.load_model(changed(digits[1], **words))
    assert session.read(MODEL_ADDRESS, 128) == bytes(128)
    with pytest.raises(UserError, match="no model has been loaded"):
        session.run(digits[2][0])


def test_a_refused_model_leaves_the_one_before_it_in_use(firmware, digits):
    network, binary, images = digits
    session = session_at(firmware)
    session.load_model(binary)
    with pytest.raises(UserError):
        session.load_model(changed(binary, version=4))
    session._ask("RUN")
    assert jobs_of(session) == 1


def test_a_model_without_the_cpus_weights_is_not_stepped_by_the_cpu(firmware, digits):
    session = session_at(firmware)
    session.load_model(build_binary(digits[0], CONFIG))
    session.start(digits[2][0], by_cpu=True)
    with pytest.raises(UserError, match="built without the CPU's weights: build it with --cpu"):
        session.step()


def test_steps_out_of_order_are_refused(firmware, digits):
    session = session_at(firmware)
    session.load_model(digits[1])
    session.start(digits[2][0], by_cpu=True)
    session.step()
    for words in ((1, 2), (1, 99), (0, 1)):
        with pytest.raises(UserError, match="not the next one: begin again with step 0"):
            session._ask("STEP", pack_words(*words))
    assert session.step().number == 1


def test_a_reset_forgets_the_model(firmware, digits):
    session = session_at(firmware)
    session.load_model(digits[1])
    session.reset()
    with pytest.raises(UserError, match="no model has been loaded in this session: load one first"):
        session.counters()
    with pytest.raises(UserError, match="no model has been accepted since the start or the last reset"):
        session._ask("RUN")


@pytest.mark.parametrize("address, size", [(0x4000_0000, 4), (MODEL_ADDRESS - 1, 1), (MEMORY_END - 3, 4), (0xFFFF_FFFC, 4), (0, 4)])
def test_memory_outside_that_of_models_is_not_written(firmware, address, size):
    with pytest.raises(UserError, match="outside the memory of models"):
        session_at(firmware).write(address, bytes(size))


def test_what_is_written_is_read_up_to_the_last_byte_of_memory(firmware):
    session, data = session_at(firmware), np.random.default_rng(3).bytes(5000)
    for address in (FREE + 1, MEMORY_END - len(data)):
        session.write(address, data)
        assert session.read(address, len(data)) == data
    with pytest.raises(UserError, match="outside the memory, or are more than a frame holds"):
        session.read(MEMORY_END - 3, 4)


@pytest.mark.parametrize("image", [np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8), np.int8), np.zeros((2, 8, 8, 1), np.int8)])
def test_an_image_of_another_form_is_refused(firmware, digits, image):
    session = session_at(firmware)
    session.load_model(digits[1])
    with pytest.raises(UserError, match=r"the model takes 1 int8 image\(s\) of 8x8x1, not "):
        session.run(image)


def test_an_unknown_tensor_is_refused_with_the_names_of_those_there_are(firmware, digits):
    session = session_at(firmware)
    session.load_model(digits[1])
    with pytest.raises(UserError, match="no tensor 'nonsense' in memory: it has image, conv1, "):
        session.tensor("nonsense")


@pytest.mark.parametrize("frame, sentence", [
    (Frame(0x70, 1), "does not know the request"),
    (Frame(REQUESTS["RUN"][0], 1, b"more"), "another size than this firmware takes"),
    (Frame(REQUESTS["WRITE"][0], 1, b"\0\0\0"), "another size than this firmware takes"),
    (Frame(REQUESTS["RUN"][0], 1, protocol=2), "another version of the protocol"),
])
def test_a_request_of_another_protocol_is_refused(firmware, frame, sentence):
    session_at(firmware)
    firmware.write(encode(frame))
    answer = next_frame(firmware)
    assert answer.kind == ANSWERS["REFUSED"] and answer.sequence == 1 and sentence in answer.payload.decode()


def next_frame(port):
    """Return the next frame from a port."""
    reader, found, deadline = FrameReader(), [], time.monotonic() + 5
    while not found and time.monotonic() < deadline:
        found = reader.feed(port.read(4096))
    frame, = found
    return frame


def test_the_same_sequence_number_with_another_request_is_another_request(firmware):
    session_at(firmware)
    for address, data in ((FREE, b"first"), (FREE + 8, b"other")):
        firmware.write(encode(Frame(REQUESTS["WRITE"][0], 5, pack_words(address) + data)))
        assert next_frame(firmware).kind == ANSWERS["DONE"]
    assert session_at(firmware).read(FREE, 13) == b"first\0\0\0other"


def ask_text(port, line):
    """Return the lines that the console answers to one; it ends with the next ENQ."""
    port.write(line)
    said, deadline = b"", time.monotonic() + 5
    while not said.endswith(bytes([ENQ])) and time.monotonic() < deadline:
        said += port.read(4096)
    return said.replace(bytes([ENQ]), b"").decode(errors="replace").splitlines()


def test_text_and_frames_share_the_line(firmware, digits):
    session = session_at(firmware)
    firmware.read(4096)
    for _ in range(3):
        said = ask_text(firmware, b"help\n")
        assert said[0].startswith("@help run ADDRESS") and said[-1] == "@ok"
        session.write(FREE, b"text")
        firmware.read(4096)
        assert ask_text(firmware, f"dump 0x{FREE:x} 4\n".encode()) == ["@bytes 74657874", "@ok"]
    session.load_model(digits[1])
    firmware.write(b"help\nnonsense\n" + b"x" * 200 + b"\n")
    run_by_cpu(session, digits[0], digits[2][0])


def test_whoever_types_by_hand_may_correct_the_line(firmware):
    session_at(firmware)
    firmware.read(4096)
    said = ask_text(firmware, b"\b\bhepp\b\x7flp\r\n")
    assert said == ask_text(firmware, b"help\n") and said[-1] == "@ok"


@pytest.mark.parametrize("noise", [encode(Frame(0x85, 9))[:-4] + b"\n", b"poke\xff 0x41800000 1\n", encode(Frame(0x85, 9))[1:]])
def test_what_follows_noise_is_no_command_until_it_is_said_again(firmware, noise):
    session_at(firmware)
    firmware.write(noise)
    assert next_frame(firmware).kind == ANSWERS["BROKEN"]
    time.sleep(0.05)
    firmware.read(4096)
    poke = f"poke 0x{FREE:x} 7\n".encode()
    assert ask_text(firmware, poke) == ["@error there was noise on the line: say it again"]
    assert session_at(firmware).read(FREE, 4) == bytes(4)
    firmware.read(4096)
    assert ask_text(firmware, poke) == ["@ok"]
    assert session_at(firmware).read(FREE, 4) == b"\7\0\0\0"


@pytest.mark.parametrize("seed", slice_of(range(24), 6))
def test_garbage_changes_nothing_and_is_recovered_from(firmware, digits, seed):
    network, binary, images = digits
    rng, session = np.random.default_rng(seed), session_at(firmware)
    session.load_model(binary)
    for _ in range(10):
        firmware.write(rng.bytes(int(rng.integers(1, 400))))
        session._ask("IDENTIFY")
    assert session.read(MODEL_ADDRESS, len(binary.data)) == binary.data, f"seed {seed}"
    run_by_cpu(session, network, images[0])
    assert jobs_of(session) == 0


class Deaf:
    """A port at which nothing is."""

    in_waiting = 0

    def write(self, data):
        """Send bytes into the void."""

    def read(self, size):
        """Return nothing, after a while."""
        time.sleep(0.01)
        return b""


def test_a_line_without_firmware_ends_with_a_sentence():
    with pytest.raises(UserError, match="not answered IDENTIFY for 0.3 seconds: look whether the board runs this firmware"):
        session_at(Deaf(), patience=0.3)


@pytest.mark.parametrize("operation", ["read", "write"])
def test_a_board_that_was_unplugged_ends_with_a_sentence(firmware, operation):
    def unplugged(_):
        raise serial.SerialException("device disconnected")

    session = session_at(firmware)
    session.port = type("Port", (), {"in_waiting": 1, "read": firmware.read, "write": firmware.write, operation: staticmethod(unplugged)})
    with pytest.raises(UserError, match=r"the serial port failed \(device disconnected\): connect the board again"):
        session.read(FREE, 4)


def test_a_dead_partner_is_noticed_while_waiting():
    def gone():
        raise UserError("the simulation ended")

    with pytest.raises(UserError, match="the simulation ended"):
        session_at(Deaf(), check_alive=gone)


def test_firmware_that_is_started_late_is_found(program):
    port = DamagedLine(Deaf(), np.random.default_rng(0), 0)
    with HostFirmware(program) as firmware:
        timer = threading.Timer(0.5, setattr, (port, "port", firmware))
        timer.start()
        assert session_at(port).identity.config == CONFIG.hash


@pytest.mark.parametrize("payload", [4 * len(HEADER) - 1, MOST_PAYLOAD + 1])
def test_a_payload_that_cannot_work_is_refused(payload):
    with pytest.raises(ValueError, match=f"payload is {payload}, but it must be"):
        Session(Deaf(), payload=payload)
