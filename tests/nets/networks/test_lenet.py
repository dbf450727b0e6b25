# SPDX-License-Identifier: BSD-2-Clause
"""The pruned LeNet-5 reads handwritten digits as its authors' does."""

import numpy as np

from nets.described import NETWORKS, described
from nets.float_run import predict_float
from tests.support.real_data import real_data


def test_it_reads_98_5_percent_of_the_digits():
    network = described("lenet", real_data("lenet_mnist/lenet5_sparse.npz"))
    with np.load(real_data("lenet_mnist/mnist_test1500.npz")) as stored:
        images, labels = stored["x"][..., np.newaxis], stored["y"]
    scores = predict_float(network, NETWORKS["lenet"].preprocessing.apply(images))
    assert (scores.reshape(len(labels), -1).argmax(axis=1) == labels).mean() >= 0.985
