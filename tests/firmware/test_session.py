# SPDX-License-Identifier: BSD-2-Clause
"""The host's session with the firmware's own sources, compiled for the host: models, runs, steps, counters, tensors, refusals."""

import zlib

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from accel.registers import RECORD_FIELDS, RECORD_WORDS, RECORDS
from compiler.binary import MODEL_ADDRESS, build_binary
from firmware.frames import MOST_PAYLOAD, pack_words
from tests.support.host_firmware import JOB_CYCLES, MEMORY_END
from tests.support.host_session import CONFIG, FREE, changed, jobs_of, run_by_cpu, session_at
from tests.support.stepped_networks import stepped


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


def test_a_model_that_is_there_already_is_not_sent_again(firmware, digits):
    network, binary, images = digits
    session_at(firmware).load_model(binary)
    session, arrived = session_at(firmware), []
    session.load_model(binary, arrived.append)
    assert arrived == [len(binary.data)]
    run_by_cpu(session, network, images[0])
    session.write(MODEL_ADDRESS + 1000, b"other")
    session.load_model(binary, arrived.append)
    assert len(arrived) > 10 and sum(arrived) == 2 * len(binary.data)
    run_by_cpu(session, network, images[0])


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
