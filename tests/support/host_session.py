# SPDX-License-Identifier: BSD-2-Clause
"""What tests of sessions with the firmware on the host share."""

from dataclasses import replace

import numpy as np

from accel.config import CONFIGS
from compiler.binary import HEADER
from compiler.reference import execute
from firmware.session import Session
from tests.support.host_firmware import JOBS_ADDRESS

CONFIG = CONFIGS["arty-35"]
WORDS = [name for name, _ in HEADER]
# Memory that no model of these tests lies in.
FREE = 0x4180_0000


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
