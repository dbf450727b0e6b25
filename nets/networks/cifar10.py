# SPDX-License-Identifier: BSD-2-Clause
"""The classes of CIFAR-10."""

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
