# SPDX-License-Identifier: BSD-2-Clause
"""scikit-learn's handwritten digits: 1797 images of 8 x 8 pixels, grey values 0 to 16."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

LARGEST = 16
HELD_BACK = 360
SPLIT_SEED = 2017


def digits(held_back):
    """Return (images float32 [N, 8, 8, 1] in 0..1, labels): the training part, or the 360 images that training never sees."""
    data = load_digits()
    images = (data.images / LARGEST).astype(np.float32)[..., np.newaxis]
    train_x, test_x, train_y, test_y = train_test_split(images, data.target, test_size=HELD_BACK, random_state=SPLIT_SEED, stratify=data.target)
    return (test_x, test_y) if held_back else (train_x, train_y)
