# SPDX-License-Identifier: BSD-2-Clause
"""An evaluation counts what is right, in one process or several, of the int8 network and of the float network that it comes from."""

import numpy as np
import pytest

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.expectation import expect
from compiler.program import compile_network
from compiler.reference import execute
from nets.evaluation import Evaluation, best, block_size, evaluate
from nets.float_run import run_float
from nets.images import Arrays, ImageSet
from nets.model import Model
from nets.quantise_network import quantise_network
from nets.zoo import load_model
from tests.support.float_networks import small_classifier

DIGITS = load_model("digits")
FLOAT = small_classifier()
IMAGES = np.random.default_rng(5).normal(size=(90, 8, 8, 3)).astype(np.float32)
MODEL = Model(quantise_network(FLOAT, IMAGES[:8], "minmax"), real=FLOAT)


def test_the_best_classes_come_first_and_of_equal_ones_the_lower():
    outputs = np.array([[0, 3, 3, -1, 2, 9, 1], [5] * 7])
    assert best(outputs).tolist() == [[5, 1, 2, 4, 6], [0, 1, 2, 3, 4]]
    assert best(np.zeros((2, 1, 1, 3), np.int8)).tolist() == [[0, 1, 2]] * 2


def test_accuracy_is_the_share_whose_label_is_among_the_first():
    guesses = np.array([[1, 2, 0], [0, 2, 1], [2, 1, 0], [2, 0, 1]])
    evaluation = Evaluation(guesses, guesses[[0, 0, 2, 2]], np.array([1, 1, 1, 0]))
    assert evaluation.accuracy(guesses) == 1 / 4 and evaluation.accuracy(guesses, 2) == 3 / 4 and evaluation.accuracy(guesses, 3) == 1
    assert evaluation.changed.tolist() == [1]
    assert Evaluation(guesses, None, None).accuracy(guesses) is None


@pytest.mark.parametrize("jobs", [1, 2])
def test_int8_and_float_are_what_reference_and_float_run_say_of_all_images(jobs):
    labels = np.arange(90) % 10
    done = []
    result = evaluate(MODEL, ImageSet(Arrays(IMAGES, labels)), 80, jobs, done.append)
    assert sum(done) == 80 and len(done) == -(-80 // block_size(MODEL.network)) > 1
    numbers = ImageSet(Arrays(IMAGES)).int8(0, 80, MODEL.network.tensors[MODEL.network.input])
    np.testing.assert_array_equal(result.int8, best(execute(MODEL.network, numbers)[MODEL.network.output]))
    np.testing.assert_array_equal(result.real, best(run_float(FLOAT, IMAGES[:80])[FLOAT.output]))
    assert result.labels.tolist() == labels[:80].tolist()
    assert 0 < len(result.changed) < 20, "the network is to be near float, but not the same"


def test_what_cannot_be_compared_is_refused():
    images = IMAGES[:, :8, :8, :1]
    for labels, count, sentence in ((None, 5, "no labels, give --labels FILE"),
                                    (np.full(90, 10), 5, "labels go from 10 to 10, but the model has 10 classes"),
                                    (np.full(90, -1), 5, "labels go from -1"), (np.zeros(90, int), 91, "--count must be 1 to 90, not 91")):
        with pytest.raises(UserError, match=sentence):
            evaluate(DIGITS, ImageSet(Arrays(images, labels)), count)


@pytest.mark.parametrize("config", ["arty-35", "arty-100"])
def test_what_is_evaluated_is_what_the_golden_model_computes(config):
    """Every tensor of a network that our own quantisation made: expect() raises where golden model and reference differ."""
    images = ImageSet(Arrays(IMAGES))
    model = compile_network(MODEL.network, CONFIGS[config])
    guesses = evaluate(MODEL, images, 4).int8
    for i, image in enumerate(images.int8(0, 4, MODEL.network.tensors[MODEL.network.input])):
        tensors = expect(MODEL.network, model, image).tensors
        assert best(tensors[MODEL.network.output][None])[0].tolist() == guesses[i].tolist()
