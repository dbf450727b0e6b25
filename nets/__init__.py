# SPDX-License-Identifier: BSD-2-Clause
"""Trained networks: the zoo, its file format, training, folding, quantisation and pruning."""
