# SPDX-License-Identifier: BSD-2-Clause
"""Batches show each image once an epoch, moved and mirrored, the same ones whenever the epoch runs."""

import numpy as np
import pytest

from nets.recipe import Recipe

torch = pytest.importorskip("torch", reason="training needs torch (make train)")
from nets.augment import SHIFT, Batches, as_tensor, resized  # noqa: E402 (needs torch)

pytestmark = pytest.mark.full


def images(count):
    """Images whose one bright pixel is at (10, 12), and labels that number them."""
    pixels = torch.full((count, 32, 32, 3), 128, dtype=torch.uint8)
    pixels[:, 10, 12] = 255
    return pixels, torch.arange(count)


def test_each_image_is_shown_once_and_its_pixels_move_by_as_much_as_they_may():
    batches = list(Batches(*images(1000), Recipe(batch=100), 0))
    labels = torch.cat([labels for _, labels in batches])
    assert sorted(labels.tolist()) == list(range(1000)) and labels.tolist() != list(range(1000))
    places = torch.cat([pixels for pixels, _ in batches])[:, 0].flatten(1).argmax(1)
    rows, columns = places // 32, places % 32
    assert set(rows.tolist()) == set(range(10 - SHIFT, 10 + SHIFT + 1))
    plain, mirrored = (set(range(middle - SHIFT, middle + SHIFT + 1)) for middle in (12, 31 - 12))
    assert set(columns.tolist()) == plain | mirrored
    assert 0.4 < np.mean([column in mirrored - plain for column in columns.tolist()]) + 0.25 / 3 < 0.7


def test_what_comes_in_at_an_edge_is_nothing_to_the_network():
    pixels = torch.full((64, 32, 32, 3), 255, dtype=torch.uint8)
    shown, _ = next(iter(Batches(pixels, torch.arange(64), Recipe(batch=64), 0)))
    assert set(shown.unique().tolist()) == {0.0, 127 / 64}


def test_an_epoch_is_the_same_again_and_another_one_or_another_seed_differs():
    def first(seed, epoch):
        return next(iter(Batches(*images(64), Recipe(batch=64, seed=seed), epoch)))[1].tolist()
    assert first(1, 3) == first(1, 3)
    assert first(1, 3) != first(1, 4) and first(1, 3) != first(2, 3)


def test_a_last_batch_that_is_not_whole_is_left_out_unless_it_is_the_only_one():
    assert [len(labels) for _, labels in Batches(*images(70), Recipe(batch=32), 0)] == [32, 32]
    assert [len(labels) for _, labels in Batches(*images(20), Recipe(batch=32), 0)] == [20]


def test_images_are_made_smaller_by_their_means():
    pixels = as_tensor(torch.arange(32, dtype=torch.uint8)[None, :, None, None].repeat(2, 1, 32, 3))
    smaller = resized(pixels, 16)
    assert smaller.shape == (2, 3, 16, 16) and resized(pixels, 32) is pixels
    np.testing.assert_allclose(smaller.mean(), pixels.mean(), rtol=1e-3)
    assert next(iter(Batches(*images(8), Recipe(epochs=2, batch=8, sizes=((24, 1),)), 0)))[0].shape == (8, 3, 24, 24)
