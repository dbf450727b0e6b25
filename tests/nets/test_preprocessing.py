# SPDX-License-Identifier: BSD-2-Clause
"""Images become what a network was trained on."""

import numpy as np
import pytest

from accel.errors import UserError
from nets.preprocessing import Preprocessing

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 6, 8, 3)).astype(np.uint8)


def test_the_numbers_are_scaled_then_shifted_then_divided():
    values = Preprocessing(scale=1 / 255, mean=(0.5, 0.25, 0.0), std=(0.5, 1.0, 2.0)).apply(IMAGES)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values[..., 0], (IMAGES[..., 0] / 255 - 0.5) / 0.5, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(values[..., 1], IMAGES[..., 1] / 255 - 0.25, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(values[..., 2], IMAGES[..., 2] / 255 / 2, rtol=1e-6)


def test_blue_comes_first_and_has_the_first_mean():
    values = Preprocessing(mean=(104, 117, 123), bgr=True).apply(IMAGES)
    np.testing.assert_array_equal(values[..., 0], IMAGES[..., 2].astype(np.float32) - 104)
    np.testing.assert_array_equal(values[..., 2], IMAGES[..., 0].astype(np.float32) - 123)


def test_the_centre_is_taken():
    np.testing.assert_array_equal(Preprocessing(size=(4, 3)).apply(IMAGES), IMAGES[:, 1:5, 2:5])


def test_an_image_smaller_than_the_network_takes_is_refused():
    with pytest.raises(UserError, match="takes images of 7 x 8, but these have 6 x 8"):
        Preprocessing(size=(7, 8)).apply(IMAGES)


def test_each_image_is_standardised_by_itself_and_one_of_a_single_colour_becomes_zero():
    values = Preprocessing(standardise=True).apply(np.concatenate([IMAGES, np.full_like(IMAGES[:1], 9)]))
    np.testing.assert_allclose(values[:3].mean(axis=(1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(values[:3].std(axis=(1, 2, 3)), 1, rtol=1e-5)
    assert not values[3].any()
