# SPDX-License-Identifier: BSD-2-Clause
"""Readers of other tools' model files."""
