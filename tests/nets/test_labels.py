# SPDX-License-Identifier: BSD-2-Clause
"""Labels are one integer an image, wherever they come from; everything else is refused, not counted."""

import numpy as np
import pytest

from accel.errors import UserError
from nets.images import Arrays, ImageSet, open_images
from nets.labels import check_classes, class_numbers, read_labels
from tests.support.networks import convolution

IMAGES = np.zeros((3, 2, 2, 1), np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_a_column_of_labels_is_a_row_of_labels(shape, dtype, tmp_path):
    labels = np.array([2, 0, 1], dtype).reshape(shape)
    np.savez(tmp_path / "set.npz", x=IMAGES, y=labels)
    np.save(tmp_path / "labels.npy", labels)
    for found in (open_images(tmp_path / "set.npz", (2, 2, 1)).labels, read_labels(tmp_path / "labels.npy")):
        assert found.dtype == np.int64 and found.tolist() == [2, 0, 1]


@pytest.mark.parametrize("labels", [np.array([0.5, 1.5, 2.5]), np.eye(3, dtype=int), np.array(["cat", "dog", "cat"]), np.array(3), np.zeros(3, bool)],
                         ids=["halves", "one-hot", "words", "scalar", "yes or no"])
def test_what_is_no_class_number_an_image_is_refused_with_the_files_name(labels, tmp_path):
    np.savez(tmp_path / "set.npz", x=IMAGES, y=labels)
    np.save(tmp_path / "labels.npy", labels)
    with pytest.raises(UserError, match="the labels in .*set.npz are .*, but they must be integers, one class number an image"):
        open_images(tmp_path / "set.npz", (2, 2, 1))
    with pytest.raises(UserError, match="the labels in .*labels.npy are "):
        read_labels(tmp_path / "labels.npy")


@pytest.mark.parametrize("labels, sentence", [([0, 6, 1], "go from 0 to 6, but the model has 6 classes, 0 to 5"), ([-1, 2, 3], "go from -1 to 3")])
def test_a_label_that_is_no_class_is_refused_before_a_run_too(labels, sentence):
    network = convolution((2, 2), 1, 6, (2, 2))
    with pytest.raises(UserError, match=sentence):
        check_classes(np.array(labels), network)
    images = ImageSet(Arrays(IMAGES, class_numbers(labels, "a test")))
    with pytest.raises(UserError, match=sentence):
        images.samples(network, 3)
    if labels[0] == 0:
        assert images.samples(network, 1).labels.tolist() == [0]
