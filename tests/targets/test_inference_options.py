# SPDX-License-Identifier: BSD-2-Clause
"""Images go through in whole batches, the last one filled up, and lie in memory batch by batch."""

import argparse

import numpy as np
import pytest

from accel.errors import UserError
from compiler.binary import MODEL_ADDRESS
from targets.inference_options import add_options, work_of
from targets.running_soc import place_images, work_for
from tests.support.networks import convolution
from tests.support.random_networks import random_images

NETWORK = convolution((3, 3), 2, 4)


@pytest.mark.parametrize("count, batch, batches", [(1, 1, 1), (5, 1, 5), (6, 3, 2), (5, 4, 2), (1, 8, 1)])
def test_the_last_batch_is_filled_up_with_the_last_image(count, batch, batches):
    images = random_images(NETWORK, 1, count)
    work = work_for(NETWORK, images, batch=batch)
    assert [part.shape for part in work.batches] == [(batch, 3, 3, 2)] * batches
    every = np.concatenate(work.batches)
    np.testing.assert_array_equal(every[:count], images)
    assert (every[count:] == images[-1]).all()


def test_a_batch_is_one_run_of_bytes_behind_the_model():
    images = random_images(NETWORK, 1, 5)
    work = work_for(NETWORK, images, batch=4)
    addresses, data = place_images(work)
    assert addresses[0] >= work.binary.end > MODEL_ADDRESS and len(addresses) == 2
    for address, part in zip(addresses, work.batches, strict=True):
        place = address - addresses[0]
        assert data[place:place + part.nbytes] == part.tobytes()


def options(*words):
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(words)


def test_a_batch_is_asked_for_by_its_size():
    work = work_of(options("--model", "digits", "--count", "3", "--batch", "2"))
    assert work.batch == 2 and len(work.batches) == 2 and len(work.samples.images) == 3


@pytest.mark.parametrize("words, sentence", [(("--batch", "0"), "--batch must be at least 1, not 0"), (("--batch", "2", "--cpu"), "leave out --cpu")])
def test_a_batch_that_cannot_be_is_refused(words, sentence):
    with pytest.raises(UserError, match=sentence):
        work_of(options("--model", "digits", *words))


def test_a_set_of_few_images_is_run_whole_where_no_number_is_given(tmp_path):
    for stored, run in ((3, 3), (20, 8)):
        np.save(tmp_path / "set.npy", np.zeros((stored, 8, 8, 1), np.uint8))
        assert len(work_of(options("--model", "digits", "--images", str(tmp_path / "set.npy"))).samples.images) == run
